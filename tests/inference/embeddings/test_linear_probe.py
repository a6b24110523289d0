"""Probes on vectors whose answer is known."""

import numpy as np
import pytest

from embed_table import table
from genrelab.inference.embeddings.linear_probe import format_probe, probe, read_auxiliary_targets
from genrelab.utils.errors import GenrelabError


def made(apart: float, count: int = 90):
    generator = np.random.default_rng(0)
    target = np.arange(count) % 3
    vectors = generator.normal(size=(count, 6))
    vectors[np.arange(count), target] += apart
    return vectors.astype(np.float32), np.array(["a", "b", "c"])[target]


def test_what_is_far_apart_is_learnt_from_few():
    found = probe(*made(8.0))
    assert found.full.value == 1 and found.full.low == 1 and found.constant == pytest.approx(1 / 3)
    assert [one.shots for one in found.few_shot] == [1, 2, 5, 10, 20] and found.few_shot[2].value > 0.95


def test_noise_is_not_learnt():
    found = probe(*made(0.0))
    assert found.full.low < 1 / 3 < found.full.high
    assert all(one.low <= one.value <= one.high for one in (*found.few_shot, found.full))


def test_artists_stay_on_one_side():
    """Each artist has a place of its own, which says nothing of the label once the artist is new."""
    generator = np.random.default_rng(0)
    artist = np.repeat(np.arange(30), 4)
    labels = np.array(["a", "b"])[artist % 2]
    vectors = (10 * generator.normal(size=(30, 40))[artist] + generator.normal(size=(120, 40))).astype(np.float32)
    assert probe(vectors, labels).full.value > 0.95
    assert probe(vectors, labels, artist).full.value < 0.8


@pytest.mark.parametrize(
    ("labels", "groups", "reason"),
    [
        (["a"] * 6, None, r"^(?!.*track)(?!.*artist).*'a'"),
        (["a"] * 5 + ["b"], None, r"'b' .*\btrack\b"),
        (["a"] * 3 + ["b"] * 3, [1, 2, 3, 4, 4, 4], r"'b' .*\bartist\b"),
    ],
)
def test_what_cannot_be_probed(labels, groups, reason):
    with pytest.raises(GenrelabError, match=reason):
        probe(np.zeros((6, 2)), np.array(labels), None if groups is None else np.array(groups))


def test_labels_by_path_and_by_track(tmp_path):
    for header, first in (("path,label", "/music/001.mp3"), ("track,genre", "001.mp3")):
        (tmp_path / "x.csv").write_text(f"{header},artist\n{first},calm,A\nunknown.mp3,calm,B\n")
        rows, labels, artists = read_auxiliary_targets(tmp_path / "x.csv", table())
        assert rows.tolist() == [1] and labels.tolist() == ["calm"] and artists.tolist() == ["A"]
    for text, reason in (("a,b\n", "needs the columns"), ("path,label\nx,y\n", "names a track")):
        (tmp_path / "x.csv").write_text(text)
        with pytest.raises(GenrelabError, match=reason):
            read_auxiliary_targets(tmp_path / "x.csv", table())
    with pytest.raises(GenrelabError, match=r"none\.csv: "):
        read_auxiliary_targets(tmp_path / "none.csv", table())


def test_the_scores_are_told():
    told = "\n".join(format_probe(probe(*made(8.0))))
    assert "90 tracks, 3 labels" in told and "all, 5 folds       100.0 %  [100, 100]" in told
    assert "commonest label     33.3 %" in told

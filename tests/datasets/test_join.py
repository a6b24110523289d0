"""Features of several files, joined by track id."""

import numpy as np
import pandas as pd
import pytest

from genrelab.config import compose
from genrelab.datasets import DatasetIndex
from genrelab.datasets.embeddings import embeddings
from genrelab.datasets.feature_table import table
from genrelab.datasets.join import join_features
from genrelab.engine.build import read_dataset_index
from genrelab.features.precomputed import PrecomputedFeature, PrecomputedFeatures, segment_numbers
from genrelab.utils.errors import ConfigError, GenrelabError


def index(ids, genres, name="main", feature="ssd", artists=None):
    """A dataset whose feature is [place in the file, place + 0.5]; repeated ids are segments."""
    values = np.arange(len(ids), dtype=np.float32)[:, None] + np.array([0, 0.5], np.float32)
    tracks = pd.DataFrame({"track_id": ids, "genre": genres, "path": [f"{name}, {i}" for i in ids]})
    tracks["artist_id"] = artists
    precomputed = PrecomputedFeatures(
        np.array(ids, object), segment_numbers(ids), (PrecomputedFeature(feature, values),)
    )
    return DatasetIndex(name, tracks.drop_duplicates("track_id"), precomputed=precomputed)


MAIN = index(["c", "a", "b"], ["Rock", "Jazz", "Pop"], artists=["x", "y", "z"])


def values(joined, track, place):
    rows = joined.precomputed.track_id == track
    return joined.precomputed.features[place].values[rows][:, 0].tolist()


def test_rows_are_matched_by_id_whatever_their_order():
    joined = join_features(MAIN, "more", index(["a", "b", "c"], ["jazz", "pop", "rock"], "other", "rh", ["q"] * 3))
    assert [feature.name for feature in joined.precomputed.features] == ["ssd", "rh"]
    assert {track: (values(joined, track, 0), values(joined, track, 1)) for track in "abc"} == {
        "a": ([1], [0]), "b": ([2], [1]), "c": ([0], [2])
    }  # fmt: skip
    assert joined.tracks["artist_id"].tolist() == ["y", "z", "x"] and joined.genre_of["a"] == "Jazz"
    assert joined.precomputed.features[0].values is MAIN.precomputed.features[0].values, "no copy where all rows stay"


def test_lost_tracks_are_counted_and_listed():
    joined = join_features(MAIN, "more", index(["a", "d"], ["Jazz", "Pop"], "other"))
    assert joined.tracks["track_id"].tolist() == ["a"] and joined.precomputed.track_id.tolist() == ["a"]
    assert [path for path, _ in joined.rejected] == ["main, b", "main, c"]
    assert "1 of 3 tracks" in joined.notes[-1] and "2 lost" in joined.notes[-1]
    assert [feature.name for feature in joined.precomputed.features] == ["ssd", "more_ssd"], "a taken name is prefixed"


def test_one_row_goes_with_every_segment_and_segments_with_their_like():
    main = index(["a", "a", "b"], ["Jazz", "Jazz", "Pop"])
    once = join_features(main, "more", index(["b", "a"], ["Pop", "Jazz"], feature="rh"))
    assert values(once, "a", 0) == [0, 1] and values(once, "a", 1) == [1, 1] and values(once, "b", 1) == [0]
    alike = join_features(main, "more", index(["b", "a", "a"], ["Pop", "Jazz", "Jazz"], feature="rh"))
    assert values(alike, "a", 1) == [1, 2]


@pytest.mark.parametrize(
    ("ids", "genres", "message"),
    [
        (["row-0", "row-1"], ["Jazz", "Pop"], "'a' and 'row-0'"),
        (["a", "b"], ["Jazz", "Rock"], "'b' .*'Rock'.*'Pop'"),
        (["a", "b", "b"], ["Jazz", "Pop", "Pop"], "'b' has 2 rows .* 1 "),
    ],
)
def test_what_cannot_be_joined_is_refused(ids, genres, message):
    with pytest.raises(GenrelabError, match=rf"^join\.more: .*{message}"):
        join_features(MAIN, "more", index(ids, genres))


def test_other_segments_are_refused():
    main = index(["a", "a", "a"], ["Jazz"] * 3)
    with pytest.raises(GenrelabError, match=r"'a' has 2 rows .* 3 "):
        join_features(main, "more", index(["a", "a"], ["Jazz"] * 2))


def test_a_file_without_genres_is_joined_by_ids_alone(tmp_path):
    data = {"id": ["b", "a", "c"], "x": [0.5, 1.5, 2.5]}
    pd.DataFrame(data).to_csv(tmp_path / "more.csv", index=False)
    np.savez(tmp_path / "more.npz", id=data["id"], embedding=np.array(data["x"], np.float32)[:, None])
    for other in (
        table(str(tmp_path / "more.csv"), label=None, track="id"),
        embeddings(str(tmp_path / "more.npz"), label=None, track="id"),
    ):
        joined = join_features(MAIN, "more", other)
        assert [values(joined, track, 1) for track in "abc"] == [[1.5], [0.5], [2.5]]
        assert joined.genres == MAIN.genres
        assert not other.labeled and joined.labeled
    with pytest.raises(GenrelabError, match=r"'genre'.*label=null"):
        table(str(tmp_path / "more.csv"), track="id")
    config = compose(["dataset=table", f"dataset.path={tmp_path / 'more.csv'}", "dataset.label=null"])
    with pytest.raises(ConfigError, match=r"dataset\.label: null"):
        read_dataset_index(config)

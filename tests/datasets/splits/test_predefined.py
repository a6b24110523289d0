"""The published ratio splits: A08's floors, and B05's and E04's ratios as settings of the rules that are there."""

import re
from collections import Counter

import pytest

from dataset_indexes import counts, make_dataset_index
from genrelab.datasets.splits import SplitError
from genrelab.datasets.splits.registry import SPLITS
from genrelab.utils.errors import ConfigError


def test_floors_cut_each_genre_and_the_rest_is_test():
    dataset_index = make_dataset_index([("a", "x")] * 10 + [("b", "y")] * 13 + [("c", "z")] * 4)
    split = SPLITS.build("shuffled", {}, dataset_index=dataset_index)
    found = {
        genre: tuple(of[part] for part in ("train", "val", "test"))
        for genre, of in counts(split, dataset_index).items()
    }
    assert found == {"a": (7, 2, 1), "b": (9, 2, 2), "c": (2, 0, 2)}
    assert re.search(r"\bval\b.*\b1 .*: c \(4\)$", split.notes[0])
    assert (split.artists, split.artist_leak, split.unsafe) == ("ignored", True, False)
    assert SPLITS.build("shuffled", {"seed": 1}, dataset_index=dataset_index).assignment != split.assignment
    assert SPLITS.build("shuffled", {}, dataset_index=dataset_index).hash == split.hash


def test_too_few_tracks_are_told():
    with pytest.raises(SplitError, match=r"\btrain\b.*\bb \(1\)"):
        SPLITS.build("shuffled", {}, dataset_index=make_dataset_index([("a", "x")] * 10 + [("b", "y")]))
    with pytest.raises(ConfigError, match="sum to 1"):
        SPLITS.build("shuffled", {"ratios": [0.7, 0.2, 0.2]}, dataset_index=make_dataset_index([("a", "x")]))


@pytest.mark.parametrize("ratios", [(0.7, 0.2, 0.1), (0.7, 0.15, 0.15), (0.6, 0.2, 0.2)], ids=["A08", "B05", "E04"])
@pytest.mark.parametrize("kind", ["grouped", "shuffled", "random_segments"])
def test_every_published_ratio_is_a_setting(kind, ratios):
    dataset_index = make_dataset_index([(f"g{i % 10}", f"a{i}") for i in range(1000)])
    params = {"ratios": list(ratios), **({"group_by": None} if kind == "grouped" else {})}
    split = SPLITS.build(kind, params, dataset_index=dataset_index)
    if kind == "random_segments":
        assert split.shares == ratios
        return
    sizes = Counter(split.assignment.values())
    assert [sizes[part] / 1000 for part in ("train", "val", "test")] == pytest.approx(ratios)
    assert all(of["val"] == 100 * ratios[1] for of in counts(split, dataset_index).values())

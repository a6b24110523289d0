"""split=auto: folds where tracks are few, a holdout where they are not or ratios ask for it."""

import pytest

from dataset_indexes import make_dataset_index
from genrelab.datasets.splits import SplitError, resolve_split
from genrelab.datasets.splits.registry import SPLITS
from genrelab.utils.errors import ConfigError

AUTO = {"kind": "auto", "ratios": None, "seed": 3, "group_by": "artist"}


def index_of(tracks, artists):
    """Two genres, each with its own artists."""
    return make_dataset_index([(f"g{i % 2}", f"g{i % 2} a{i // 2 % artists}") for i in range(tracks)])


def resolve(index, **params):
    return resolve_split({**AUTO, **params}, lambda: index)


@pytest.mark.parametrize(("artists", "folds"), [(9, 5), (5, 5), (4, 4), (3, 3)])
def test_few_tracks_are_cut_into_as_many_folds_as_artists_allow(artists, folds):
    expected = {"kind": "stratified", "folds": folds, "fold": None, "seed": 3, "group_by": "artist"}
    assert resolve(index_of(40, artists)) == expected


def test_too_few_artists_are_refused_unless_ignored():
    with pytest.raises(SplitError, match=r"g0 \(2\), g1 \(2\).*split\.group_by=null"):
        resolve(index_of(40, 2))
    assert resolve(index_of(40, 2), group_by=None)["folds"] == 5


@pytest.mark.parametrize(("tracks", "kind"), [(298, "stratified"), (300, "grouped")])
def test_the_number_of_tracks_decides(tracks, kind):
    assert resolve(index_of(tracks, 20))["kind"] == kind


@pytest.mark.parametrize("params", [{**AUTO, "ratios": [0.5, 0.3, 0.2]}, {"kind": "official", "seed": 1}])
def test_what_is_asked_for_needs_no_tracks(params):
    def unread():
        raise AssertionError("read")

    found = resolve_split(params, unread)
    assert found == (params if params["kind"] == "official" else {**params, "kind": "grouped"})


def test_built_directly_it_is_a_holdout_or_says_that_folds_are_several():
    index = index_of(300, 20)
    kept = {"seed": 3, "group_by": "artist"}
    of_grouped = SPLITS.build("grouped", kept, dataset_index=index)
    assert SPLITS.build("auto", kept, dataset_index=index).hash == of_grouped.hash
    with pytest.raises(ConfigError, match=r"split\.fold"):
        SPLITS.build("auto", kept, dataset_index=index_of(40, 5))

import numpy as np
import pandas as pd
import pytest

from genrelab.datasets import COLUMNS, DatasetIndex
from genrelab.utils.errors import GenrelabError
from naming import naming


def table(**columns):
    return pd.DataFrame({"track_id": ["b", "a"], "genre": ["x", "y"], "path": ["b.wav", "a.wav"], **columns})


def test_the_table_has_one_form():
    dataset_index = DatasetIndex("d", table(artist_id=["A", np.nan], official_split=["", "test"]))
    assert tuple(dataset_index.tracks.columns) == COLUMNS
    assert list(dataset_index.tracks["track_id"]) == ["a", "b"]
    assert list(dataset_index.tracks["artist_id"]) == [None, "A"]
    assert list(dataset_index.tracks["official_split"]) == ["test", None]
    assert dataset_index.tracks["duration"].isna().all()
    assert dataset_index.genres == ("x", "y")


@pytest.mark.parametrize(("artists", "state"), [(["A", "B"], "all"), (["A", None], "some"), ([None, " "], "none")])
def test_artists_known(artists, state):
    assert DatasetIndex("d", table(artist_id=artists)).artists == state


@pytest.mark.parametrize(
    ("tracks", "data"),
    [
        (table().drop(columns="genre"), ["'genre'"]),
        (table().head(0), ["dataset.root"]),
        (table(genre=["x", " "]), ["row 2 (a)", "genre"]),
        (table(track_id=["a", "a"]), ["'a'", "b.wav", "a.wav"]),
        (table(official_split=["train", "dev"]), ["'dev'", "train"]),
    ],
)
def test_bad_tables_are_refused(tracks, data):
    with pytest.raises(GenrelabError, match=naming("dataset d", *data)):
        DatasetIndex("d", tracks)


def test_without_lists_what_was_left_out():
    dataset_index = DatasetIndex("d", table(), rejected=(("c.wav", "empty"),)).without([("a.wav", "corrupt")])
    assert list(dataset_index.tracks["track_id"]) == ["b"]
    assert dataset_index.rejected == (("c.wav", "empty"), ("a.wav", "corrupt"))

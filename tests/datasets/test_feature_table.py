"""Tables of features: rows become tracks and segments, gaps are listed, twins stay together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genrelab.datasets.feature_table import gtzan_features, one_recording, table
from genrelab.datasets.splits.registry import SPLITS
from genrelab.features.cache import PrecomputedFeatureCache
from genrelab.utils.errors import GenrelabError
from naming import naming
from paths import SHARED_DATA


@pytest.fixture
def written(tmp_path) -> Path:
    data = pd.DataFrame(
        {
            "song": ["a", "a", "b", "c", "d"],
            "genre": ["Rock", "Rock", "Jazz", "Jazz", "Rock"],
            "band": ["x", "x", "y", None, "z"],
            "loud": [1.0, 2.0, 3.0, np.nan, 3.0],
            "fast": [5, 6, 7, 8, 7],
        }
    )
    data.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def test_rows_become_segments_of_tracks(written):
    dataset_index = table(str(written), track="song", artist="band")
    assert dataset_index.tracks["track_id"].tolist() == ["a", "b", "d"] and dataset_index.genres == ("Jazz", "Rock")
    assert dataset_index.rejected == ((f"{written}, row 4", "no number in 'loud'"),)
    feature_cache = PrecomputedFeatureCache(dataset_index.precomputed)
    rows = feature_cache.rows(["d", "a"])
    assert list(zip(rows["track_id"], rows["segment"], strict=True)) == [("a", 0), ("a", 1), ("d", 0)]
    (values,) = feature_cache.load(rows)
    assert values.dtype == np.float32 and values.tolist() == [[1, 5], [2, 6], [3, 7]]
    assert feature_cache.specs[0].shape == (2,) and feature_cache.specs[0].params["names"] == ["loud", "fast"]


def test_the_same_numbers_are_one_recording(written):
    albums = table(str(written), track="song").tracks.set_index("track_id")["album_id"]
    assert albums["b"] == albums["d"] and albums["b"].split()[-1] == "b" and albums["a"] is None


def test_three_of_a_kind_share_one_name():
    values = np.array([[1.0], [2.0], [1.0], [1.0]], np.float32)
    shared = one_recording(values, np.array(["p", "q", "r", "s"], object))
    assert sorted(shared) == ["p", "r", "s"] and len(set(shared.values())) == 1


def test_other_numbers_are_another_store(written):
    first = PrecomputedFeatureCache(table(str(written)).precomputed).specs[0].fingerprint
    data = pd.read_csv(written)
    data.loc[0, "loud"] = 1.5
    data.to_csv(written, index=False)
    assert PrecomputedFeatureCache(table(str(written)).precomputed).specs[0].fingerprint != first


def test_labels_are_columns_beside_the_genre_and_no_features(written):
    data = pd.read_csv(written).assign(voice=["sung", " sung", "", None, "none"], year=[1999, 1999, np.nan, 2001, 2003])
    data.to_csv(written, index=False)
    with pytest.raises(GenrelabError, match=r"track 'a' .*voice 'sung' .*' sung'"):
        table(str(written), track="song", labels=["voice"])
    data.assign(voice=data["voice"].str.strip()).to_csv(written, index=False)
    dataset_index = table(str(written), track="song", labels=["voice", "year"])
    assert dataset_index.tracks["label:voice"].tolist() == ["sung", None, "none"]
    assert dataset_index.tracks["label:year"].tolist() == ["1999", None, "2003"], "no 1999.0"
    assert PrecomputedFeatureCache(dataset_index.precomputed).specs[0].params["names"] == ["loud", "fast"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["voise"]}, r"'voise'.*dataset\.labels"),
        ({"label": "gener"}, "'gener'.*'genre'"),
        ({"columns": ["band"]}, r"'band'.*dataset\.columns"),
        ({"path": "nowhere.csv"}, r"nowhere\.csv: "),
        ({"path": None}, r"dataset\.path: "),
    ],
)
def test_what_does_not_fit_is_told(written, changes, message):
    with pytest.raises(GenrelabError, match=message):
        table(**{"path": str(written), **changes})


def test_gtzan_rows_are_clips_with_artists_and_lists(tmp_path):
    rows = {
        "filename": ["blues.00000.0.wav", "blues.00000.1.wav", "hiphop.00001.0.wav"],
        "length": 66_149,
        "tempo": [1.0, 2, 3],
    }
    pd.DataFrame({**rows, "label": ["blues", "blues", "hiphop"]}).to_csv(tmp_path / "features_3_sec.csv", index=False)
    dataset_index = gtzan_features(str(tmp_path / "features_3_sec.csv"))
    assert dataset_index.tracks["track_id"].tolist() == ["blues.00000", "hiphop.00001"]
    assert dataset_index.tracks["artist_id"].notna().all()
    assert len(PrecomputedFeatureCache(dataset_index.precomputed).rows(["blues.00000"])) == 2
    pd.DataFrame({"filename": ["song.wav"], "tempo": [1.0], "label": ["blues"]}).to_csv(tmp_path / "o.csv", index=False)
    with pytest.raises(GenrelabError, match=naming("o.csv", "'song.wav'", "dataset=table")):
        gtzan_features(str(tmp_path / "o.csv"))


@pytest.mark.shared
def test_the_published_table_under_the_fault_filtered_lists():
    dataset_index = gtzan_features(str(SHARED_DATA / "gtzan_features" / "features_30_sec.csv"))
    split = SPLITS.build("fault_filtered", {}, dataset_index=dataset_index)
    assert [len(split.tracks(part)) for part in ("train", "val", "test")] == [443, 197, 290]
    twins = dataset_index.tracks["album_id"].notna()
    assert twins.sum() == 28
    grouped = SPLITS.build("grouped", {}, dataset_index=dataset_index)
    parts = dataset_index.tracks[twins].assign(part=dataset_index.tracks["track_id"].map(grouped.assignment))
    assert (parts.groupby("album_id")["part"].nunique() == 1).all(), "a recording stays in one part"

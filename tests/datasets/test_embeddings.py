"""Embeddings of files: shapes, several genres a row, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from genrelab.datasets.embeddings import embeddings
from genrelab.datasets.first_genre import SEVERAL
from genrelab.features.cache import PrecomputedFeatureCache
from genrelab.utils.errors import GenrelabError
from paths import SHARED_DATA


@pytest.fixture
def npz(tmp_path) -> str:
    values = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)  # 3 steps of 2 numbers
    np.savez(
        tmp_path / "e.npz",
        embedding=values,
        genre=np.array(["Rock|Punk", "Jazz", "", "Rock"]),
        video=np.array(["v", "w", "x", "v"]),
    )
    return str(tmp_path / "e.npz")


def test_a_sequence_becomes_a_picture_with_time_along(npz):
    dataset_index = embeddings(npz, track="video", separator="|", first_genre="listed")
    assert dataset_index.tracks["track_id"].tolist() == ["v", "w"] and len(dataset_index.rejected) == 1
    feature_cache = PrecomputedFeatureCache(dataset_index.precomputed)
    assert feature_cache.specs[0].shape == (2, 3) and feature_cache.specs[0].dtype == "uint8"
    rows = feature_cache.rows(["v"])
    assert rows["segment"].tolist() == [0, 1]
    assert feature_cache.load(rows)[0][0].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_the_deepest_of_several_genres_counts(npz, tmp_path):
    (tmp_path / "tree.csv").write_text("name,parent\nRock,Music\nPunk,Rock\nJazz,Music\n")
    listed = embeddings(npz, separator="|", first_genre="listed")
    assert listed.tracks["genre"].tolist() == ["Rock", "Jazz", "Rock"]
    assert embeddings(npz, separator="|", first_genre="rarest").tracks["genre"].tolist() == ["Punk", "Jazz", "Rock"]
    deep = embeddings(npz, separator="|", hierarchy=str(tmp_path / "tree.csv"))
    assert deep.tracks["genre"].tolist() == ["Punk", "Jazz", "Rock"]


def test_rare_genres_can_be_left_out(npz):
    dataset_index = embeddings(npz, separator="|", min_tracks=2, first_genre="listed")
    assert dataset_index.genres == ("Rock",) and ": Jazz" in dataset_index.notes[1]


def test_tracks_of_several_genres_are_left_out_by_default(npz):
    dataset_index = embeddings(npz, separator="|", track="video")
    assert dataset_index.tracks["track_id"].tolist() == ["w"]
    assert [reason for _, reason in dataset_index.rejected] == [SEVERAL, "no genre", SEVERAL]
    assert any("1 of 2 tracks" in note for note in dataset_index.notes)


def test_parquet_holds_lists(tmp_path):
    table = pd.DataFrame({"vector": [[1.0, 2.0], [3.0, 4.0]], "genre": ["A", "B"]})
    table.to_parquet(tmp_path / "e.parquet")
    feature_cache = PrecomputedFeatureCache(embeddings(str(tmp_path / "e.parquet"), values="vector").precomputed)
    assert feature_cache.load(feature_cache.rows(["row-000001"]))[0].tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": "embeding"}, "'embeding'.*'embedding'"),
        ({"values": "video"}, r"'video' is <U1 \[4\]"),
        ({"path": "e.csv"}, r"e\.csv: "),
    ],
)
def test_what_does_not_fit_is_told(npz, changes, message):
    with pytest.raises(GenrelabError, match=message):
        embeddings(**{"path": npz, **changes})


def test_lengths_and_gaps_are_told(tmp_path):
    np.savez(tmp_path / "short.npz", embedding=np.zeros((3, 2)), genre=np.array(["a", "b"]))
    with pytest.raises(GenrelabError, match="'genre' has 2 rows"):
        embeddings(str(tmp_path / "short.npz"))
    np.savez(tmp_path / "nan.npz", embedding=np.full((2, 2), np.nan), genre=np.array(["a", "b"]))
    with pytest.raises(GenrelabError, match="NaN"):
        embeddings(str(tmp_path / "nan.npz"))


@pytest.mark.shared
def test_audiosets_genres():
    folder = SHARED_DATA / "audioset_genre"
    dataset_index = embeddings(
        str(folder / "train.npz"),
        label="genres",
        track="video_id",
        separator="|",
        hierarchy=str(folder / "hierarchy.csv"),
        min_tracks=10,
    )
    assert len(dataset_index.genres) == 52 and len(dataset_index.tracks) > 2_400

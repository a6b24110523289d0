"""The schema of `predictions.parquet`."""

import dataclasses
import re

import numpy as np
import pyarrow.parquet as pq
import pytest

from genrelab.runs.predictions import COLUMNS, Predictions, concatenate, read_predictions, write_predictions
from genrelab.utils.errors import GenrelabError


def make_predictions(n: int = 6, c: int = 3) -> Predictions:
    generator = np.random.default_rng(0)
    return Predictions(
        split=np.array(["val", "test"] * (n // 2), dtype=object),
        track_id=np.array([f"t{i // 2}" for i in range(n)], dtype=object),
        segment_id=np.arange(n, dtype=np.int32) % 2,
        target=(np.arange(n) % c).astype(np.int16),
        logits=generator.normal(size=(n, c)).astype(np.float32),
        genres=tuple("abc"[:c]),
        taxonomy_hash="0123",
    )


def test_round_trip_and_schema(tmp_path):
    path, written = tmp_path / "predictions.parquet", make_predictions()
    write_predictions(path, written)
    assert tuple(pq.read_schema(path).names) == COLUMNS
    read = read_predictions(path)
    assert read.genres == written.genres and read.taxonomy_hash == "0123"
    for name in COLUMNS:
        assert np.array_equal(getattr(read, name), getattr(written, name)), name
    assert set(read.only("test").split) == {"test"} and len(read.only("test")) == 3
    assert list(tmp_path.iterdir()) == [path], "nothing half-written is left"


def test_what_does_not_fit_is_refused(tmp_path):
    good = make_predictions()
    logits = good.logits.copy()
    logits[0, 0] = np.inf
    with pytest.raises(ValueError, match="NaN"):
        Predictions(good.split, good.track_id, good.segment_id, good.target, logits, good.genres, "0")
    with pytest.raises(ValueError, match=re.escape("(6, 2)")):
        Predictions(good.split, good.track_id, good.segment_id, good.target, good.logits[:, :2], good.genres, "0")
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(GenrelabError, match=r"x\.parquet: ") as caught:
        read_predictions(tmp_path / "x.parquet")
    assert not isinstance(caught.value.__cause__, FileNotFoundError)
    with pytest.raises(GenrelabError, match=r"y\.parquet: ") as caught:
        read_predictions(tmp_path / "y.parquet")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_several_genres_a_track_stand_in_a_column_of_their_own(tmp_path):
    plain = make_predictions()
    targets = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0, 1]], dtype=bool)
    written = dataclasses.replace(plain, targets=targets)
    path = tmp_path / "predictions.parquet"
    write_predictions(path, written)
    assert tuple(pq.read_schema(path).names) == (*COLUMNS, "targets")
    read = read_predictions(path)
    assert read.targets is not None and np.array_equal(read.targets, targets)
    assert np.array_equal(read.only("val").targets, targets[::2])
    assert np.array_equal(concatenate([read, read]).targets, np.concatenate([targets, targets]))
    with pytest.raises(ValueError, match="several"):
        concatenate([plain, read])
    with pytest.raises(ValueError, match=r"targets .*\(6, 2\)"):
        dataclasses.replace(plain, targets=targets[:, :2])

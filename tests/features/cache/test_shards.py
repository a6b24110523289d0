"""The sharded store index and its lock."""

import multiprocessing
import re
import time

import numpy as np
import pandas as pd
import pytest

from genrelab.features.cache.shards import FeatureShards, cache_lock
from genrelab.utils.errors import GenrelabError

META = {"shape": [2, 3], "dtype": "float16"}


def make_keys(track: str, n: int = 2) -> pd.DataFrame:
    return pd.DataFrame({"track_id": track, "source": "s", "segment": range(n), "start": 0, "augment": "none"})


def test_rows_are_appended_and_gathered_in_order(tmp_path):
    shards = FeatureShards(tmp_path / "mel-0", META)
    assert len(shards.index()) == 0
    for number, track in enumerate(("a", "b")):
        shards.append(make_keys(track), np.full((2, 2, 3), number, np.float16))
    index = FeatureShards(tmp_path / "mel-0", META).index()
    assert index["track_id"].tolist() == ["a", "a", "b", "b"] and index["shard"].tolist() == [0, 0, 1, 1]
    rows = shards.read(index["shard"].to_numpy()[::-1], index["row"].to_numpy()[::-1])
    assert rows.dtype == np.float16 and rows[:, 0, 0].tolist() == [1, 1, 0, 0]


def test_a_row_is_stored_once_and_must_fit(tmp_path):
    shards = FeatureShards(tmp_path / "mel-0", META)
    shards.append(make_keys("a"), np.zeros((2, 2, 3), np.float16))
    with pytest.raises(ValueError, match="stored already"):
        shards.append(make_keys("a"), np.zeros((2, 2, 3), np.float16))
    with pytest.raises(ValueError, match="expected"):
        shards.append(make_keys("b"), np.zeros((2, 2, 4), np.float16))
    assert len(shards.index()) == 2


def test_a_killed_writer_leaves_the_index_sound(tmp_path):
    shards = FeatureShards(tmp_path / "mel-0", META)
    shards.append(make_keys("a"), np.zeros((2, 2, 3), np.float16))
    (tmp_path / "mel-0" / "shard-00001.npy").write_bytes(b"half a sha")
    (tmp_path / "mel-0" / ".index.123.part.parquet").write_bytes(b"half an ind")
    shards.append(make_keys("b"), np.ones((2, 2, 3), np.float16))
    index = shards.index()
    assert shards.read(index["shard"].to_numpy(), index["row"].to_numpy())[:, 0, 0].tolist() == [0, 0, 1, 1]


def test_a_damaged_index_says_what_to_do(tmp_path):
    (tmp_path / "mel-0").mkdir()
    (tmp_path / "mel-0" / "index.parquet").write_bytes(b"damaged")
    with pytest.raises(GenrelabError, match=re.escape(str(tmp_path))):
        FeatureShards(tmp_path / "mel-0", META).index()


def _add_under_lock(root: str, track: str) -> None:
    with cache_lock(root):
        shards = FeatureShards(f"{root}/mel-0", META)
        shards.index()
        time.sleep(0.05)  # without the lock the other process would read the same index and lose a row
        shards.append(make_keys(track), np.zeros((2, 2, 3), np.float16))


def test_two_writers_lose_nothing(tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_under_lock, args=(str(tmp_path), f"t{i}")) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(FeatureShards(tmp_path / "mel-0", META).index()["track_id"].unique()) == ["t0", "t1", "t2", "t3"]

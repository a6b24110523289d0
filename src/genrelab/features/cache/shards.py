"""One feature's rows on disk: immutable shards, and an index that is committed last.

    <store>/<kind>-<fingerprint>/meta.json         the feature and audio specs, shape, dtype
                                /shard-00000.npy   [n, *shape], never changed once the index names it
                                /index.parquet     one line a row: INDEX_COLUMNS
    <store>/.lock                                  held while anyone adds rows

A shard that no index names (its writer was killed) is ignored and its number reused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path, write_json

INDEX_COLUMNS = {
    "track_id": "str",  # the dataset index's id of the recording
    "source": "str",  # signature of the audio file (size, modification time): a changed file is built anew
    "segment": "int32",  # place among the track's segments
    "start": "int64",  # first sample of the segment in the trimmed track
    "augment": "str",  # "none", or the label of the augmentation
    "shard": "int32",
    "row": "int32",  # row within the shard
}
KEY = ["track_id", "source", "segment", "augment"]


@contextmanager
def cache_lock(root: str | os.PathLike[str], on_wait: Any = None) -> Iterator[None]:
    """Hold the store's lock; the system frees it when the process dies, however it dies.

    Args:
        root: the store's folder.
        on_wait: called once, without arguments, where another process holds the lock.
    """
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if on_wait is not None:
            on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


class FeatureShards:
    """The rows of one feature.

    Args:
        folder: `<feature_cache>/<kind>-<fingerprint>`.
        meta: plain data with at least `shape` and `dtype`; compared with what is on disk.

    Raises:
        GenrelabError: the folder holds rows of another meta (a fingerprint collision or a damaged file).
    """

    def __init__(self, folder: str | os.PathLike[str], meta: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.meta = dict(meta)
        self.shape = tuple(meta["shape"])
        self.dtype = np.dtype(meta["dtype"])
        self._shards: dict[int, np.ndarray] = {}
        self._check_meta()

    def index(self) -> pd.DataFrame:
        """The committed rows, `INDEX_COLUMNS`, in the order of writing; empty for a new feature."""
        path = self.folder / "index.parquet"
        if not path.exists():
            return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in INDEX_COLUMNS.items()})
        try:
            return pd.read_parquet(path)[list(INDEX_COLUMNS)]
        except (OSError, ValueError, KeyError) as error:
            raise self._damaged(path, error) from error

    def append(self, keys: pd.DataFrame, rows: np.ndarray) -> None:
        """Add rows: shard first, index last, each in one step. The caller holds `cache_lock`.

        Args:
            keys: `[n]` lines with the columns `track_id, source, segment, start, augment`.
            rows: `[n, *shape]` in the store's dtype.

        Raises:
            ValueError: shapes or dtype do not fit, or a key is stored already.
        """
        if rows.shape != (len(keys), *self.shape) or rows.dtype != self.dtype:
            raise ValueError(f"rows are {rows.dtype}{rows.shape}, expected {self.dtype}{(len(keys), *self.shape)}")
        old = self.index()
        shard = int(old["shard"].max()) + 1 if len(old) else 0
        new = keys.assign(shard=shard, row=np.arange(len(keys)))[list(INDEX_COLUMNS)].astype(INDEX_COLUMNS)
        both = pd.concat([old, new], ignore_index=True) if len(old) else new.reset_index(drop=True)
        if both.duplicated(KEY).any():
            raise ValueError(f"{self.folder.name}: a row is stored already")
        if not (self.folder / "meta.json").exists():
            write_json(self.folder / "meta.json", self.meta)
        path = self.folder / f"shard-{shard:05d}.npy"
        with atomic_path(path) as part:
            np.save(part, rows)
        try:
            with atomic_path(self.folder / "index.parquet") as part:
                both.to_parquet(part, index=False)
        except BaseException:
            path.unlink(missing_ok=True)  # no index names it
            raise
        self._shards.pop(shard, None)

    def read(self, shard: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Gather rows `[n, *shape]` named by their shard and row, in that order, through memory maps."""
        out = np.empty((len(row), *self.shape), self.dtype)
        if not len(row):
            return out
        # Rows that follow one another here and in the shard are copied as one block; a track's rows always do.
        first = np.flatnonzero(np.r_[True, (np.diff(shard) != 0) | (np.diff(row) != 1)])
        if len(first) < len(row) / 2:
            for begin, end in zip(first, [*first[1:], len(row)], strict=True):
                out[begin:end] = self._shard(int(shard[begin]))[row[begin] : row[begin] + end - begin]
            return out
        for number in np.unique(shard):
            at = np.flatnonzero(shard == number)
            out[at] = self._shard(int(number))[row[at]]
        return out

    def _damaged(self, path: Path, error: Exception) -> GenrelabError:
        return GenrelabError(f"{path}: unreadable ({error}); delete the folder {self.folder} to build it anew")

    def _check_meta(self) -> None:
        path = self.folder / "meta.json"
        if not path.exists():
            return
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(path, error) from error
        if stored != json.loads(json.dumps(self.meta, default=list)):
            raise GenrelabError(f"{path}: speaks of another feature; delete the folder {self.folder} to build it anew")

    def _shard(self, number: int) -> np.ndarray:
        if number not in self._shards:
            path = self.folder / f"shard-{number:05d}.npy"
            try:
                self._shards[number] = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise self._damaged(path, error) from error
        return self._shards[number]

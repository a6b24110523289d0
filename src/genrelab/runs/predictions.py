"""The `predictions.parquet` of a run: one row a segment, all that scores are computed from.

Columns: `split` ("val" | "test"), `track_id`, `segment_id` (int32, the segment's place in its track),
`target` (int16, index into `genres`), `logits` (fixed-size list of C float32). The file's metadata
holds the ordered genre codes and the taxonomy's hash, so it can be read alone.
Where tracks have several genres, `targets` (list of int16) holds all of them, `target` the foremost.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

if TYPE_CHECKING:
    pass

OUT_OF_FOLD = "out_of_fold.parquet"
COLUMNS = ("split", "track_id", "segment_id", "target", "logits")


@dataclass(frozen=True)
class Predictions:
    """The logits of some segments, with what they should have been.

    Args:
        split: `[N]` "val" or "test".
        track_id: `[N]` the recording each segment was cut from.
        segment_id: `[N]` int32, the segment's place in its track.
        target: `[N]` int16, index into `genres`.
        logits: `[N, C]` float32.
        genres: the C genre codes, in the order of the logits.
        taxonomy_hash: hash of the ordered genre codes.
        targets: `[N, C]` bool, all genres of the track; None where each has one, and logits are of a softmax.
    """

    split: np.ndarray
    track_id: np.ndarray
    segment_id: np.ndarray
    target: np.ndarray
    logits: np.ndarray
    genres: tuple[str, ...]
    taxonomy_hash: str
    targets: np.ndarray | None = None

    def __post_init__(self) -> None:
        rows = len(self.target)
        if self.logits.shape != (rows, len(self.genres)):
            raise ValueError(f"logits are {self.logits.shape}, expected {(rows, len(self.genres))}")
        if self.targets is not None and self.targets.shape != self.logits.shape:
            raise ValueError(f"targets are {self.targets.shape}, expected {self.logits.shape}")
        if not {len(self.split), len(self.track_id), len(self.segment_id)} == {rows}:
            raise ValueError("the columns of predictions differ in length")
        if rows and not np.isfinite(self.logits).all():
            raise ValueError("logits hold NaN or infinity")
        if rows and not (self.target.min() >= 0 and self.target.max() < len(self.genres)):
            raise ValueError("a target lies outside the genres")

    def only(self, split: Literal["val", "test"]) -> Predictions:
        """The rows of one split."""
        return self.take(self.split == split)

    def take(self, rows: np.ndarray) -> Predictions:
        """Some rows: `[N]` bool, or their places in the order wanted."""
        taken: dict[str, Any] = {name: getattr(self, name)[rows] for name in COLUMNS}
        taken["targets"] = None if self.targets is None else self.targets[rows]
        return replace(self, **taken)

    def __len__(self) -> int:
        return len(self.target)


def concatenate(parts: list[Predictions]) -> Predictions:
    """Join predictions over the same genres, in order. Raises ValueError where the genres differ."""
    first = parts[0]
    if any(part.genres != first.genres for part in parts):
        raise ValueError("predictions over different genres cannot be joined")
    if len({part.targets is None for part in parts}) > 1:
        raise ValueError("predictions of one genre a track and of several cannot be joined")
    columns = COLUMNS if first.targets is None else (*COLUMNS, "targets")
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return replace(first, **joined)


def write_predictions(path: str | os.PathLike[str], predictions: Predictions) -> None:
    """Write `predictions` to a Parquet file, atomically."""
    flat = pa.array(np.ascontiguousarray(predictions.logits, dtype=np.float32).reshape(-1))
    columns = {
        "split": pa.array(predictions.split.astype(str)).dictionary_encode(),
        "track_id": pa.array(predictions.track_id.astype(str)),
        "segment_id": pa.array(predictions.segment_id.astype(np.int32)),
        "target": pa.array(predictions.target.astype(np.int16)),
        "logits": pa.FixedSizeListArray.from_arrays(flat, len(predictions.genres)),
    }
    if predictions.targets is not None:
        ends = np.r_[0, predictions.targets.sum(axis=1).cumsum()].astype(np.int32)
        columns["targets"] = pa.ListArray.from_arrays(ends, predictions.targets.nonzero()[1].astype(np.int16))
    table = pa.table(
        columns,
        metadata={"genres": json.dumps(predictions.genres), "taxonomy_hash": predictions.taxonomy_hash},
    )
    with atomic_path(path) as part:
        pq.write_table(table, part)


def read_predictions(path: str | os.PathLike[str]) -> Predictions:
    """Read a `predictions.parquet`.

    Raises:
        GenrelabError: the file is missing, or is not a predictions file of genrelab.
    """
    try:
        with pq.ParquetFile(path) as file:  # `read_projection_table` imports pandas
            table = file.read()
        metadata = table.schema.metadata or {}
        genres = tuple(json.loads(metadata[b"genres"]))
        missing = [name for name in COLUMNS if name not in table.column_names]
        if missing:
            raise KeyError(missing[0])
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such file; train a run first, or name its folder") from error
    except (KeyError, OSError, pa.ArrowInvalid, ValueError) as error:
        raise GenrelabError(f"{path}: not a predictions file of genrelab ({error})") from error
    logits = _numbers(table["logits"].combine_chunks().flatten())
    return Predictions(
        split=np.array(table["split"].to_pylist(), dtype=object),
        track_id=np.array(table["track_id"].to_pylist(), dtype=object),
        segment_id=_numbers(table["segment_id"].combine_chunks()),
        target=_numbers(table["target"].combine_chunks()),
        logits=logits.reshape(-1, len(genres)).astype(np.float32),
        genres=genres,
        taxonomy_hash=metadata[b"taxonomy_hash"].decode(),
        targets=_multi_hot(table["targets"], len(genres)) if "targets" in table.column_names else None,
    )


def calibration_file(run: Path) -> Path:
    """Return the file whose val rows say how far a run's answers can be trusted.

    That is `out_of_fold.parquet` of a run that was refitted by cross-fitting: the answers that its kind of model gives
    for each track when it is fitted on others. Else `predictions.parquet`.
    """
    held_out = run / OUT_OF_FOLD
    return held_out if held_out.exists() else run / "predictions.parquet"


def _numbers(column: pa.Array) -> np.ndarray:
    """An array of its own; `to_numpy` imports pandas, for which `genrelab predict` would wait."""
    return np.array(np.from_dlpack(column))


def _multi_hot(column: pa.ChunkedArray, classes: int) -> np.ndarray:
    """`[N, C]` bool of a column of lists of indices."""
    lists = column.combine_chunks()
    counts = np.diff(lists.offsets.to_numpy())
    found = np.zeros((len(counts), classes), dtype=bool)
    found[np.repeat(np.arange(len(counts)), counts), lists.flatten().to_numpy()] = True
    return found

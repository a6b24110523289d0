"""A library's embeddings: one vector a track in a Parquet file that knows which run made it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

EMBEDDINGS_FILE = "embeddings.parquet"  # in a run's folder
COLUMNS = ("track", "path", "folder", "genre", "seconds", "embedding")


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors of tracks, rows in one order.

    Args:
        track: `[N]` file names.
        path: `[N]` absolute, links followed.
        folder: `[N]` names of the folders that they lie in; in many libraries that is a genre or an artist.
        genre: `[N]` titles of the likeliest genres, by the run.
        seconds: `[N]` lengths.
        vectors: `[N, D]` float32, the mean over a track's windows of what the network's last layer reads.
        run_id: the run that made them.
        model: its checkpoint.
    """

    track: np.ndarray
    path: np.ndarray
    folder: np.ndarray
    genre: np.ndarray
    seconds: np.ndarray
    vectors: np.ndarray
    run_id: str
    model: str

    def __len__(self) -> int:
        return len(self.path)


def find_table(source: Path) -> Path:
    """A table that was named, or the one in a run's folder. Raises GenrelabError where a folder has none."""
    if not source.is_dir():
        return source
    if not (source / EMBEDDINGS_FILE).exists():
        raise GenrelabError(f"{source}: no {EMBEDDINGS_FILE} in it; make it with: genrelab embed {source} LIBRARY")
    return source / EMBEDDINGS_FILE


def write_embeddings(path: Path, embeddings: Embeddings) -> None:
    """Write a Parquet file with the columns `COLUMNS`, atomically."""
    flat = pa.array(np.ascontiguousarray(embeddings.vectors, np.float32).reshape(-1))
    columns = {name: pa.array(getattr(embeddings, name).tolist()) for name in COLUMNS[:-1]}
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, embeddings.vectors.shape[1])
    metadata = {"genrelab": json.dumps({"run_id": embeddings.run_id, "model": embeddings.model})}
    with atomic_path(path) as part:
        pq.write_table(pa.table(columns, metadata=metadata), part)


def read_embeddings(path: Path) -> Embeddings:
    """Read what `write_embeddings` wrote.

    Raises:
        GenrelabError: the file is missing, or something else.
    """
    try:
        table = pq.read_table(path)
        made = json.loads((table.schema.metadata or {})[b"genrelab"])
        columns = {name: np.array(table[name].to_pylist(), dtype=object) for name in COLUMNS[:4]}
        seconds = np.array(table["seconds"].to_pylist(), np.float64)
        size = table.schema.field("embedding").type.list_size
        vectors = table["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        run_id, model = str(made["run_id"]), str(made["model"])
        return Embeddings(
            **columns, seconds=seconds, vectors=vectors.reshape(-1, size).astype(np.float32), run_id=run_id, model=model
        )
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such file; make it with: genrelab embed RUN LIBRARY --out {path}") from error
    except (KeyError, ValueError, TypeError, AttributeError, OSError, pa.ArrowInvalid) as error:
        reason = str(error).partition("\n")[0]
        raise GenrelabError(f"{path}: not a table of genrelab embed ({reason})") from error


def nearest_rows(vectors: np.ndarray, query: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The tracks nearest to a vector.

    Args:
        vectors: `[N, D]` of the library.
        query: `[D]`.
        count: how many.

    Returns:
        their rows, nearest first, and their similarities in [-1, 1]: cosines of what differs from the library's mean,
        since vectors that are never negative all point the same way.
    """
    mean = vectors.mean(axis=0) if len(vectors) > 2 else 0.0
    rows, one = vectors - mean, query - mean
    length = np.linalg.norm(rows, axis=1) * np.linalg.norm(one)
    cosine = rows @ one / np.maximum(length, 1e-12)
    order = np.argsort(-cosine, kind="stable")[:count]
    return order, cosine[order]


def merge_embeddings(old: Embeddings | None, new: Embeddings) -> Embeddings:
    """Both tables' rows, sorted by path."""
    names = (*COLUMNS[:-1], "vectors")
    parts = [new] if old is None else [old, new]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.argsort(columns["path"].astype(str), kind="stable")
    return Embeddings(**{name: column[order] for name, column in columns.items()}, run_id=new.run_id, model=new.model)


def resolve_path(path: str | os.PathLike[str]) -> str:
    """How a table names a file."""
    return os.path.realpath(path)

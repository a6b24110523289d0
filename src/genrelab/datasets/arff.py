"""ARFF files, streamed: the format in which TU Wien, Marsyas and jMIR feature sets are published."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

CHUNK = 20_000  # rows parsed at once: 400,000 rows of 1,440 numbers never stand in memory as text
_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s+(.*)", re.IGNORECASE)
NUMERIC = ("numeric", "real", "integer")


@dataclass(frozen=True)
class Arff:
    """A file of numbers with one text column (an id, or the class).

    Args:
        path: of the file.
        columns: names of the numbers.
        names: `[N]` the text column's values.
        values: `[N, D]` float32, a memory map where a cache was given.
    """

    path: Path
    columns: tuple[str, ...]
    names: np.ndarray
    values: np.ndarray


def read_arff(path: Path, cache: Path | None = None, keep: Collection[str] | None = None) -> Arff:
    """Read an ARFF file (plain or .gz) whose text column stands last, as those of the Million Song Dataset and GTZAN.

    Rows are parsed in chunks and written to the cache as they come; a second reading maps the cached array. Comments
    (`%`), trailing commas, quotes around names, and any case of the keywords are fine.

    Args:
        path: the file.
        cache: folder that keeps the parsed array; None parses into memory.
        keep: only rows whose text is among these.

    Raises:
        GenrelabError: missing, no ARFF, no text column, or a row that does not fit; names file and row.
    """
    try:
        stat = path.stat()
        with _open(path) as handle:
            columns, text = _header(path, handle)
            if cache is None:
                return _joined(path, columns, list(_chunks(path, handle, columns, text, keep)))
            wanted = hashlib.sha256("\n".join(sorted(keep)).encode()).hexdigest() if keep is not None else "all"
            key = hashlib.sha256(repr((path.name, stat.st_size, stat.st_mtime_ns, wanted)).encode()).hexdigest()[:16]
            stored = cache / "arff" / f"{path.stem}-{key}.npy"
            if not (stored.exists() and stored.with_suffix(".txt").exists()):
                _store(stored, len(columns), _chunks(path, handle, columns, text, keep))
    except OSError as error:
        raise GenrelabError(f"{path}: unreadable ({error.strerror or error})") from error
    names = np.array(stored.with_suffix(".txt").read_text(encoding="utf-8").split("\n")[:-1], dtype=object)
    return Arff(path, columns, names, np.load(stored, mmap_mode="r"))


def _open(path: Path) -> IO[str]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8", errors="replace", newline="")  # type: ignore[no-any-return]


def _header(path: Path, handle: IO[str]) -> tuple[tuple[str, ...], int]:
    """Names of the numbers and the place of the text column; the handle then stands at the first row."""
    columns: list[str] = []
    texts: list[int] = []
    count = 0
    for line in handle:
        stripped = line.strip()
        if stripped.lower().startswith("@data"):
            if len(texts) != 1 or texts[0] != count - 1:
                raise GenrelabError(f"{path}: {len(texts)} text columns; one is wanted, the last: an id or a class")
            return tuple(columns), texts[0]
        if found := _ATTRIBUTE.match(stripped):
            name, kind = found[1].strip("'\""), found[2].strip().lower()
            if kind in NUMERIC:
                columns.append(name)
            else:
                texts.append(count)
            count += 1
    raise GenrelabError(f"{path}: no @data line; not an ARFF file")


def _chunks(
    path: Path, handle: IO[str], columns: tuple[str, ...], text: int, keep: Collection[str] | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    wanted = set(keep) if keep is not None else None
    row = 0
    try:
        reader = pd.read_csv(
            handle, header=None, comment="%", chunksize=CHUNK, usecols=range(text + 1), index_col=False,
            dtype={text: str}, na_values="?", skipinitialspace=True, quotechar="'",
        )  # fmt: skip
        for table in reader:
            names = table[text].fillna("").str.strip().str.strip("'\"").to_numpy(object)
            chosen = np.ones(len(table), bool) if wanted is None else np.array([n in wanted for n in names], bool)
            values = table.drop(columns=text).to_numpy(np.float32)[chosen]
            if not np.isfinite(values).all():
                bad = row + int(np.flatnonzero(chosen)[np.argwhere(~np.isfinite(values))[0, 0]]) + 1
                raise GenrelabError(f"{path}: row {bad} lacks a number, or holds one too large")
            row += len(table)
            yield names[chosen], values
    except (pd.errors.ParserError, ValueError) as error:
        raise GenrelabError(
            f"{path}: a row after row {row} does not fit its {len(columns)} numbers ({error})"
        ) from error


def _joined(path: Path, columns: tuple[str, ...], parts: list[tuple[np.ndarray, np.ndarray]]) -> Arff:
    if not parts:
        raise GenrelabError(f"{path}: no rows")
    return Arff(path, columns, np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))


def _store(stored: Path, width: int, parts: Iterator[tuple[np.ndarray, np.ndarray]]) -> None:
    """Write rows as they come: raw numbers first, the array's header in front once their count is known."""
    names: list[str] = []
    with atomic_path(stored) as part:
        raw = part.with_name(f"{part.name}.raw")
        try:
            with raw.open("wb") as handle:
                for some, values in parts:
                    names += some.tolist()
                    handle.write(np.ascontiguousarray(values).tobytes())
            array = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=(len(names), width))
            rows = np.memmap(raw, dtype=np.float32, mode="r", shape=(len(names), width)) if names else array
            for at in range(0, len(names), CHUNK):
                array[at : at + CHUNK] = rows[at : at + CHUNK]
            array.flush()
        finally:
            with suppress(OSError):
                raw.unlink()
        with atomic_path(stored.with_suffix(".txt")) as listed:
            listed.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")

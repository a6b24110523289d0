"""`dataset=csv`: a table of tracks in a CSV or TSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.datasets.audio_folder import normalize_id
from genrelab.datasets.first_genre import SEVERAL, FirstGenre, choose_genres, note_choice
from genrelab.datasets.index import LABEL, DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import ConfigError, GenrelabError, suggest

_FIELDS = {
    "path": "path",
    "genre": "genre",
    "artist": "artist_id",
    "album": "album_id",
    "duration": "duration",
    "split": "official_split",
    "track_id": "track_id",
    "condition": "condition",
}
PART_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}


@DATASETS.register("csv")
def csv_file(
    path: str | None = None,
    root: str | None = None,
    columns: dict[str, str] | None = None,
    labels: list[str] | None = None,
    separator: str | None = None,
    first_genre: FirstGenre = "single",
    multi_label: bool = False,
) -> DatasetIndex:
    """Read a CSV (comma, semicolon or tab; UTF-8) with the columns path and genre.

    Further columns are used where they are there: artist, album (an identifier: equal text means the same album),
    duration (s), split (train, val, test), track_id (else the path as it is written), condition (cover, live: see
    `genrelab evaluate RUN dataset=csv`).

    Args:
        path: the CSV file.
        root: folder that relative paths start from; else the CSV's own folder.
        columns: the file's own column names, as in {genre: label, path: filename}.
        labels: further columns to learn beside the genre, each by a head of its own; empty cells are unknown.
        separator: between several genres of one cell, as ";" in "blues; pop"; None: a cell is one genre.
        first_genre: which of several counts, see `choose_genres`; with target=multi_label all of them do.
        multi_label: keep all genres of a track; supplied by code.

    Raises:
        ConfigError: no path named, or `columns` speaks of a field that does not exist.
        GenrelabError: the file is missing or unreadable, lacks a column, or a line is bad; names file and line.
    """
    if not path:
        raise ConfigError(["dataset.path: name the CSV file, as in dataset.path=tracks.csv"])
    if wrong := sorted(set(columns or {}) - set(_FIELDS)):
        raise ConfigError([f"dataset.columns.{key}: no such field{suggest(key, _FIELDS)}" for key in wrong])
    if multi_label and not separator:
        raise ConfigError(["dataset.separator: name what is between several genres, as in 'dataset.separator=\";\"'"])
    source = Path(path).expanduser()
    top = Path(root).expanduser() if root else source.parent
    if not top.is_dir():
        raise GenrelabError(f"dataset.root: {top}: no such folder")
    rows, problems = _read(source, columns or {}, labels or ())
    if problems:
        more = f" (and {len(problems) - 1} more such lines)" if len(problems) > 1 else ""
        raise GenrelabError(problems[0] + more)
    kept, rejected = [], []
    for line, row in rows:
        file = top / row["path"]
        if not file.is_file() and "\\" in row["path"]:  # written on Windows
            file = top / row["path"].replace("\\", "/")
        if file.is_file():
            kept.append({**row, "path": str(file)})
        else:
            rejected.append((str(file), f"{NO_SUCH_FILE} ({source.name}, line {line})"))
    if not kept:
        raise GenrelabError(
            f"{source}: none of its {len(rows)} files exists, not even {rejected[0][0]}; set dataset.root"
        )
    notes = [f"{len(rejected)} of {len(rows)} files of {source.name} do not exist"] if rejected else []
    if separator:
        kept, further = _several_genres(kept, separator, first_genre, multi_label, rejected)
        notes += further
    return DatasetIndex(source.stem, pd.DataFrame(kept), tuple(notes), tuple(rejected))


def _several_genres(
    rows: list[dict[str, Any]],
    separator: str,
    first_genre: FirstGenre,
    multi_label: bool,
    rejected: list[tuple[str, str]],
) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows with the genres of their cells, those left out listed under `rejected`; and notes."""
    several = [[part.strip() for part in row["genre"].split(separator) if part.strip()] for row in rows]
    several = [names or [row["genre"]] for row, names in zip(rows, several, strict=True)]
    if multi_label:
        return [
            {**row, "genre": names[0], "genres": tuple(names)} for row, names in zip(rows, several, strict=True)
        ], []
    chosen = choose_genres(several, first_genre)
    pairs = list(zip(rows, chosen, strict=True))
    rejected += [(row["path"], SEVERAL) for row, genre in pairs if genre is None]
    return [{**row, "genre": genre} for row, genre in pairs if genre], note_choice(several, chosen, first_genre)


def _read(
    source: Path, columns: Mapping[str, str], labels: Sequence[str]
) -> tuple[list[tuple[int, dict[str, Any]]], list[str]]:
    """(line, row) of every line, and what is wrong, one text a line."""
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    try:
        with source.open(encoding="utf-8-sig", newline="") as handle:
            header = handle.readline()
            handle.seek(0)
            reader = csv.DictReader(handle, delimiter=max(",;\t", key=header.count))
            names = _names(source, [str(name).strip() for name in reader.fieldnames or ()], columns, labels)
            reader.fieldnames = [str(name).strip() for name in reader.fieldnames or ()]
            for line in reader:
                try:
                    row = _row({field: (line[name] or "").strip() for field, name in names.items()})
                    if row["track_id"] in seen:
                        raise ValueError(f"{row['track_id']!r} stands on line {seen[row['track_id']]} already")
                    seen[row["track_id"]] = reader.line_num
                    rows.append((reader.line_num, row))
                except ValueError as error:
                    problems.append(f"{source}, line {reader.line_num}: {error}")
    except FileNotFoundError as error:
        raise GenrelabError(f"dataset.path: {source}: no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GenrelabError(f"dataset.path: {source}: unreadable ({error}); save it as UTF-8 CSV") from error
    if not rows and not problems:
        raise GenrelabError(f"{source}: no line after the header")
    return rows, problems


def _names(source: Path, header: list[str], columns: Mapping[str, str], labels: Sequence[str]) -> dict[str, str]:
    """The file's column name by field, for the fields that are there."""
    names = {field: columns.get(field, field) for field in _FIELDS}
    for field, name in names.items():
        if name not in header and (field in ("path", "genre") or field in columns):
            remedy = f"map it as in 'dataset.columns={{{field}: its_name}}'"
            raise GenrelabError(f"{source}: no column {name!r}{suggest(name, header)}; {remedy}")
    for label in labels:
        if label not in header:
            raise GenrelabError(f"{source}: no column {label!r}, which dataset.labels names{suggest(label, header)}")
    return {field: name for field, name in names.items() if name in header} | {LABEL + label: label for label in labels}


def _row(line: dict[str, str]) -> dict[str, Any]:
    """One line as a row of the dataset index. Raises ValueError saying what is wrong with it."""
    for field in ("path", "genre"):
        if not line[field]:
            raise ValueError(f"no {field}")
    row: dict[str, Any] = {target: line[field] or None for field, target in _FIELDS.items() if field in line}
    row["track_id"] = normalize_id(row.get("track_id") or line["path"].replace("\\", "/").removeprefix("./"))
    row["genre"] = normalize_id(line["genre"])
    row |= {field: text or None for field, text in line.items() if field.startswith(LABEL)}
    if part := line.get("split"):
        if part.lower() not in PART_WORDS:
            raise ValueError(f"split {part!r} is none of train, val, test")
        row["official_split"] = PART_WORDS[part.lower()]
    if duration := line.get("duration"):
        try:
            row["duration"] = float(duration)
        except ValueError:
            raise ValueError(f"duration {duration!r} is not a number of seconds") from None
    return row

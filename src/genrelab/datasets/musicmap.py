"""`dataset=musicmap`: songs in folders named by Musicmap's codes (system A, rows A07 and A08)."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.datasets.audio_folder import find_root, format_others, list_audio, normalize_id, reject_links
from genrelab.datasets.csv_table import PART_WORDS
from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import GenrelabError

COLUMNS = ("split", "genre", "file_path", "filename", "num_segments", "num_selected_segments")  # of the split's CSV
_NAME = re.compile(r"(?P<code>\w+)-(?P<number>\d+)-(?P<artist>.*?)-(?P<title>.+)")
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"'})


@DATASETS.register("musicmap")
def musicmap(root: str | None = None, splits: str | None = None) -> DatasetIndex:
    """Read songs as `<code>/<code>-<i>-<Artist>-<Title>.m4a`, with the split of a CSV.

    Artists are what stands before the third hyphen: of "A-ha" that is "A", which keeps more together than need be.
    A song that stands in several genres is one recording: its copies share an album, so that no split by rule parts
    them.

    Args:
        root: folder of the genre folders, which codes name (alt01, class, woA09, ...).
        splits: CSV with the columns split, genre, file_path, filename (A08), found by genre and filename whatever the
            form of its letters; None: no official split.

    Raises:
        ConfigError: no root named.
        GenrelabError: no audio in root, the CSV is missing or does not fit (file and line are named).
    """
    top = find_root(root, "the folder of the genre folders alt01, alt02, ...")
    found = list_audio(top)
    files, others, rejected = found.files, found.others, [*found.rejected, *reject_links(top, found)]
    rows: list[dict[str, Any]] = []
    for path in files:
        parts = path.relative_to(top).parts
        if len(parts) < 2:
            rejected.append((str(path), "beside the genre folders"))
            continue
        track = normalize_id(path.relative_to(top).as_posix())
        rows.append({"track_id": track, "genre": normalize_id(parts[0]).strip(), "path": str(path), **_song(path.stem)})
    if not rows:
        raise GenrelabError(f"{top}: no audio in genre folders; expected e.g. jaz03/jaz03-1-Artist-Title.m4a")
    notes = [f"files that are not audio skipped: {format_others(others)}"] if others else []
    notes += _one_recording(rows)
    if splits:
        notes += _split(Path(splits).expanduser(), rows, rejected)
    return DatasetIndex("musicmap", pd.DataFrame(rows), tuple(notes), tuple(rejected))


def normalize_name(text: str) -> str:
    """What the spellings of a file's name share: composed letters, plain quotes, single blanks, none at the ends."""
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    stem, dot, extension = plain.rpartition(".")
    stem, dot, extension = (stem, dot, extension) if dot and len(extension.strip()) <= 4 else (plain, "", "")
    return f"{' '.join(stem.split())}{dot}{extension.strip()}".casefold()


def _song(stem: str) -> dict[str, str | None]:
    """Artist and song of a file's name; None where it is named otherwise."""
    found = _NAME.fullmatch(unicodedata.normalize("NFKC", stem).strip())
    if not found:
        return {"artist_id": None, "song": None}
    artist = found["artist"].strip().replace(";", ",")
    return {"artist_id": artist or None, "song": normalize_name(f"{artist} - {found['title']}")}


def _one_recording(rows: list[dict[str, Any]]) -> list[str]:
    """Give copies of a song an album of their own; tell which there are."""
    copies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if song := row.pop("song"):
            copies[song].append(row)
    told = []
    for song, several in copies.items():
        if len(several) > 1:
            told.append(f"{song} ({', '.join(row['genre'] for row in several)})")
            for row in several:
                row["album_id"] = f"same song: {song}"
    return [f"songs that stand in several places, kept together: {'; '.join(sorted(told))}"] if told else []


def _split(path: Path, rows: list[dict[str, Any]], rejected: list[tuple[str, str]]) -> list[str]:
    """Enter the CSV's parts into the rows; return notes."""
    here = {(row["genre"].casefold(), normalize_name(Path(row["path"]).name)): row for row in rows}
    lost, parts = 0, Counter[str]()
    for line, part, genre, name in _read_split(path):
        row = here.get((genre.casefold(), normalize_name(name)))
        if row is None:
            lost += 1
            rejected.append((f"{genre}/{name}", f"{NO_SUCH_FILE} ({path.name}, line {line})"))
        elif row.get("official_split") not in (None, part):
            raise GenrelabError(f"{path}, line {line}: {genre}/{name} stands in {row['official_split']} and in {part}")
        else:
            row["official_split"] = part
            parts[part] += 1
    if not parts:
        raise GenrelabError(
            f"{path}: none of its {lost} files is among the {len(rows)} here, e.g. {rows[0]['track_id']!r}"
        )
    notes = [f"{path.name}: {lost} of its files are not here"] if lost else []
    left = sum("official_split" not in row for row in rows)
    return [*notes, *([f"{left} files stand in no part of {path.name}"] if left else [])]


def _read_split(path: Path) -> list[tuple[int, str, str, str]]:
    """(line, part, genre, filename) of every line."""
    found = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            header = [str(name).strip() for name in reader.fieldnames or ()]
            if lacking := [name for name in ("split", "genre", "filename") if name not in header]:
                raise GenrelabError(f"{path}: no column {lacking[0]!r}; expected {', '.join(COLUMNS)}")
            reader.fieldnames = header
            for row in reader:
                part, genre, name = ((row[key] or "").strip() for key in ("split", "genre", "filename"))
                if part.lower() not in PART_WORDS or not genre or not name:
                    raise GenrelabError(
                        f"{path}, line {reader.line_num}: split {part!r}, genre {genre!r}, file {name!r}"
                    )
                found.append((reader.line_num, PART_WORDS[part.lower()], normalize_id(genre), name))
    except FileNotFoundError as error:
        raise GenrelabError(f"dataset.splits: {path}: no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GenrelabError(f"{path}: unreadable ({error}); save it as UTF-8 CSV") from error
    return found

"""`dataset=folder`: root/genre/[artist/...]/track.ext."""

from __future__ import annotations

import csv
import os
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from genrelab.audio.containers import has_audio_content
from genrelab.datasets.index import AUDIO_EXTENSIONS, DatasetIndex
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import ConfigError, GenrelabError

_ENDINGS = 6  # that are named of files that are no audio
_TRACK_COLUMNS = ("path", "track", "track_id", "filename", "file")


@DATASETS.register("folder")
def folder(root: str | None = None, artists_csv: str | None = None, artist_folders: bool = True) -> DatasetIndex:
    """Read a folder of music: one folder a genre, in it tracks, or folders of artists at any depth.

    Args:
        root: the folder that holds the genre folders.
        artists_csv: a CSV with a column `path` (or `track`, `filename`) and a column `artist`, perhaps `album`;
            it goes before the folders.
        artist_folders: the first folder under a genre names the artist; False: it means nothing.

    Raises:
        ConfigError: no root named.
        GenrelabError: root is missing or no folder; it holds no audio in genre folders; a bad CSV.
    """
    top = find_root(root, "the folder that holds one folder per genre")
    found, notes, rejected = _scan(top)
    if not found:
        raise GenrelabError(f"{top}: no audio in it; dataset.root holds one folder per genre, and in it the tracks")
    rows = [_row(top, path, artist_folders) for path in found]
    if artists_csv is not None:
        notes += _apply_artists(rows, Path(artists_csv).expanduser())
    return DatasetIndex(top.resolve().name or "folder", pd.DataFrame(rows), tuple(notes), tuple(rejected))


def find_root(root: str | None, description: str) -> Path:
    """The folder named by `dataset.root`.

    Raises:
        ConfigError: it was not named.
        GenrelabError: it does not exist, or is no folder, or cannot be read.
    """
    if not root:
        raise ConfigError([f"dataset.root: name {description}, as in dataset.root=/path/to/music"])
    path = Path(root).expanduser()
    if not path.exists():
        raise GenrelabError(f"dataset.root: {path}: no such folder")
    if not path.is_dir():
        raise GenrelabError(f"dataset.root: {path} is a file; name {description}")
    try:
        next(path.iterdir(), None)
    except OSError as error:
        raise GenrelabError(f"dataset.root: {path}: cannot be read ({error.strerror})") from error
    return path


def normalize_id(text: str) -> str:
    """A track id in one Unicode form (NFKC): the same file has the same id on every file system."""
    return unicodedata.normalize("NFKC", text)


class AudioFiles(NamedTuple):
    """What lies under a folder.

    Args:
        files: audio files, sorted; each file once, where it really lies rather than where a link leads to it.
        others: number of other files by extension.
        rejected: (path, reason) of what cannot be used.
        links: (link, where its files count) of links to what is listed elsewhere.
    """

    files: list[Path]
    others: Counter[str]
    rejected: list[tuple[str, str]]
    links: list[tuple[Path, Path]]


def list_audio(top: Path) -> AudioFiles:
    """List all audio files under a folder; hidden ones left out, linked folders and files followed once."""
    found = AudioFiles([], Counter(), [], [])
    here_of: dict[str, Path] = {}  # of a folder or file as it really is, the path that it is listed by
    waiting, linked = [Path(top)], list[Path]()
    while waiting:  # what really lies under the folder first, lest a link take it along to another genre
        folder = waiting.pop(0)
        for here, folders, names in os.walk(folder):
            real = os.path.realpath(here)
            if (path := here_of.setdefault(real, Path(here))) != Path(here):
                found.links.append((Path(here), path))
                folders.clear()
                continue
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
            waiting += [path for name in folders if (path := Path(here) / name).is_symlink()]
            for path in _list_folder(Path(here), sorted(names), found):
                if path.is_symlink():
                    linked.append(path)
                else:
                    found.files.append(path)
                    here_of[f"{real}{os.sep}{path.name}"] = path
    for file in linked:
        if (path := here_of.setdefault(os.path.realpath(file), file)) == file:
            found.files.append(file)
        else:
            found.links.append((file, path))
    found.files.sort()
    return found


def format_others(others: Counter[str]) -> str:
    """How many files of which endings are no audio: "3 .jpg, 1 .txt"."""
    ranked = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    kinds = ", ".join(f"{count} {ending}" for ending, count in ranked[:_ENDINGS])
    rest = sum(count for _, count in ranked[_ENDINGS:])
    return f"{kinds} and {rest} others" if rest else kinds


def _list_folder(folder: Path, names: list[str], found: AudioFiles) -> list[Path]:
    """Count a folder's files by kind; returns those of audio."""
    files = []
    for name in names:
        path = folder / name
        if name.startswith("."):
            continue
        if path.suffix.lower() not in AUDIO_EXTENSIONS and not has_audio_content(path):
            found.others[path.suffix.lower() or "no extension"] += 1
        elif not _is_text(str(path)):
            readable = os.fsencode(path).decode("utf-8", "replace")
            found.rejected.append((readable, "file name is not UTF-8; rename it"))
        else:
            files.append(path)
    return files


def reject_links(top: Path, found: AudioFiles) -> list[tuple[str, str]]:
    """(path, reason) of links from one genre folder to what counts in another."""

    def genre(path: Path) -> str:
        parts = path.relative_to(top).parts
        return parts[0] if parts else ""

    return [
        (str(link), f"a link to what counts at {path.relative_to(top)}")
        for link, path in found.links
        if path != top and genre(link) != genre(path)
    ]


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _scan(top: Path) -> tuple[list[Path], list[str], list[tuple[str, str]]]:
    """Audio files in genre folders, notes on the rest, and what is rejected."""
    found = list_audio(top)
    files, others, rejected = found.files, found.others, [*found.rejected, *reject_links(top, found)]
    notes = []
    if others:
        notes.append(f"files that are not audio skipped: {format_others(others)}")
    if loose := [path for path in files if path.parent == top]:
        more = f" and {len(loose) - 1} more" if len(loose) > 1 else ""
        notes.append(f"audio beside the genre folders skipped: {loose[0].name}{more}")
        files = [path for path in files if path.parent != top]
    used = {path.relative_to(top).parts[0] for path in files}
    genres = (path.name for path in top.iterdir() if path.is_dir() and not path.name.startswith("."))
    if empty := sorted(name for name in genres if name not in used and name != "__MACOSX"):
        notes.append(f"genre folders without audio: {', '.join(empty)}")
    return files, notes, rejected


def _row(top: Path, path: Path, artist_folders: bool) -> dict[str, Any]:
    relative = path.relative_to(top)
    artist = relative.parts[1] if artist_folders and len(relative.parts) > 2 else None
    return {
        "track_id": normalize_id(relative.as_posix()),
        "genre": normalize_id(relative.parts[0]),
        "artist_id": None if artist is None else normalize_id(artist),
        "path": str(path),
    }


def _apply_artists(rows: list[dict[str, Any]], path: Path) -> list[str]:
    """Enter the CSV's artists (and albums) into the rows; return notes."""
    facts = _read_artists(path)
    names = Counter(Path(row["track_id"]).name for row in rows)
    used = set()
    for row in rows:
        name = Path(row["track_id"]).name
        key = row["track_id"] if row["track_id"] in facts else name
        if key not in facts or (key == name and names[name] > 1 and key != row["track_id"]):
            continue  # a bare file name that several tracks share says nothing
        used.add(key)
        row.update({column: value for column, value in facts[key].items() if value})
    if not used:
        known = rows[0]["track_id"]
        raise GenrelabError(f"{path}: none of its {len(facts)} lines names a track; write paths as in {known!r}")
    left = len(facts) - len(used)
    return [f"{path.name}: {left} lines name no track (or a file name that several tracks share)"] if left else []


def _read_artists(path: Path) -> dict[str, dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, restval="")
            header = [str(name) for name in reader.fieldnames or ()]
            key = next((name for name in _TRACK_COLUMNS if name in header), None)
            if key is None or "artist" not in header:
                has = ", ".join(header) or "none"
                raise GenrelabError(f"{path}: needs the columns 'path' and 'artist'; it has {has}")
            return {
                normalize_id(line[key].strip().replace("\\", "/").removeprefix("./")): {
                    "artist_id": line["artist"].strip(),
                    "album_id": line.get("album", "").strip(),
                }
                for line in reader
                if line[key].strip()
            }
    except FileNotFoundError as error:
        raise GenrelabError(f"dataset.artists_csv: {path}: no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GenrelabError(f"dataset.artists_csv: {path}: unreadable ({error}); save it as UTF-8 CSV") from error

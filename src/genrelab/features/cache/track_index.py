"""What is known of tracks beside their features: how many segments they gave, and which files are of no use.

<store>/audio-<fingerprint>/tracks.parquet   track_id, source, seconds, segments, padded, sample_rate, notes
<store>/quarantine.json                      path -> track_id, signature, reason, reader
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.audio.io import READER_VERSION
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path, write_json

TRACK_COLUMNS = {
    "track_id": "str",
    "source": "str",
    "seconds": "float64",
    "segments": "int32",
    "padded": "bool",
    "sample_rate": "int32",  # the file's own, Hz; 0 where unknown
    "notes": "str",  # what a user should know of the file; "" where there is nothing
}


def file_signature(path: str | os.PathLike[str]) -> str:
    """Size and modification time of a file: when they change, its features are built anew. Raises OSError."""
    stat = Path(path).stat()
    return f"{stat.st_size}-{stat.st_mtime_ns}"


class TrackIndex:
    """One line per track and source that was cut by one audio spec."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tracks.parquet"

    def read(self) -> pd.DataFrame:
        """The lines, `TRACK_COLUMNS`."""
        if not self.path.exists():
            return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in TRACK_COLUMNS.items()})
        try:
            lines = pd.read_parquet(self.path)
            if "sample_rate" not in lines:  # a store of before this was kept
                lines = lines.assign(sample_rate=0)
            if "notes" not in lines:
                lines = lines.assign(notes="")
            return lines[list(TRACK_COLUMNS)]
        except (OSError, ValueError, KeyError) as error:
            raise GenrelabError(f"{self.path}: unreadable ({error}); delete this file") from error

    def add(self, lines: list[dict[str, Any]]) -> None:
        """Add lines; the caller holds the store's lock."""
        both = pd.concat([self.read(), pd.DataFrame(lines, columns=list(TRACK_COLUMNS)).astype(TRACK_COLUMNS)])
        with atomic_path(self.path) as part:
            both.drop_duplicates(["track_id", "source"], keep="last").to_parquet(part, index=False)


class RejectedFiles:
    """Files that could not be decoded; each is tried again when it changes, or when the readers do."""

    def __init__(self, root: Path) -> None:
        self.path = root / "quarantine.json"

    def read(self) -> dict[str, dict[str, Any]]:
        """Entries by path."""
        try:
            return dict(json.loads(self.path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):  # a root that is no folder is told when it is written to
            return {}
        except (OSError, ValueError) as error:
            raise GenrelabError(f"{self.path}: unreadable ({error}); delete this file") from error

    @staticmethod
    def matches(entry: Mapping[str, Any] | None, path: str) -> bool:
        """Whether an entry still speaks of the file as it is now."""
        return entry is not None and entry["signature"] == _state(path) and entry.get("reader") == _reader()

    def update(self, bad: Mapping[str, tuple[str, str]], resolved: set[str]) -> None:
        """Enter bad files (path -> track id, reason) and strike out mended ones; the caller holds the lock."""
        entries = self.read()
        new = {path: entry for path, entry in entries.items() if path not in resolved}
        for path, (track_id, reason) in bad.items():
            new[path] = {"track_id": track_id, "signature": _state(path), "reason": reason, "reader": _reader()}
        if new != entries:
            write_json(self.path, dict(sorted(new.items())))


def _state(path: str) -> str:
    """Like `file_signature`, and with the time of the last change of permissions, which may mend a file too."""
    try:
        stat = Path(path).stat()
    except OSError:
        return "missing"
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ctime_ns}"


def _reader() -> str:
    """What decides which files are read: genrelab's own rules, and whether ffmpeg is there."""
    return f"{READER_VERSION}{'-ffmpeg' if shutil.which('ffmpeg') else ''}"

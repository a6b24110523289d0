"""What was written into which file, so that it can be taken back: a line of JSON a file."""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from genrelab.audio import AudioError
from genrelab.inference.tagging.audio_tags import GenreTag, read_genre, write_genre
from genrelab.inference.tagging.id3 import TagLayout
from genrelab.utils.errors import GenrelabError


class UndoLog:
    """Collects what is written; a line is on the disk before the file that it is about is replaced.

    Args:
        path: made by `begin`, or with the first line.

    Raises:
        GenrelabError: it is there already.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: IO[bytes] | None = None
        with suppress(OSError):  # `begin` says what is wrong with the name
            if path.exists():
                raise GenrelabError(f"{path}: an undo file of that name is there; name another with --undo-file")

    def begin(self) -> IO[bytes]:
        """Make the file, unless that is done.

        Raises:
            GenrelabError: it cannot be made.
        """
        if self._handle is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._handle = self.path.open("xb", buffering=0)  # what a full disk refused is not tried again at close
            except OSError as error:
                reason = f"the undo file cannot be made ({(error.strerror or str(error)).lower()})"
                raise GenrelabError(f"{self.path}: {reason}; name another with --undo-file") from error
        return self._handle

    def add(self, path: Path, before: GenreTag, after: GenreTag) -> None:
        """Note what a file's genre was and is going to be.

        Raises:
            AudioError: the line cannot be written; the file's genre must stay.
        """
        handle = self.begin()
        line = {"path": os.path.realpath(path), "before": _plain(before), "after": _plain(after)}
        data, start = (json.dumps(line) + "\n").encode(), handle.tell()  # ASCII: a path may be no text
        try:
            if handle.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle.fileno())
        except OSError as error:
            handle.truncate(start)  # half a line would hide all others
            handle.seek(start)
            reason = (error.strerror or str(error)).lower()
            raise AudioError(path, f"left alone: {self.path} cannot be written ({reason})") from error

    def close(self) -> None:
        """Close it, where it was begun."""
        if self._handle is not None:
            self._handle.close()


def undo(path: Path) -> tuple[int, list[tuple[str, str]]]:
    """Put back every genre that an undo file tells of, last one first.

    Returns:
        how many files have their genre back (those that have it already included), and (path, reason) of those that
        were changed since, are gone, or cannot be written.

    Raises:
        GenrelabError: no undo file.
    """
    back, left = 0, []
    for file, before, after in reversed(_read(path)):
        try:
            now = read_genre(file)
            if now.values == after.values:
                write_genre(file, before)
            elif now.values != before.values:
                raise AudioError(file, f"its genre was changed since, to {', '.join(now.values) or 'none'}")
            back += 1
        except AudioError as error:
            left.append((error.path, error.reason))
    return back, left


def _read(path: Path) -> list[tuple[Path, GenreTag, GenreTag]]:
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]  # the last may be cut
        return [(Path(line["path"]), _genre(line["before"]), _genre(line["after"])) for line in lines]
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such undo file") from error
    except OSError as error:
        raise GenrelabError(
            f"{path}: the undo file cannot be read ({(error.strerror or str(error)).lower()})"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise GenrelabError(f"{path}: not an undo file of genrelab tag ({error})") from error


def _plain(genre: GenreTag) -> dict[str, Any]:
    return {
        "genre": list(genre.values),
        "old": None if genre.old is None else list(genre.old),
        "tags": genre.tags,
        "id3": None if genre.kept is None else genre.kept.plain(),
    }


def _genre(plain: dict[str, Any]) -> GenreTag:
    old = None if plain["old"] is None else tuple(map(str, plain["old"]))
    return GenreTag(tuple(map(str, plain["genre"])), old, bool(plain["tags"]), TagLayout.of(plain.get("id3")))

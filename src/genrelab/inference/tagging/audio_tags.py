"""Genre tags of MP3, FLAC, Ogg and M4A files by mutagen: read, and written into a copy that takes the file's place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrelab.audio import AudioError
from genrelab.utils.errors import GenrelabError

SUFFIXES = (".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".mp4")
OLD = "GENRELAB_OLD_GENRE"  # the tag that keeps what the genre was
_MP4_GENRE, _MP4_OLD = "\xa9gen", f"----:com.apple.iTunes:{OLD}"


@dataclass(frozen=True)
class Genre:
    """What a file's tags say.

    Args:
        values: of the genre; empty where there is none.
        old: what the genre was before genrelab wrote it; None where genrelab never did. Empty: there was none.
        tags: whether the file has tags at all.
    """

    values: tuple[str, ...]
    old: tuple[str, ...] | None = None
    tags: bool = True


def mutagen() -> Any:
    """The library. Raises GenrelabError where it is not installed."""
    try:
        import mutagen as found
    except ImportError as error:
        raise GenrelabError("genrelab tag needs mutagen; pip install 'genrelab[tag]'") from error
    return found


def read_genre(path: Path) -> Genre:
    """A file's genre.

    Raises:
        AudioError: not a file of these formats, or broken.
    """
    file = _open(path)
    if file.tags is None:
        return Genre((), None, tags=False)
    get = _ID3 if _is_id3(file) else _MP4 if _is_mp4(file) else _Vorbis
    return get(file).read()


def write_genre(path: Path, genre: Genre, before: Callable[[], None] = lambda: None) -> None:
    """Write a file's genre and what it was: into a copy, which then takes the file's place in one step.

    Args:
        path: of the file; what a link points to is replaced, the link stays.
        genre: `values` and `old`; without `tags` all tags are taken away.
        before: called when the copy is whole, before it takes over.

    Raises:
        AudioError: the file is broken, or the folder cannot be written.
    """
    real = Path(os.path.realpath(path))
    part = real.with_name(f".{real.stem}.{os.getpid()}.part{real.suffix}")
    try:
        shutil.copy2(real, part)
        with suppress(OSError, AttributeError):  # an owner is kept where that is allowed
            os.chown(part, real.stat().st_uid, real.stat().st_gid)
        _write(part, genre)
        with part.open("rb") as handle:
            os.fsync(handle.fileno())
        before()
        part.replace(real)
    except OSError as error:
        raise AudioError(path, f"cannot be written ({(error.strerror or str(error)).lower()})") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _write(path: Path, genre: Genre) -> None:
    file = _open(path)
    if not genre.tags:
        file.delete()
        return
    if file.tags is None:
        file.add_tags()
    put = _ID3 if _is_id3(file) else _MP4 if _is_mp4(file) else _Vorbis
    put(file).write(genre)


def _open(path: Path) -> Any:
    library = mutagen()
    if path.suffix.lower() not in SUFFIXES:
        raise AudioError(path, f"no tags are written into {path.suffix or 'such'} files")
    try:
        file = library.File(path)
    except library.MutagenError as error:
        cause = error.args[0] if error.args else error
        reason = cause.strerror if isinstance(cause, OSError) else cause
        raise AudioError(path, f"tags cannot be read ({str(reason).lower()})") from error
    if file is None:
        raise AudioError(path, "not a file of the format that its name says")
    return file


def _is_id3(file: Any) -> bool:
    from mutagen.mp3 import MP3

    return isinstance(file, MP3)


def _is_mp4(file: Any) -> bool:
    from mutagen.mp4 import MP4

    return isinstance(file, MP4)


class _ID3:
    """ID3v2, in the version that the file has: players that know 2.3 only do not read 2.4."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def read(self) -> Genre:
        frames, old = self.file.tags.getall("TCON"), self.file.tags.getall(f"TXXX:{OLD}")
        return Genre(tuple(name for frame in frames for name in frame.genres), _split(old[0].text) if old else None)

    def write(self, genre: Genre) -> None:
        from mutagen import id3

        frames: Any = id3  # its classes are untyped
        tags = self.file.tags
        version = 3 if tags.version[:2] == (2, 3) else 4
        tags.delall("TCON")
        tags.delall(f"TXXX:{OLD}")
        if genre.values:
            tags.add(frames.TCON(encoding=1, text=list(genre.values)))  # UTF-16: what both versions know
        if genre.old is not None:
            tags.add(frames.TXXX(encoding=1, desc=OLD, text=[_joined(genre.old)]))
        if version == 3:
            tags.update_to_v23()
        self.file.save(v2_version=version)


class _Vorbis:
    """Vorbis comments of FLAC and Ogg."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def read(self) -> Genre:
        old = self.file.tags.get(OLD)
        return Genre(tuple(self.file.tags.get("genre", ())), _split(old) if old else None)

    def write(self, genre: Genre) -> None:
        for name, values in (("genre", genre.values), (OLD, None if genre.old is None else [_joined(genre.old)])):
            if name in self.file.tags:
                del self.file.tags[name]
            if values:
                self.file.tags[name] = list(values)
        self.file.save()


class _MP4:
    """Atoms of M4A; a free-form one keeps what was."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def read(self) -> Genre:
        old = self.file.tags.get(_MP4_OLD)
        told = _split([bytes(value).decode("utf-8", "replace") for value in old]) if old else None
        return Genre(tuple(self.file.tags.get(_MP4_GENRE, ())), told)

    def write(self, genre: Genre) -> None:
        tags = self.file.tags
        for name in (_MP4_GENRE, _MP4_OLD):
            tags.pop(name, None)
        if genre.values:
            tags[_MP4_GENRE] = list(genre.values)
        if genre.old is not None:
            tags[_MP4_OLD] = [_joined(genre.old).encode()]
        self.file.save()


def _joined(values: Sequence[str]) -> str:
    """Genres as one text; "none" where there was none, since empty texts are dropped on the way."""
    return "; ".join(values) if values else "none"


def _split(texts: Sequence[Any]) -> tuple[str, ...]:
    text = str(texts[0]) if texts else "none"
    return () if text == "none" else tuple(text.split("; "))

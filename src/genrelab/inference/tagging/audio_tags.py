"""Genre tags of MP3, FLAC, Ogg and M4A files by mutagen: read, and written into a copy that takes the file's place."""

from __future__ import annotations

import io
import os
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genrelab.audio import AudioError
from genrelab.inference.tagging.audio_payload import Audio, flac_audio, mp3_audio, mp4_audio, ogg_audio
from genrelab.inference.tagging.id3 import (
    OLD,
    Tag,
    TagLayout,
    capture_layout,
    frames_of,
    read_tag,
    restore_layout,
    set_genre,
    tag_bytes,
)
from genrelab.utils.errors import GenrelabError

SUFFIXES = (".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".mp4")


@dataclass(frozen=True)
class GenreTag:
    """What a file's tags say.

    Args:
        values: of the genre; empty where there is none.
        old: what the genre was before genrelab wrote it; None where genrelab never did. Empty: there was none.
        tags: whether the file has tags at all.
        kept: of a file that was read, how its ID3 tag held them; written again, it gives the very same bytes.
    """

    values: tuple[str, ...]
    old: tuple[str, ...] | None = None
    tags: bool = True
    kept: TagLayout | None = field(default=None, compare=False)


def mutagen() -> Any:
    """The library. Raises GenrelabError where it is not installed."""
    try:
        import mutagen as found
    except ImportError as error:
        raise GenrelabError("genrelab tag needs mutagen; pip install 'genrelab[tag]'") from error
    return found


def read_genre(path: Path) -> GenreTag:
    """A file's genre.

    Raises:
        AudioError: not a file of these formats, or broken.
    """
    with _one_line(path, "tags cannot be read"):
        return _format(path).read()


def write_genre(path: Path, genre: GenreTag, before: Callable[[], None] = lambda: None) -> None:
    """Write a file's genre and what it was: into a copy, which then takes the file's place in one step.

    Args:
        path: of the file; what a link points to is replaced, the link stays.
        genre: `values` and `old`; without `tags` the tags are taken away, unless others are among them.
        before: called when the copy is whole, before it takes over.

    Raises:
        AudioError: the file is broken, its audio would differ, or the folder cannot be written.
    """
    real = Path(os.path.realpath(path))
    part = real.with_name(f".{real.stem}.{os.getpid()}.part{real.suffix}")
    try:
        with _one_line(path, "cannot be written"):
            rights = real.stat()
            if not (rights.st_mode & 0o222 and os.access(real, os.W_OK)):
                raise AudioError(path, "left alone: it is read-only")
            shutil.copy2(real, part)
            with suppress(OSError, AttributeError):  # an owner is kept where that is allowed
                os.chown(part, rights.st_uid, rights.st_gid)
            tags = _format(part)
            tags.write(genre)
            if genre.values and _format(part).read().values != genre.values:
                raise AudioError(path, "left alone: its tag is broken, and would not give the genre that was written")
            _check_audio(path, tags.audio, real, part)
            with part.open("rb") as handle:
                os.fsync(handle.fileno())
            before()
            part.replace(real)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def _one_line(path: Path, what: str) -> Iterator[None]:
    """Raise AudioError for whatever happens to a file: mutagen fails in many ways on broken ones and on full disks."""
    try:
        yield
    except GenrelabError as error:
        if isinstance(error, AudioError):
            raise AudioError(path, error.reason) from error  # names the file, not its copy
        raise
    except Exception as error:
        inner = error.args[0] if isinstance(error, mutagen().MutagenError) and error.args else error
        reason = inner.strerror if isinstance(inner, OSError) and inner.strerror else str(inner) or type(inner).__name__
        raise AudioError(path, f"{what} ({reason.lower()})") from error


def _check_audio(path: Path, audio: Callable[[Path], Audio], before: Path, after: Path) -> None:
    """Raise AudioError unless a tagged copy holds the audio of the original."""
    try:
        same = audio(before) == audio(after)
    except (ValueError, IndexError, struct.error) as error:
        raise AudioError(path, f"left alone: its audio cannot be checked ({error})") from error
    if not same:
        raise AudioError(path, "left alone: a new tag would harm its audio (if it is a fragmented M4A, remux it first)")


def _format(path: Path) -> _ID3 | _Keys:
    """A file's tags, by what mutagen finds in it."""
    library = mutagen()
    from mutagen.flac import FLAC
    from mutagen.mp3 import MP3
    from mutagen.mp4 import MP4
    from mutagen.ogg import OggFileType

    if path.suffix.lower() not in SUFFIXES:
        raise AudioError(path, f"no tags are written into {path.suffix or 'such'} files")
    with _one_line(path, "tags cannot be read"):
        file = library.File(path)
    if isinstance(file, MP3):
        return _ID3(path, file.tags)
    if isinstance(file, MP4):
        return _Keys(file, "\xa9gen", f"----:com.apple.iTunes:{OLD}", mp4_audio)
    if isinstance(file, FLAC | OggFileType):
        return _Keys(file, "genre", OLD, flac_audio if isinstance(file, FLAC) else ogg_audio)
    raise AudioError(path, "not a file of the format that its name says")


class _ID3:
    """ID3v2, in the version that the file has: players that know 2.3 only do not read 2.4."""

    def __init__(self, path: Path, tags: Any) -> None:
        self.path, self.tags, self.audio = path, tags, mp3_audio

    def read(self) -> GenreTag:
        kept = capture_layout(read_tag(self.path, self.path.read_bytes()))
        if self.tags is None:
            return GenreTag((), None, False, kept)
        frames, old = self.tags.getall("TCON"), self.tags.getall(f"TXXX:{OLD}")
        values = tuple(name for frame in frames for name in frame.genres)
        return GenreTag(values, _split(old[0].text) if old else None, True, kept)

    def write(self, genre: GenreTag) -> None:
        whole = self.path.read_bytes()
        found = read_tag(self.path, whole)
        tag: Tag | None
        if genre.kept is None:
            wanted = found.size
            start = found if found.size else Tag(frames=self._of_id3v1(whole))
            tag = set_genre(start, genre.values, None if genre.old is None else _joined(genre.old))
        else:
            tag, wanted = restore_layout(found, genre.kept, self._of_id3v1(whole[found.size :])), genre.kept.size
        head = tag_bytes(self.path, tag, wanted) if tag else b""
        self.path.write_bytes(head + whole[found.size :])

    @staticmethod
    def _of_id3v1(whole: bytes) -> tuple[bytes, ...]:
        """What ID3v1 alone says, its genre aside, as frames: players that find ID3v2 do not look there."""
        from mutagen import id3

        reader: Any = id3.ID3  # untyped
        try:
            tags = reader(io.BytesIO(whole))
        except id3.ID3NoHeaderError:
            return ()
        tags.delall("TCON")
        return frames_of(tags) if tags else ()


class _Keys:
    """Vorbis comments of FLAC and Ogg, and atoms of M4A."""

    def __init__(self, file: Any, genre: str, old: str, audio: Callable[[Path], Audio]) -> None:
        self.file, self.genre, self.old, self.audio = file, genre, old, audio

    def read(self) -> GenreTag:
        if self.file.tags is None:
            return GenreTag((), None, tags=False)
        old = self.file.tags.get(self.old)
        texts = [bytes(one).decode("utf-8", "replace") if isinstance(one, bytes) else one for one in old or ()]
        return GenreTag(tuple(self.file.tags.get(self.genre, ())), _split(texts) if old else None)

    def write(self, genre: GenreTag) -> None:
        if self.file.tags is None:
            self.file.add_tags()
        old = None if genre.old is None else _joined(genre.old)
        for name, values in ((self.genre, genre.values), (self.old, None if old is None else [old])):
            if name in self.file.tags:
                del self.file.tags[name]
            if values:
                free_form = name.startswith("----")  # an atom of bytes
                self.file.tags[name] = [value.encode() if free_form else value for value in values]
        if genre.tags or self.file.tags:
            self.file.save()
        else:
            self.file.delete()


def _joined(values: Sequence[str]) -> str:
    """Genres as one text; "none" where there was none, since empty texts are dropped on the way."""
    return "; ".join(values) if values else "none"


def _split(texts: Sequence[Any]) -> tuple[str, ...]:
    text = str(texts[0]) if texts else "none"
    return () if text == "none" else tuple(text.split("; "))

"""ID3v2 tags of MP3 files as bytes: the genre's frames are exchanged, all others are never decoded.

Libraries decode a tag and write it again, which loses frames, flags, encodings and ID3v1. Layout: id3.org, "ID3 tag
version 2.2, 2.3 and 2.4".
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from genrelab.audio import AudioError

UNSYNCHRONISED, EXPERIMENTAL = 0x80, 0x20
OLD = "GENRELAB_OLD_GENRE"  # the frame that keeps what the genre was
ROOM = 1024  # bytes of padding that a tag gets when it has to grow
_HEADER = 10
_NAME = re.compile(rb"[A-Z][A-Z0-9]{2}[A-Z0-9 \0]?")  # iTunes pads names of version 2.2 in version 2.3


class TagLayout(NamedTuple):
    """What brings a tag back byte for byte: its size, and its genre's frames, each with its place among all frames."""

    size: int
    frames: tuple[tuple[int, bytes], ...]

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"size": self.size, "frames": [[place, frame.hex()] for place, frame in self.frames]}

    @staticmethod
    def of(plain: dict[str, Any] | None) -> TagLayout | None:
        """Read what `plain` returned."""
        if plain is None:
            return None
        return TagLayout(
            int(plain["size"]), tuple((int(place), bytes.fromhex(text)) for place, text in plain["frames"])
        )


@dataclass(frozen=True)
class Tag:
    """A tag at the start of a file.

    Args:
        version: 2, 3 or 4.
        revision: of that version; 0 in all that are published.
        flags: of its header.
        frames: each with its own header, unsynchronisation undone.
        rest: the bytes behind the frames; zeros (padding) as a rule.
        size: in bytes, header and padding included; 0: there is no tag.
    """

    version: int = 4
    revision: int = 0
    flags: int = 0
    frames: tuple[bytes, ...] = ()
    rest: bytes = b""
    size: int = 0


def read_tag(path: Path, whole: bytes) -> Tag:
    """Split the tag at the start of a file into frames.

    Args:
        path: for errors.
        whole: the file's bytes, or the tag's at least.

    Raises:
        AudioError: a tag that could not be written again as it is.
    """
    if whole[:3] != b"ID3":
        return Tag()
    version, flags, size = whole[3], whole[5], _HEADER + _number(whole[6:_HEADER], 7)
    if version not in (2, 3, 4) or flags & ~(UNSYNCHRONISED | EXPERIMENTAL) or len(whole) < size:
        raise AudioError(
            path, "its ID3 tag is of a kind that cannot be changed safely (extended header, footer or cut)"
        )
    body = whole[_HEADER:size]
    if flags & UNSYNCHRONISED and version < 4:  # version 4 does it to single frames, whose sizes count it
        body = body.replace(b"\xff\0", b"\xff")
    splits = [_split(body, version, bits) for bits in ((7, 8) if version == 4 else (8,))]  # old iTunes: 8 in version 4
    frames, rest = min(splits, key=lambda split: len(split[1].strip(b"\0")))
    return Tag(version, whole[4], flags, tuple(frames), rest, size)


def capture_layout(tag: Tag) -> TagLayout:
    """What `restore_layout` needs."""
    return TagLayout(
        tag.size, tuple((place, one) for place, one in enumerate(tag.frames) if _is_genre(tag.version, one))
    )


def set_genre(tag: Tag, values: Sequence[str], old: str | None) -> Tag:
    """Exchange the genre.

    Args:
        tag: to start from.
        values: of the genre; empty takes it away.
        old: what the genre was; None takes that frame away.
    """
    frames = _others(tag)
    places = [place for place, _ in capture_layout(tag).frames]
    at = places[0] if places else len(frames)
    if old is not None:
        frames.append(_frame(tag.version, "TXX" if tag.version == 2 else "TXXX", [OLD, old]))
    if values:
        frames.insert(at, _frame(tag.version, "TCO" if tag.version == 2 else "TCON", values))
    return replace(tag, frames=tuple(frames))


def restore_layout(tag: Tag, kept: TagLayout, copied: Sequence[bytes]) -> Tag | None:
    """Exchange the genre for what `capture_layout` kept; None where the tag is to go.

    Args:
        tag: as it is now.
        kept: of the tag as it was.
        copied: frames that were made with the tag, and go with it unless others were added.
    """
    frames = _others(tag)
    if not kept.size and frames == list(copied):
        return None
    for place, one in kept.frames:
        frames.insert(place, one)
    return replace(tag, frames=tuple(frames))


def tag_bytes(path: Path, tag: Tag, wanted: int) -> bytes:
    """A tag as bytes of a file: of the size that is wanted where it fits, else larger, with padding.

    Raises:
        AudioError: larger than a tag can be.
    """
    body = b"".join(tag.frames)
    padded = not tag.rest.strip(b"\0")
    body += b"" if padded else tag.rest
    if tag.flags & UNSYNCHRONISED and tag.version < 4:
        body = re.sub(rb"\xff(?=[\xe0-\xff\0]|\Z)", b"\xff\0", body)
    if padded:
        room = wanted - _HEADER - len(body)
        body += bytes(room if room >= 0 else ROOM)
    if len(body) >= 1 << 28:
        raise AudioError(path, "its ID3 tag would be larger than such a tag can be")
    return b"ID3" + bytes([tag.version, tag.revision, tag.flags]) + _digits(len(body), 7, 4) + body


def frames_of(tags: Any) -> tuple[bytes, ...]:
    """Frames of mutagen's tags, in version 2.4."""
    saved = io.BytesIO()
    tags.save(saved, v1=0, v2_version=4, padding=lambda _: 0)
    return read_tag(Path(), saved.getvalue()).frames


def _split(body: bytes, version: int, bits: int) -> tuple[list[bytes], bytes]:
    """Frames, and the bytes behind the last whole one; `bits` of each byte of a size count."""
    long, head = (3, 6) if version == 2 else (4, 10)
    frames, place = [], 0
    while _NAME.fullmatch(body[place : place + long]) and place + head <= len(body):
        end = place + head + _number(body[place + long : place + 2 * long], bits)
        if end > len(body):
            break
        frames.append(body[place:end])
        place = end
    return frames, body[place:]


def _others(tag: Tag) -> list[bytes]:
    return [one for one in tag.frames if not _is_genre(tag.version, one)]


def _is_genre(version: int, frame: bytes) -> bool:
    if frame.startswith(b"TCO" if version == 2 else b"TCON"):
        return True
    return frame.startswith(b"TXX") and _description(version, frame) == OLD


def _description(version: int, frame: bytes) -> str:
    """Of a TXXX frame; mutagen reads it, whatever its encoding and flags."""
    from mutagen import MutagenError, id3

    reader: Any = id3.ID3  # untyped
    small = b"ID3" + bytes([version, 0, 0]) + _digits(len(frame), 7, 4) + frame
    try:
        tags = reader(io.BytesIO(small), translate=False, load_v1=False)
    except MutagenError:
        return ""
    return next((one.desc for one in tags.values() if hasattr(one, "desc")), "")


def _frame(version: int, name: str, texts: Sequence[str]) -> bytes:
    """A frame of texts: ASCII where that will do, which every player reads, else UTF-16, in version 2.4 UTF-8."""
    joined = "\0".join(texts)
    if joined.isascii():
        body = b"\0" + joined.encode()
    elif version == 4:
        body = b"\3" + joined.encode()  # without 255, which unsynchronisation would change
    else:
        body = b"\1" + b"\0\0".join(b"\xff\xfe" + text.encode("utf-16-le") for text in texts)
    if version == 2:
        return name.encode() + struct.pack(">I", len(body))[1:] + body
    return name.encode() + _digits(len(body), 7 if version == 4 else 8, 4) + b"\0\0" + body


def _number(digits: bytes, bits: int) -> int:
    number = 0
    for one in digits:
        number = number << bits | one & (1 << bits) - 1
    return number


def _digits(number: int, bits: int, count: int) -> bytes:
    return bytes(number >> bits * place & (1 << bits) - 1 for place in reversed(range(count)))

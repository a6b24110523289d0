"""What of a file is its audio: two files of equal answers give the same samples. Tags, padding and places are left out.

Containers are read here by hand, without the library that writes the tags: a fault there is to be seen.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

Audio = list[tuple[Any, ...]]
_BLOCK = 1 << 20
_REVERSED = bytes(int(f"{one:08b}"[::-1], 2) for one in range(256))


def mp3_audio(path: Path) -> Audio:
    """All behind the ID3v2 tag: frames, and what is appended to them."""
    with path.open("rb") as handle:
        return [("frames", _digest(handle, _behind_id3(handle)))]


def flac_audio(path: Path) -> Audio:
    """STREAMINFO, seek table and cue sheet, and all behind the metadata: https://www.rfc-editor.org/rfc/rfc9639."""
    with path.open("rb") as handle:
        place = _behind_id3(handle)
        found: Audio = [("mark", _read(handle, place, 4))]
        place, last = place + 4, False
        while not last:
            kind, size = _unpack(">B3s", _read(handle, place, 4))
            length = int.from_bytes(size, "big")
            if kind & 127 in (0, 3, 5):
                found.append((kind & 127, _read(handle, place + 4, length)))
            place, last = place + 4 + length, bool(kind & 128)
        return [*found, ("frames", _digest(handle, place))]


class _Stream:
    """A logical stream of an Ogg file: its packets, one after another."""

    def __init__(self) -> None:
        self.count, self.gaps, self.next_page = 0, 0, 0
        self.partial, self.hash = bytearray(), hashlib.sha256()
        self.positions: list[tuple[int, int, int]] = []

    def add(self, flags: int, position: int, page: int, lacing: bytes, body: bytes) -> None:
        """Take a page; where its packets are cut into pages is no part of the audio."""
        self.gaps += page != self.next_page
        self.next_page = page + 1
        place, ended = 0, self.count
        for size in lacing:
            self.partial += body[place : place + size]
            place += size
            if size < 255:
                self._end()
        if position > 0 and (self.count > ended or flags & 4):  # 0: headers; -1: no packet ends
            self.positions.append((self.count, position, flags & 4))

    def _end(self) -> None:
        if self.count != 1:  # the second is the comment
            self.hash.update(struct.pack(">Q", len(self.partial)) + self.partial)
        self.count += 1
        self.partial.clear()

    def found(self) -> tuple[Any, ...]:
        return self.count, self.gaps, self.hash.hexdigest(), bytes(self.partial), self.positions


def ogg_audio(path: Path) -> Audio:
    """Packets of each stream but its comment, and their positions: https://www.rfc-editor.org/rfc/rfc3533."""
    streams: list[tuple[int, _Stream]] = []
    now: dict[int, _Stream] = {}
    broken, place = 0, 0
    with path.open("rb") as handle:
        while (head := _up_to(handle, place, 27))[:4] == b"OggS" and len(head) == 27:
            flags, position, serial, page, check, count = _unpack("<xxxxxBqIIIB", head)
            lacing = _up_to(handle, place + 27, count)
            body = _up_to(handle, place + 27 + count, sum(lacing))
            broken += check != _ogg_check(head[:22] + bytes(4) + head[26:] + lacing + body)
            if flags & 2 or serial not in now:  # the first page of a stream; chained ones may share a number
                now[serial] = _Stream()
                streams.append((serial, now[serial]))
            now[serial].add(flags, position, page, lacing, body)
            place += 27 + len(lacing) + len(body)
        rest = _digest(handle, place)
    return [("broken", broken), *((serial, *stream.found()) for serial, stream in streams), ("rest", rest)]


def _ogg_check(page: bytes) -> int:
    """Ogg's checksum: zlib's, of reversed bits, without its inversions."""
    turned = ~zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) & 0xFFFFFFFF
    return int.from_bytes(turned.to_bytes(4, "little").translate(_REVERSED), "big")


class _Atom(NamedTuple):
    """An atom of an MP4 file: its place, that of its content, and its end."""

    name: bytes
    start: int
    body: int
    end: int


_HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"udta", b"moof", b"traf", b"mfra")
_PADDING = (b"free", b"skip", b"wide")
_TABLES = {b"stco": ">I", b"co64": ">Q"}


def mp4_audio(path: Path) -> Audio:
    """All atoms but the tags, with each absolute place replaced by what lies there: ISO/IEC 14496-12.

    Equal media data, equal tables of samples, edits and fragments, and places that lead to the same bytes.
    """
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        top = [atom for atom in _atoms(handle, 0, size) if atom.name not in _PADDING]
        fixed = [atom for atom in top if atom.name != b"moov"]
        starts = [atom.start for atom in fixed]

        def lies(place: int) -> tuple[int, int]:
            """The atom at a place, and how far behind its start; a place in none is measured from the file's end."""
            at = bisect_right(starts, place) - 1
            return (at, place - starts[at]) if at >= 0 and place < fixed[at].end else (-1, place - size)

        found: Audio = []
        for atom in top:
            found += _contents(handle, atom, lies)
        # fragments and their index hold places that are relative to one another
        parts = [atom for atom in fixed if atom.name in (b"sidx", b"moof", b"mdat", b"mfra")]
        fragmented = any(atom.name == b"moof" for atom in parts)
        return found + [(atom.name, atom.start - parts[0].start) for atom in parts if fragmented]


def _contents(handle: IO[bytes], atom: _Atom, lies: Callable[[int], tuple[int, int]]) -> Audio:
    if atom.name in _HOLDERS:
        inside = [one for one in _atoms(handle, atom.body, atom.end) if one.name not in (*_PADDING, b"meta")]
        parts = [part for one in inside for part in _contents(handle, one, lies)]
        return parts if atom.name == b"udta" else [(atom.name, "holds", len(parts)), *parts]
    if atom.name in _TABLES or atom.name in (b"tfhd", b"tfra"):
        return [(atom.name, *_places(atom.name, _read(handle, atom.body, atom.end - atom.body), lies))]
    return [(atom.name, _digest(handle, atom.body, atom.end))]


def _places(name: bytes, body: bytes, lies: Callable[[int], tuple[int, int]]) -> Iterator[Any]:
    """The content of an atom that holds absolute places."""
    flags = int.from_bytes(body[1:4], "big")
    if name in _TABLES:
        (count,) = _unpack(">I", body[4:8])
        for (place,) in struct.iter_unpack(_TABLES[name], body[8 : 8 + count * struct.calcsize(_TABLES[name])]):
            yield lies(place)
    elif name == b"tfhd" and flags & 1:
        yield body[:8], lies(*_unpack(">Q", body[8:16])), body[16:]
    elif name == b"tfra":
        wide, (lengths, count) = body[0] == 1, _unpack(">II", body[8:16])
        step = (16 if wide else 8) + sum((lengths >> shift & 3) + 1 for shift in (0, 2, 4))
        for at in range(16, 16 + step * count, step):
            yield lies(_unpack(">Q", body[at + 8 : at + 16])[0] if wide else _unpack(">I", body[at + 4 : at + 8])[0])
    else:
        yield body


def _atoms(handle: IO[bytes], place: int, end: int) -> Iterator[_Atom]:
    while place + 8 <= end:
        length, name = _unpack(">I4s", _read(handle, place, 8))
        body = place + 8
        if length == 1:
            (length,) = _unpack(">Q", _read(handle, body, 8))
            body += 8
        stop = end if length == 0 else min(place + length, end)  # a file may be cut in its last one
        if stop < body:
            raise ValueError("an atom is shorter than its header")
        yield _Atom(name, place, body, stop)
        place = stop


def _behind_id3(handle: IO[bytes]) -> int:
    head = _up_to(handle, 0, 10)
    if head[:3] != b"ID3":
        return 0
    return 10 + sum((one & 127) << shift for one, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def _unpack(layout: str, data: bytes) -> tuple[Any, ...]:
    return struct.unpack(layout, data)


def _up_to(handle: IO[bytes], place: int, size: int) -> bytes:
    handle.seek(place)
    return handle.read(size)


def _read(handle: IO[bytes], place: int, size: int) -> bytes:
    data = _up_to(handle, place, size)
    if len(data) < size:
        raise ValueError("the file is cut")
    return data


def _digest(handle: IO[bytes], place: int, end: int | None = None) -> str:
    """Of the bytes from a place to the end."""
    found = hashlib.sha256()
    handle.seek(place)
    left = (1 << 62) if end is None else end - place
    while left and (block := handle.read(min(left, _BLOCK))):
        found.update(block)
        left -= len(block)
    return found.hexdigest()

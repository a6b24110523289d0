"""Headers that were never finished: a program writes the length when it closes a file, and where it crashes 0 stays."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from genrelab.audio.byte_ranges import ByteRange

_HEAD = 1 << 16  # bytes that the sound begins in
_Order = Literal["big", "little"]


def unfinished_header(path: Path) -> ByteRange | None:
    """A WAV, RF64, AIFF, AU or CAF whose header says that it holds nothing, with the length that the file has.

    None for other files, and for those that hold nothing. A CAF may say that its length is unknown, which libsndfile
    does not read either.
    """
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(0)
        head = handle.read(_HEAD)
    kind = head[:4] + head[8:12]
    if kind == b"RIFFWAVE":
        return _chunked(head, size, b"data", "little")
    if kind in (b"FORMAIFF", b"FORMAIFC"):
        return _chunked(head, size, b"SSND", "big")
    if kind == b"RF64WAVE" and head[12:16] == b"ds64" and not any(head[28:36]):
        start = head.find(b"data") + 8
        return _with_sizes(head, size, start, ((20, 8, size - 8), (28, 8, size - start)), "little")
    if kind[:4] == b".snd" and not any(head[8:12]):
        start = int.from_bytes(head[4:8], "big")
        return _with_sizes(head, size, start, ((8, 4, size - start),), "big")
    return _caf(head, size) if kind[:4] == b"caff" else None


def _chunked(head: bytes, size: int, sound: bytes, order: _Order) -> ByteRange | None:
    """A WAV or AIFF."""
    place = 12
    while place + 8 <= len(head):
        length = int.from_bytes(head[place + 4 : place + 8], order)
        if head[place : place + 4] == sound:
            # An empty chunk that others follow is whole: then the length of the file is right.
            whole = int.from_bytes(head[4:8], order) + 8 >= size - 1
            empty = length <= (0 if sound == b"data" else 8)  # AIFF: an offset and a block size come first
            sizes = ((4, 4, min(size - 8, 0xFFFFFFFE)), (place + 4, 4, min(size - place - 8, 0xFFFFFFFE)))
            return _with_sizes(head, size, place + 8, sizes, order) if empty and not whole else None
        place += 8 + length + length % 2
    return None


def _caf(head: bytes, size: int) -> ByteRange | None:
    place = 8
    while place + 12 <= len(head):
        length = int.from_bytes(head[place + 4 : place + 12], "big", signed=True)
        if head[place : place + 4] == b"data":
            sizes = ((place + 4, 8, size - place - 12),)
            return _with_sizes(head, size, place + 12, sizes, "big") if length <= 4 else None  # 4: an edit count
        if length < 0:
            break
        place += 12 + length
    return None


def _with_sizes(
    head: bytes, size: int, start: int, sizes: tuple[tuple[int, int, int], ...], order: _Order
) -> ByteRange | None:
    """A file whose sound begins at `start`, with (place, width, value) written into what is before."""
    if not 8 < start < min(size - 8, len(head)):
        return None
    prefix = bytearray(head[:start])
    for place, width, value in sizes:
        prefix[place : place + width] = value.to_bytes(width, order)
    return ByteRange(bytes(prefix), start, size)

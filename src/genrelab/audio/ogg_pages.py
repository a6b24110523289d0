"""The pages of an Ogg file: where its links begin, and whether its end is there (RFC 3533)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEADER = 27
_LONGEST = _HEADER + 255 + 255 * 255
_FIRST, _LAST = 2, 4  # flags of a page: of the first and last of a stream


@dataclass(frozen=True)
class OggPages:
    """What lies in an Ogg file.

    Args:
        links: (offset of its first byte, of the first behind it) of each stream, or group of parallel ones: several
            where files were joined, or a radio station was recorded.
        cut: the last page is not whole, or no stream's last and bytes follow that are no page.
    """

    links: tuple[tuple[int, int], ...]
    cut: bool


def find_pages(path: Path) -> OggPages:
    """Go from page to page of a file."""
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        starts: list[int] = []
        place = end = 0
        first = last = False
        while (found := _page(handle, place, size)) is not None:
            place, length, flags = found
            if flags & _FIRST and not first:
                starts.append(place)
            first, last = bool(flags & _FIRST), bool(flags & _LAST)
            place += length
            end = min(place, size)
        cut = place > size or (end < size and not last)
    return OggPages(tuple(zip(starts, [*starts[1:], end], strict=True)), cut)


def _page(handle: BinaryIO, place: int, size: int) -> tuple[int, int, int] | None:
    """The next page at or behind a place: offset, length, flags; None where there is none."""
    while place < size:
        handle.seek(place)
        head = handle.read(_HEADER + 255)
        if head[:5] == b"OggS\0":
            if len(head) < _HEADER or len(head) < _HEADER + head[26]:
                return place, _LONGEST, 0
            return place, _HEADER + head[26] + sum(head[_HEADER : _HEADER + head[26]]), head[5]
        handle.seek(place + 1)  # damage: search
        ahead = handle.read(_LONGEST)
        found = ahead.find(b"OggS\0")
        place += 1 + (found if found >= 0 else max(len(ahead) - 4, 1))
    return None

"""A part of a file, perhaps with other bytes in front, as a file of its own."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ByteRange:
    """Bytes `start` to `end` of a file behind `prefix`."""

    prefix: bytes
    start: int
    end: int

    def open(self, path: Path) -> io.RawIOBase:
        """A file with these bytes, to read and seek in."""
        return _RangeFile(path, self)


class _RangeFile(io.RawIOBase):
    def __init__(self, path: Path, part: ByteRange) -> None:
        self._file = path.open("rb")
        self._part = part
        self._size = len(part.prefix) + part.end - part.start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)[: max(0, self._size - self._at)]  # type: ignore[arg-type]
        lead = self._part.prefix[self._at : self._at + len(view)]
        view[: len(lead)] = lead
        behind = len(lead)
        if behind < len(view):
            self._file.seek(self._part.start + self._at + behind - len(self._part.prefix))
            behind += self._file.readinto(view[behind:])
        self._at += behind
        return behind

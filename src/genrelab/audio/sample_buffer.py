"""Samples as they are decoded: in memory, those of long recordings in a temporary file."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from genrelab.utils.errors import GenrelabError

IN_MEMORY = 1 << 24  # samples (64 MB; 12 minutes at 22,050 Hz)

CHUNK = 1 << 21  # samples that are gone through at once


class SampleBuffer:
    """Takes blocks, gives one array.

    Args:
        in_memory: samples from which on they go to a file in the folder for temporary ones (TMPDIR), 320 MB an hour
            at 22,050 Hz. It has no name and vanishes with the array.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._blocks: list[np.ndarray] = []
        self._size = 0
        self._file: IO[bytes] | None = None

    def add(self, block: np.ndarray) -> None:
        """Take `[n]` float32, which the caller leaves alone from here on."""
        self._blocks.append(block)
        self._size += len(block)
        if self._file is not None or self._size > self._in_memory:
            self._spool()

    def _spool(self) -> None:
        try:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 (closed in `finish`)
            for block in self._blocks:
                self._file.write(np.ascontiguousarray(block).data)
        except OSError as error:
            raise GenrelabError(
                f"{tempfile.gettempdir()}: no room for a long recording's samples ({error.strerror}); set TMPDIR to a "
                "folder with more"
            ) from error
        self._blocks = []

    def finish(self) -> np.ndarray:
        """All samples `[T]`; those of a file are read-only and take no memory until they are used."""
        if self._file is None:
            return np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.float32)
        self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._file.close()
        return np.frombuffer(mapped, np.float32)


def release_memory(samples: np.ndarray) -> None:
    """Give back the memory of a long recording's samples; they are read from their file again when used.

    What goes through all samples calls it now and then. Samples that lie in no file stay.
    """
    owner: Any = samples
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)


def iter_chunks(samples: np.ndarray, size: int = CHUNK) -> Iterator[np.ndarray]:
    """Parts of `[T]` in order, `size` samples each but the last; a long recording never lies in memory whole."""
    for at in range(0, len(samples), size):
        yield samples[at : at + size]
        release_memory(samples)


def peak_level(samples: np.ndarray) -> float:
    """The largest absolute sample of `[T]`; 0 of none."""
    return max((float(max(part.max(), -part.min())) for part in iter_chunks(samples)), default=0.0)

"""Decoding by libsndfile, whole: what its own reading leaves out is put before it as files of their own."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from genrelab.audio.byte_ranges import ByteRange
from genrelab.audio.errors import AudioError
from genrelab.audio.mpeg_frames import FrameRun, find_frames
from genrelab.audio.ogg_pages import find_pages
from genrelab.audio.unfinished import unfinished_header

BLOCK_FRAMES = 1 << 16
UNKNOWN = 1 << 62  # frames: libsndfile's 2^63 - 1 stands for a length that no header gives
PARTIAL = "it ends inside a frame: it may be cut (nothing says how long it was)"
# What libsndfile and soundfile raise for what they do not read; TypeError: a name that ends with .raw.
UNREADABLE = (soundfile.SoundFileError, RuntimeError, TypeError)
_WIDTHS = {"PCM_U8": 1, "PCM_S8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is read from its start to its end.

    soundfile seeks to where it is after each block, which fails at the end of a FLAC of unknown length.
    """

    def seekable(self) -> bool:
        return False


@dataclass
class SndfileStream:
    """Blocks of a file.

    Args:
        sample_rate: Hz.
        channels: of the blocks.
        promised: frames that headers announce; None where none does.
        blocks: `[n, channels]` float32, in a buffer that the next block overwrites.
        notes: what a user should know of it.
    """

    sample_rate: int
    channels: int
    promised: int | None
    blocks: Iterator[np.ndarray]
    notes: tuple[str, ...] = ()


@contextmanager
def open_sndfile(path: Path) -> Iterator[SndfileStream]:
    """Open a file as libsndfile reads it whole.

    Raises:
        AudioError: parts of different sample rates.
        soundfile.SoundFileError, RuntimeError, TypeError: not for libsndfile.
    """
    with _quiet(), ExitStack() as stack:
        try:
            file = stack.enter_context(_Sequential(str(path.absolute())))  # "-" alone is stdin to libsndfile
        except UNREADABLE:
            if (header := unfinished_header(path)) is None:
                raise
            file = stack.enter_context(_Sequential(stack.enter_context(header.open(path))))
        yield _layout(path, file)


def _layout(path: Path, file: Any) -> SndfileStream:
    """How a file that libsndfile has opened is read."""
    rate, channels, frames = int(file.samplerate), int(file.channels), int(file.frames)
    found = SndfileStream(rate, channels, None if frames >= UNKNOWN else frames, _blocks(file))
    if file.format == "MP3":
        runs = [run for run in find_frames(path) if run.frames]
        if runs and runs[-1].partial:
            found.notes = (PARTIAL,)
        if runs and not _reads_all(runs, frames):
            return _of_runs(path, runs, found)
        if runs and not runs[0].tag:
            found.promised = runs[0].samples
    elif file.format == "OGG":
        links = find_pages(path).links
        if len(links) > 1:
            parts = [ByteRange(b"", *link) for link in links]
            found.promised = sum(_frames(path, part) for part in parts)
            return _of_parts(path, found, [partial(_part, path, part) for part in parts])
    elif frames == 0 and (header := unfinished_header(path)) is not None:
        found.promised = _frames(path, header)
        return _of_parts(path, found, [partial(_part, path, header)])
    else:
        found.promised = None if found.promised is None else max(found.promised, _announced(file))
    return found


def _reads_all(runs: list[FrameRun], frames: int) -> bool:
    """Whether libsndfile's count, which it stops at, covers all frames that there are."""
    return len(runs) == 1 and not runs[0].vbri and frames >= runs[0].samples - runs[0].trimmed


def _of_runs(path: Path, runs: list[FrameRun], first: SndfileStream) -> SndfileStream:
    """Each run behind a Xing frame of its own."""
    found = _of_parts(path, first, [partial(_run, path, run) for run in runs])
    found.promised = sum(run.samples - run.trimmed for run in runs)
    return found


def _of_parts(
    path: Path, first: SndfileStream, parts: list[Callable[[], Iterator[tuple[int, np.ndarray]]]]
) -> SndfileStream:
    """Parts one behind the other; a mono part among stereo ones is given as many channels, and the reverse."""

    def blocks() -> Iterator[np.ndarray]:
        done = 0
        for part in parts:
            for rate, block in part():
                if rate != first.sample_rate:
                    seconds = done / first.sample_rate
                    raise AudioError(
                        path,
                        f"its parts have {first.sample_rate} and {rate} Hz: only the first {seconds:.1f} s can be read"
                        " (convert it, to FLAC for instance)",
                    )
                done += len(block)
                yield _with_channels(block, first.channels)

    return SndfileStream(first.sample_rate, first.channels, first.promised, blocks(), first.notes)


def _with_channels(block: np.ndarray, channels: int) -> np.ndarray:
    if block.shape[1] == channels:
        return block
    return np.repeat(block.mean(axis=1, keepdims=True), channels, axis=1)


def _part(path: Path, part: ByteRange) -> Iterator[tuple[int, np.ndarray]]:
    """Sample rate and blocks of a part."""
    with part.open(path) as raw, _Sequential(raw) as file:
        for block in _blocks(file):
            yield int(file.samplerate), block


def _frames(path: Path, part: ByteRange) -> int:
    """Frames that the header of a part announces; 0 where it does not."""
    with part.open(path) as raw, _Sequential(raw) as file:
        return int(file.frames) if file.frames < UNKNOWN else 0


def _run(path: Path, run: FrameRun) -> Iterator[tuple[int, np.ndarray]]:
    """Sample rate and blocks of frames of an MP3, as many samples as without a Xing frame."""
    with run.counted().open(path) as raw, _Sequential(raw) as file:
        rate = int(file.samplerate)
        lead = 0 if run.tag or run.layer != 3 else run.samples - int(file.frames)
        if lead > 0:  # a Xing frame makes libmpg123 cut off its own delay
            with ByteRange(b"", run.start, run.end).open(path) as bare, _Sequential(bare) as whole:
                yield rate, whole.read(lead, np.float32, always_2d=True)
        for block in _blocks(file):
            yield rate, block


def _blocks(file: Any) -> Iterator[np.ndarray]:
    """All frames, so that a long stereo file never lies in memory whole."""
    buffer = np.empty((BLOCK_FRAMES, file.channels), np.float32)
    while len(block := file.read(out=buffer)):
        yield block


def _announced(file: Any) -> int:
    """Frames that the header of a WAV, AIFF or AU announces; libsndfile quietly corrects the count of a cut one."""
    line = r"^\s*(?:data|SSND|Data Size)\s*: (\d+) \(should be \d+\)"
    found = re.search(line, file.extra_info, re.MULTILINE)
    if not found or file.subtype not in _WIDTHS:
        return 0
    announced = int(found.group(1))
    if announced >= 0x7FFFF000:  # a stream of unknown length, as pipes write it
        return 0
    return announced // (_WIDTHS[file.subtype] * int(file.channels))


_QUIET_LOCK = threading.Lock()
_quiet_users = 0
_quiet_kept = -1


@contextmanager
def _quiet() -> Iterator[None]:
    """Send the process's stderr to nowhere: libmpg123 writes its notes on odd MP3 files there, over progress bars.

    Counted, so that threads which decode side by side restore it only with the last of them.
    """
    global _quiet_users, _quiet_kept
    with _QUIET_LOCK:
        if _quiet_users == 0:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            _quiet_kept = os.dup(2)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        _quiet_users += 1
    try:
        yield
    finally:
        with _QUIET_LOCK:
            _quiet_users -= 1
            if _quiet_users == 0:
                os.dup2(_quiet_kept, 2)
                os.close(_quiet_kept)

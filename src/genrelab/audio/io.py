"""Audio files to mono float32: libsndfile, then an ffmpeg pipe for what libsndfile does not read.

A length is read, not believed: what a header says decides whether a file is cut, never where reading stops. See
docs/formats.md.
"""

from __future__ import annotations

import math
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from genrelab.audio.containers import missing_end
from genrelab.audio.downmix import Downmix
from genrelab.audio.errors import CORRUPT, DEVICE, EMPTY_FILE, FOLDER, NO_SAMPLES, NO_SUCH_FILE, NON_FINITE, AudioError
from genrelab.audio.ffmpeg import open_ffmpeg, probe_ffmpeg, promised_seconds, why_unknown
from genrelab.audio.sample_buffer import SampleBuffer
from genrelab.audio.spec import HIGHEST_RATE, LOWEST_RATE

# Raised when files are read that were refused before, so that they are tried again.
READER_VERSION = 2
# A file is truncated where this many seconds less can be read than its header promises.
TRUNCATED_SECONDS = 0.5


class AudioInfo(NamedTuple):
    """What a file's header says: duration in s (NaN where it says nothing), sample rate in Hz, channels."""

    duration: float
    sample_rate: int
    channels: int


@dataclass(frozen=True, eq=False)
class DecodedAudio:
    """A file as mono samples.

    Args:
        samples: `[T]` float32 at the rate asked for.
        source_rate: the file's own, Hz.
        channels: of the file.
        notes: what a user should know of it, a line each: channels that cancel each other, levels beyond full scale.
    """

    samples: np.ndarray
    source_rate: int
    channels: int
    notes: tuple[str, ...] = ()


def load_audio(path: str | os.PathLike[str], sample_rate: int) -> np.ndarray:
    """Decode a file, average its channels and resample (soxr, HQ).

    Args:
        path: any format libsndfile reads (WAV, FLAC, MP3, OGG, AIFF, AU ...); others if `ffmpeg` is on PATH.
        sample_rate: Hz wanted.

    Returns:
        [T] float32, mono; see `decode_audio`.

    Raises:
        AudioError: see `decode_audio`.
    """
    return decode_audio(path, sample_rate).samples


def decode_audio(path: str | os.PathLike[str], sample_rate: int | None = None) -> DecodedAudio:
    """Decode a file, average its channels and resample (soxr, HQ).

    The mean of the channels, like librosa; ffmpeg's own downmix differs by 3 dB. Silent channels of more than two do
    not count, and where the mean holds under 1 % of the channels' power the loudest channel is taken.

    Args:
        path: any format libsndfile reads; others if `ffmpeg` is on PATH.
        sample_rate: Hz wanted; None: the file's own.

    Raises:
        AudioError: missing, unreadable, empty, not audio, truncated or corrupt, without samples, holding NaN or
            infinity, or of a sample rate outside 1 kHz to 1 MHz. Silence is no error here: `genrelab check` reports it.
    """
    path = Path(path)
    _check_file(path)
    found, better = _decode(path, sample_rate, None)
    return found if better is None else _decode(path, sample_rate, better)[0]


def probe(path: str | os.PathLike[str]) -> AudioInfo:
    """Read only a file's headers; of an MP3 those of all frames.

    Raises:
        AudioError: as `decode_audio`, as far as headers can tell.
    """
    from genrelab.audio.sndfile import UNREADABLE, open_sndfile

    path = Path(path)
    _check_file(path)
    try:
        with open_sndfile(path) as stream:
            frames = math.nan if stream.promised is None else stream.promised
            info = AudioInfo(frames / stream.sample_rate, stream.sample_rate, stream.channels)
    except UNREADABLE as error:
        if not shutil.which("ffmpeg"):
            raise AudioError(path, why_unknown(path)) from error
        info = _probe_ffmpeg(path)
    _check_rate(path, info.sample_rate)
    if info.duration == 0:
        raise AudioError(path, NO_SAMPLES)
    return info


def _probe_ffmpeg(path: Path) -> AudioInfo:
    if shutil.which("ffprobe"):
        return AudioInfo(*probe_ffmpeg(path)[:3])
    whole = decode_audio(path)
    return AudioInfo(len(whole.samples) / whole.source_rate, whole.source_rate, whole.channels)


def _decode(
    path: Path, sample_rate: int | None, chosen: tuple[int, ...] | None
) -> tuple[DecodedAudio, tuple[int, ...] | None]:
    """A file by the first reader that finds samples.

    Args:
        path: the file.
        sample_rate: Hz wanted; None: the file's own.
        chosen: channels to average; None: all.

    Returns:
        the file, and the channels that should be averaged, if others.
    """
    from genrelab.audio.sndfile import UNREADABLE, open_sndfile

    found: _Decoded | None = None
    promised, cut = 0.0, False  # the seconds that a header speaks of; the file's end is missing
    try:
        with open_sndfile(path) as stream:
            promised = (stream.promised or 0) / stream.sample_rate
            found = _collect(path, stream, sample_rate, chosen)
    except UNREADABLE as error:
        if not shutil.which("ffmpeg"):
            raise AudioError(path, CORRUPT if promised else why_unknown(path)) from error
    if (found is None or not found.seconds) and shutil.which("ffmpeg"):
        try:
            with open_ffmpeg(path) as stream:
                found = _collect(path, stream, sample_rate, chosen)
                cut = stream.cut
            promised = promised or promised_seconds(path)
        except AudioError:
            if found is None:
                raise
    if found is None or not found.seconds or not len(found.audio.samples):
        raise AudioError(path, NO_SAMPLES)
    if promised - found.seconds > TRUNCATED_SECONDS:
        raise AudioError(path, f"truncated: {found.seconds:.1f} of {promised:.1f} s can be read")
    if cut or missing_end(path):
        raise AudioError(path, f"truncated: {found.seconds:.1f} s can be read, and its end is missing")
    return found.audio, found.better if chosen is None else None


class _Stream(Protocol):
    """What readers give: blocks `[n, channels]` float32."""

    sample_rate: int
    channels: int
    blocks: Iterator[np.ndarray]

    @property
    def notes(self) -> tuple[str, ...]: ...


class _Decoded(NamedTuple):
    """A stream read to its end, its length in s, and the channels that should be averaged, if others."""

    audio: DecodedAudio
    seconds: float
    better: tuple[int, ...] | None


def _collect(path: Path, stream: _Stream, sample_rate: int | None, chosen: tuple[int, ...] | None) -> _Decoded:
    """Average and resample block by block."""
    rate = stream.sample_rate
    _check_rate(path, rate)
    mix, samples, frames = Downmix(stream.channels, chosen), SampleBuffer(), 0
    resample = _resampler(rate, sample_rate or rate)
    for block in stream.blocks:
        mono = mix.add(block)
        with np.errstate(over="ignore", invalid="ignore"):
            suspect = not np.isfinite(np.dot(mono, mono))  # five times as fast as to look at each sample
        if suspect and not np.isfinite(mono).all():
            raise AudioError(path, NON_FINITE)
        frames += len(mono)
        samples.add(resample(mono, False))
    samples.add(resample(np.zeros(0, np.float32), True))
    better = mix.better()
    audio = DecodedAudio(samples.finish(), rate, stream.channels, stream.notes + mix.notes())
    return _Decoded(audio, frames / rate, None if better == mix.chosen else better)


def _resampler(rate: int, wanted: int) -> Callable[[np.ndarray, bool], np.ndarray]:
    """A function from a block, and whether it is the last, to a block at another rate."""
    if rate == wanted:
        return lambda block, last: block
    import soxr

    stream = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")
    return stream.resample_chunk  # type: ignore[no-any-return]


def _check_rate(path: Path, sample_rate: int) -> None:
    """A file of 4 kB with a rate of 1 Hz would be half an hour of noise."""
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise AudioError(path, f"a sample rate of {sample_rate} Hz (1 kHz to 1 MHz are read)")


def _check_file(path: Path) -> None:
    """Raise AudioError for what can be told without decoding: missing, empty, unreadable, a folder, a pipe."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise AudioError(path, FOLDER)
        if not stat.S_ISREG(found.st_mode):  # opening a pipe that nobody writes to would wait for ever
            raise AudioError(path, DEVICE)
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise AudioError(path, NO_SUCH_FILE) from None
    except OSError as error:
        raise AudioError(path, f"unreadable ({(error.strerror or 'input/output error').lower()})") from None
    if found.st_size == 0:
        raise AudioError(path, EMPTY_FILE)

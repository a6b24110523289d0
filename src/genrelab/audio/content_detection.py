"""What a recording sounds like before any network hears it: loud or silent, noise or not, speech or not.

Networks are as sure of noise and of speech as of music, so both are told by the sound itself.

Noise: the fine structure of its spectrum is flat at every moment, whatever its color and however it is switched on and
off, while music has partials at most moments.

Speech: syllables come about four times a second, with pauses between them, and not in time (energy modulated at 4 Hz,
low-energy frames and the lack of a pulse, as Scheirer & Slaney 1997 tell speech from music by).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields

import numpy as np

from genrelab.audio.errors import AudioError
from genrelab.audio.io import load_audio
from genrelab.audio.sample_buffer import CHUNK, iter_chunks
from genrelab.audio.segmentation import trim_silence

SILENCE_DB = -60.0  # of full scale; the loudest tenth of a second of quiet recordings lies above -40
FLATNESS = 0.51  # noise of any color has 0.55 and more; 100 clips of ten genres and 360 of the demo at most 0.47
SPEECH = 0.46  # 51 recordings of speech have 0.53 and more; 100 clips of ten genres and 120 of the demo at most 0.41
SPREAD = 2.6  # standard deviations that 1 % of a normal distribution lies beyond, to one side and a little
SHARE = 0.01  # of val's tracks that a bound leaves out
MOST = 100  # of val's tracks that are measured, 20 ms each
TRIM_DB = 60.0  # silence at both ends this far under the loudest frame is no part of a recording
FRAME_SECONDS, BINS, FRAMES = 0.09, 16, 200
STEPS = 100  # a second, of the bands' envelopes
PIECE = 6  # seconds that speech is told in
PIECES = 20  # at most, spread over the recording
LOWEST_HZ, HIGHEST_HZ, BANDS = 150, 8000, 20


@dataclass(frozen=True)
class AudioContent:
    """What is measured of a recording.

    Args:
        loudness: RMS of its loudest tenth of a second, dB of full scale.
        flatness: of its spectrum's fine structure, see `flatness`.
        speech: how much it is like speech, see `speech`.
    """

    loudness: float
    flatness: float
    speech: float


@dataclass(frozen=True)
class ContentThresholds:
    """A recording is silence below `loudness`, noise above `flatness`, speech above `speech`.

    The defaults leave alone all music they were measured on; `fit` moves them away from what val holds.
    """

    loudness: float = SILENCE_DB
    flatness: float = FLATNESS
    speech: float = SPEECH

    @classmethod
    def fit(cls, sounds: Iterable[AudioContent]) -> ContentThresholds:
        """Bounds that each leave out at most 1 % of val's tracks, and never more than the defaults do.

        A val part of calm music alone would otherwise make noise of metal. Of few tracks bounds are widened as a normal
        distribution would be.
        """
        rows = np.array([[sound.loudness, sound.flatness, sound.speech] for sound in sounds])
        if not len(rows):
            return cls()
        spread = SPREAD * rows.std(axis=0)
        low = np.minimum(np.quantile(rows, SHARE, axis=0), rows.mean(axis=0) - spread)
        high = np.maximum(np.quantile(rows, 1 - SHARE, axis=0), rows.mean(axis=0) + spread)
        return cls(float(min(low[0], SILENCE_DB)), float(max(high[1], FLATNESS)), float(max(high[2], SPEECH)))

    def to_dict(self) -> dict[str, float]:
        """Plain data, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, float]) -> ContentThresholds:
        """Inverse of `to_dict`. Raises KeyError, TypeError or ValueError where it is something else."""
        return cls(**{field.name: float(plain[field.name]) for field in fields(cls)})


def analyze_content(samples: np.ndarray, sample_rate: int) -> AudioContent:
    """Measure a recording `[T]` float32, trimmed of silence."""
    return AudioContent(loudness(samples, sample_rate), flatness(samples, sample_rate), speech(samples, sample_rate))


def analyze_files(paths: Sequence[str], sample_rate: int, most: int = MOST) -> list[AudioContent]:
    """Measure recordings side by side; of more than `most` as many, evenly spread. Unreadable ones are left out."""
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), most)).round().astype(int))

    def one(path: str) -> AudioContent | None:
        try:
            return analyze_content(trim_silence(load_audio(path, sample_rate), TRIM_DB), sample_rate)
        except AudioError:
            return None

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:  # decoding and FFTs leave Python's lock
        return [found for found in pool.map(one, [paths[at] for at in chosen]) if found is not None]


def loudness(samples: np.ndarray, sample_rate: int) -> float:
    """RMS of the loudest tenth of a second, dB of full scale."""
    frame = max(1, min(len(samples), sample_rate // 10))
    whole = len(samples) // frame * frame
    loudest = 0.0
    for part in iter_chunks(samples[:whole], max(CHUNK // frame, 1) * frame):
        loudest = max(loudest, float(np.square(part.reshape(-1, frame), dtype=np.float64).mean(axis=1).max()))
    return float(10 * np.log10(max(loudest, 1e-12)))


def flatness(samples: np.ndarray, sample_rate: int) -> float:
    """How flat the spectrum's fine structure is where it is least so: about 0.58 for noise, 0.17 for music.

    In up to 200 frames spread over the recording the bins from 150 Hz to 8 kHz are taken in groups of 16. A group's
    geometric mean over its mean parts partials from noise, whatever the color; groups are weighed by amplitude, and of
    the frames the lowest tenth ends at the number returned. Quiet frames do not count; too few frames give 0.
    """
    size = 2 ** math.ceil(np.log2(FRAME_SECONDS * sample_rate))
    count = len(samples) // size
    frames = samples[: count * size].reshape(count, size)[:: max(1, count // FRAMES)]
    power = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)) ** 2
    first, last = (int(hz * size / sample_rate) for hz in (LOWEST_HZ, min(HIGHEST_HZ, 0.45 * sample_rate)))
    groups = max((last - first) // BINS, 0)
    if count < 8 or groups < 2:
        return 0.0
    power = power[:, first : first + groups * BINS].reshape(len(frames), groups, BINS).astype(np.float64)
    mean = power.mean(axis=2)  # [frames, groups]
    loud = mean.sum(axis=1)
    kept = (loud > loud.max() * 1e-5) & (loud > 0)
    flat = np.exp(np.log(power[kept] + 1e-30).mean(axis=2)) / (mean[kept] + 1e-30)
    weight = np.sqrt(mean[kept])
    return float(np.quantile((flat * weight).sum(axis=1) / weight.sum(axis=1), 0.1)) if kept.any() else 0.0


def speech(samples: np.ndarray, sample_rate: int) -> float:
    """How much a recording is like speech: about 0.6 for speech, 0.1 for music.

    In pieces of six seconds: the share that 2.5 to 7 Hz have of the modulation of its bands, plus the share of frames
    with less than half of their second's RMS, minus half of the pulse. The median over up to 20 pieces spread over the
    recording; 0 for a recording shorter than a piece.
    """
    size = PIECE * sample_rate
    count = len(samples) // size
    if not count:
        return 0.0
    chosen = np.unique(np.linspace(0, count - 1, min(count, PIECES)).round().astype(int))
    found = [_like_speech(samples[at * size : (at + 1) * size], sample_rate) for at in chosen]
    return float(np.median(found))


def _like_speech(piece: np.ndarray, sample_rate: int) -> float:
    level = piece.max() - piece.min()
    if level <= 0:
        return 0.0
    bands = _envelopes(piece / level, sample_rate)
    return _syllables(bands) + _pauses(piece / level, sample_rate) - _pulse(bands) / 2


def _envelopes(piece: np.ndarray, sample_rate: int) -> np.ndarray:
    """`[n, 20]` power of bands, 100 times a second."""
    hop = sample_rate // STEPS
    size = 2 ** round(np.log2(0.023 * sample_rate))
    frames = np.lib.stride_tricks.sliding_window_view(piece, size)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)) ** 2
    edges = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, 0.45 * sample_rate), BANDS + 1) * size / sample_rate
    first = edges.astype(int)
    after = np.maximum(first[1:], first[:-1] + 1)
    return np.stack([power[:, a:b].sum(axis=1) for a, b in zip(first[:-1], after, strict=True)], axis=1)


def _syllables(bands: np.ndarray) -> float:
    """Share of the envelopes' modulation that lies at 2.5 to 7 Hz, median over stretches of two seconds."""
    length = 2 * STEPS
    stretches = bands[: len(bands) // length * length].reshape(-1, length, bands.shape[1])
    mean = stretches.mean(axis=1, keepdims=True)
    moved = (stretches / (mean + 1e-12) - 1) * np.hanning(length)[:, None]
    power = np.abs(np.fft.rfft(moved, axis=1)) ** 2
    hz = np.fft.rfftfreq(length, 1 / STEPS)
    share = power[:, (hz >= 2.5) & (hz <= 7)].sum(axis=1) / (power[:, (hz >= 0.5) & (hz <= 40)].sum(axis=1) + 1e-9)
    weight = mean[:, 0] ** 0.3 + 1e-12  # about loudness
    return float(np.median((share * weight).sum(axis=1) / weight.sum(axis=1)))


def _pauses(piece: np.ndarray, sample_rate: int) -> float:
    """Share of 20 ms frames whose RMS is less than half of the mean in their second."""
    frame = sample_rate // 50
    seconds = piece[: len(piece) // (50 * frame) * 50 * frame].reshape(-1, 50, frame)
    rms = np.sqrt(np.square(seconds, dtype=np.float64).mean(axis=2))
    return float((rms < 0.5 * rms.mean(axis=1, keepdims=True)).mean())


def _pulse(bands: np.ndarray) -> float:
    """How much onsets repeat: the highest autocorrelation of their strength after 0.25 to 2.5 seconds."""
    loud = np.log(bands + 1e-6 * bands.max() + 1e-30)
    onsets = np.maximum(np.diff(loud, axis=0), 0).sum(axis=1)
    smooth = np.hanning(9)
    strength = np.convolve(onsets, smooth / smooth.sum(), "same")
    strength -= strength.mean()
    n = len(strength)
    auto = np.fft.irfft(np.abs(np.fft.rfft(strength, 2 * n)) ** 2)[:n]
    if auto[0] <= 0:
        return 0.0
    lags = slice(STEPS // 4, 5 * STEPS // 2)
    return float((auto / auto[0] * n / np.arange(n, 0, -1))[lags].max())

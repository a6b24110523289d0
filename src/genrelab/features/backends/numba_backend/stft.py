"""Short-time spectra of one segment: STFT, mel bands, decibels, PCEN, MFCC, with librosa 0.11's numbers.

Arrays are laid out `[frames, bins]`, one frame after the other in memory: every kernel runs along the bins. What
they cost was measured on one core with 15 s at 22,050 Hz (646 frames); `benchmarks/features.py` measures it again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import ducc0
import numba
import numpy as np

AMIN = 1e-10  # librosa's floor of powers in dB
BLOCK = 32  # frames transformed at once: window, spectrum and power of a block stay in the second-level cache
BAND_GROUP = 16  # mel bands multiplied at once, over the bins that any of them needs
_local = threading.local()


def workspace(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    """An array of this thread that is used again by the next segment; its content is whatever was left in it."""
    kept: dict[object, np.ndarray] = _local.__dict__.setdefault("kept", {})
    key = (name, shape, dtype)
    if key not in kept:
        if len(kept) > 64:  # parameters changed often: do not hoard
            kept.clear()
        kept[key] = np.empty(shape, dtype)
    return kept[key]


class Frames(NamedTuple):
    """Overlapping frames of one sound, centered, zeros beyond its ends.

    Args:
        padded: the sound with `n_fft // 2` zeros at either end, a workspace.
        n_fft: samples in a frame.
        hop: samples from frame to frame.
        total: how many there are, `1 + T // hop`.
    """

    padded: np.ndarray
    n_fft: int
    hop: int
    total: int


def frame_signal(samples: np.ndarray, n_fft: int, hop_length: int, name: str = "padded") -> Frames:
    """Lay frames over samples `[T]` float32; `name` is the workspace's."""
    half = n_fft // 2
    padded = workspace(name, (len(samples) + 2 * half,))
    padded[:half] = 0
    padded[half : half + len(samples)] = samples
    padded[half + len(samples) :] = 0
    return Frames(padded, n_fft, hop_length, 1 + (len(padded) - n_fft) // hop_length)


def transformed(frames: Frames) -> Iterator[tuple[int, np.ndarray]]:
    """Hann-windowed spectra `[some, 1 + n_fft/2]` complex64 of all frames, block after block, each with its first
    frame's number.

    Transformed in double precision, as librosa's: PCEN lifts bands whose power lies under the rounding errors that a
    single precision transform makes of the loud ones. The time is a third more. The window is laid over the spectrum,
    where it is a sum of three neighbors, so that no windowed frames need to be written first.
    """
    padded, n_fft, hop, total = frames
    sound = workspace("double", padded.shape, np.float64)
    sound[:] = padded
    laid = np.lib.stride_tricks.sliding_window_view(sound, n_fft)[::hop]
    spectrum = workspace("spectrum", (BLOCK, 1 + n_fft // 2), np.complex128)
    single = workspace("single", spectrum.shape, np.complex64)
    for at in range(0, total, BLOCK):
        count = min(BLOCK, total - at)
        ducc0.fft.r2c(laid[at : at + count], axes=(1,), nthreads=1, out=spectrum[:count])
        _hann(spectrum[:count].view(np.float64), n_fft % 2 == 1, single[:count].view(np.float32))
        yield at, single[:count]


@numba.njit("void(float64[:,::1], boolean, float32[:,::1])", cache=True, nogil=True, fastmath=True)
def _hann(spectra, odd, out):  # type: ignore[no-untyped-def]
    """Spectra of frames as they are to those of frames under a Hann window; all seen as real numbers."""
    n = spectra.shape[1]
    for t in range(len(spectra)):
        row, made = spectra[t], out[t]
        if n == 2:  # one sample, whose window is 1
            made[0], made[1] = row[0], row[1]
            continue
        before, here, after, inner = row[: n - 4], row[2 : n - 2], row[4:], made[2 : n - 2]
        for k in range(len(inner)):
            inner[k] = 0.5 * here[k] - 0.25 * (before[k] + after[k])
        # Beyond either end stands the conjugate of what is inside.
        made[0], made[1] = 0.5 * (row[0] - row[2]), 0.0
        if odd:
            made[n - 2] = 0.25 * (row[n - 2] - row[n - 4])
            made[n - 1] = 0.75 * row[n - 1] - 0.25 * row[n - 3]
        else:
            made[n - 2], made[n - 1] = 0.5 * (row[n - 2] - row[n - 4]), 0.0


def stft(samples: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """`[frames, 1 + n_fft/2]` complex64 (`librosa.stft`: Hann window, centered, padded with zeros), a workspace."""
    frames = frame_signal(samples, n_fft, hop_length)
    out = workspace("stft", (frames.total, 1 + n_fft // 2), np.complex64)
    for at, spectrum in transformed(frames):
        out[at : at + len(spectrum)] = spectrum
    return out


def power_and_magnitude(samples: np.ndarray, n_fft: int, hop_length: int) -> tuple[np.ndarray, np.ndarray]:
    """|STFT|**2 and |STFT|, both `[frames, 1 + n_fft/2]` float32 workspaces; the complex spectrum is not kept."""
    frames = frame_signal(samples, n_fft, hop_length)
    shape = (frames.total, 1 + n_fft // 2)
    power = workspace(f"power{hop_length}", shape)
    magnitude = workspace(f"magnitude{hop_length}", shape)
    for at, spectrum in transformed(frames):
        stop = at + len(spectrum)
        # Not re**2 + im**2: these are librosa's very bits, which the peaks of flat spectra (and the tuning) hang on.
        np.abs(spectrum, out=magnitude[at:stop])
        np.square(magnitude[at:stop], out=power[at:stop])
    return power, magnitude


def mel_filters(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None) -> np.ndarray:
    """Triangles `[n_mels, 1 + n_fft/2]` float32 of area 1 on Slaney's scale, bit for bit `librosa.filters.mel`.

    The scale is linear up to 1 kHz (a mel is 200/3 Hz), logarithmic above (27 mels are a factor of 6.4).
    """
    step, corner, log_step = 200.0 / 3, 1000.0, np.log(6.4) / 27.0
    corner_mel = corner / step

    def mel(hz: float) -> float:
        return hz / step if hz < corner else corner_mel + np.log(hz / corner) / log_step

    mels = np.linspace(mel(fmin), mel(sample_rate / 2 if fmax is None else fmax), n_mels + 2)
    ends = step * mels  # Hz
    high = mels >= corner_mel
    ends[high] = corner * np.exp(log_step * (mels[high] - corner_mel))
    ramps = np.subtract.outer(ends, np.fft.rfftfreq(n_fft, 1.0 / sample_rate))
    width = np.diff(ends)[:, None]
    weights: np.ndarray = np.maximum(0, np.minimum(-ramps[:-2] / width[:-1], ramps[2:] / width[1:])).astype(np.float32)
    weights *= (2.0 / (ends[2:] - ends[:-2]))[:, None]
    return weights


@lru_cache(maxsize=32)
def mel_groups(
    sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None
) -> tuple[tuple[int, int, int, np.ndarray], ...]:
    """(first band, first bin, last bin, weights `[bins, bands]`) of each group of librosa's mel filters (Slaney)."""
    weights = mel_filters(sample_rate, n_fft, n_mels, fmin, fmax)
    groups = []
    for at in range(0, n_mels, BAND_GROUP):
        some = weights[at : at + BAND_GROUP]
        used = np.flatnonzero(some.any(axis=0))
        low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
        groups.append((at, low, high, np.ascontiguousarray(some[:, low:high].T)))
    return tuple(groups)


def mel_bands(
    power: np.ndarray, sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None
) -> np.ndarray:
    """Mel bands `[frames, n_mels]` of a power spectrogram `[frames, 1 + n_fft/2]`, a new array."""
    out = np.empty((len(power), n_mels), np.float32)
    for at, low, high, weights in mel_groups(sample_rate, n_fft, n_mels, fmin, fmax):
        np.matmul(power[:, low:high], weights, out=out[:, at : at + weights.shape[1]])
    return out


def decibels(power: np.ndarray, top_db: float | None) -> np.ndarray:
    """`librosa.power_to_db` of full scale, a new array of the same layout."""
    out: np.ndarray = np.maximum(power, np.float32(AMIN))
    np.log(out, out=out)  # numpy has a vector routine for log, not for log10
    out *= np.float32(10 / np.log(10))
    if top_db is not None:
        np.maximum(out, out.max() - np.float32(top_db), out=out)
    return out


def pcen(
    mel: np.ndarray,
    sample_rate: int,
    hop_length: int,
    gain: float,
    bias: float,
    power: float,
    time_constant: float,
) -> np.ndarray:
    """`librosa.pcen` of `[frames, bands]`, a new array."""
    steps = time_constant * sample_rate / hop_length
    share = (np.sqrt(1 + 4 * steps**2) - 1) / (2 * steps**2)
    smooth = np.empty_like(mel)
    _smooth(mel, share, smooth)
    # mel / (eps + smooth)**gain; the power by log and exp, which numpy has as vector routines
    smooth += np.float32(1e-6)
    np.log(smooth, out=smooth)
    smooth *= np.float32(-gain)
    np.exp(smooth, out=smooth)
    smooth *= mel
    _root(smooth, bias, power)
    return smooth


@numba.njit("void(float32[:,::1], float64, float32[:,::1])", cache=True, nogil=True, fastmath=True)
def _smooth(mel, share, out):  # type: ignore[no-untyped-def]
    state = np.ones(mel.shape[1])  # where librosa's filter starts
    for t in range(mel.shape[0]):
        for m in range(mel.shape[1]):
            state[m] = share * mel[t, m] + (1 - share) * state[m]
            out[t, m] = state[m]


@numba.njit("void(float32[:,::1], float64, float64)", cache=True, nogil=True, error_model="numpy")
def _root(x, bias, power):  # type: ignore[no-untyped-def]
    """(x + bias)**power - bias**power in place, without cancellation."""
    if power == 0.5 and bias > 0:
        inverse, root = np.float32(1 / bias), np.float32(np.sqrt(bias))
        for t in range(x.shape[0]):
            for m in range(x.shape[1]):
                y = x[t, m] * inverse
                x[t, m] = root * (y / (np.sqrt(np.float32(1) + y) + np.float32(1)))
    elif power == 0:
        for t in range(x.shape[0]):
            for m in range(x.shape[1]):
                x[t, m] = np.log1p(x[t, m])
    elif bias == 0:
        for t in range(x.shape[0]):
            for m in range(x.shape[1]):
                x[t, m] = np.float64(x[t, m]) ** power
    else:
        for t in range(x.shape[0]):
            for m in range(x.shape[1]):
                x[t, m] = bias**power * np.expm1(power * np.log1p(x[t, m] / bias))


@lru_cache(maxsize=16)
def dct_matrix(n_mels: int, n_mfcc: int) -> np.ndarray:
    """Orthonormal DCT-II `[n_mels, n_mfcc]` float32, as scipy.fft.dct makes it, which takes 0.3 s to import."""
    full = ducc0.fft.dct(np.eye(n_mels), type=2, axes=[0], inorm=1)[:n_mfcc]
    return np.ascontiguousarray(full.T, np.float32)

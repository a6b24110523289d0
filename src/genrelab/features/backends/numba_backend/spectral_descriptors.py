"""Numbers about each frame with librosa 0.11's values: shape of spectrum, contrast, level, zero crossings."""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np

from genrelab.features.backends.numba_backend.stft import workspace

ROLLOFF = np.float32(0.85)
QUANTILE = 0.02  # of a band's bins, that peaks and valleys are averaged over
LOWEST_HZ = 200.0  # where the octaves of the contrast begin
ZERO = np.float32(1e-10)  # samples nearer to 0 have no sign


def spectral(magnitude: np.ndarray, power: np.ndarray, sample_rate: int, n_fft: int) -> dict[str, np.ndarray]:
    """Centroid, bandwidth, rolloff (Hz) and flatness, each `[frames]` float32, of `[frames, 1 + n_fft/2]` spectra."""
    frequencies = (np.arange(magnitude.shape[1]) * sample_rate / n_fft).astype(np.float64)
    centroid, bandwidth, rolloff = (np.empty(len(magnitude), np.float32) for _ in range(3))
    _shape(magnitude, frequencies, centroid, bandwidth, rolloff)
    logarithm = workspace("logarithm", power.shape)
    np.maximum(power, np.float32(1e-10), out=logarithm)
    mean = logarithm.mean(axis=1)
    np.log(logarithm, out=logarithm)
    flatness = np.exp(logarithm.mean(axis=1)) / mean
    return {"centroid": centroid, "bandwidth": bandwidth, "rolloff": rolloff, "flatness": flatness}


@numba.njit(
    "void(float32[:,::1], float64[::1], float32[::1], float32[::1], float32[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def _shape(magnitude, frequencies, centroid, bandwidth, rolloff):  # type: ignore[no-untyped-def]
    frames, bins = magnitude.shape
    for t in range(frames):
        total, first, second = 0.0, 0.0, 0.0
        running = np.float32(0)  # single precision, bin after bin: the very sum that librosa compares
        for f in range(bins):
            value = np.float64(magnitude[t, f])
            total += value
            first += value * frequencies[f]
            second += value * frequencies[f] * frequencies[f]
            running += magnitude[t, f]
        middle = first / total if total > 0 else 0.0
        centroid[t] = middle
        bandwidth[t] = np.sqrt(max(second / total - middle * middle, 0.0)) if total > 0 else 0.0
        wanted, reached = ROLLOFF * running, np.float32(0)
        rolloff[t] = frequencies[bins - 1]
        for f in range(bins):
            reached += magnitude[t, f]
            if reached >= wanted:
                rolloff[t] = frequencies[f]
                break


def contrast(magnitude: np.ndarray, sample_rate: int, n_fft: int, n_bands: int) -> np.ndarray:
    """Peaks over valleys in octaves from 200 Hz, dB, `[frames, n_bands + 1]`."""
    frequencies = np.arange(magnitude.shape[1]) * sample_rate / n_fft
    edges = np.concatenate([[0.0], LOWEST_HZ * 2.0 ** np.arange(n_bands + 1)])
    valleys, peaks = (np.empty((len(magnitude), n_bands + 1), np.float32) for _ in range(2))
    for band, (low, high) in enumerate(pairwise(edges)):
        inside = np.flatnonzero((frequencies >= low) & (frequencies <= high))
        first = int(inside[0]) - (band > 0)
        stop = len(frequencies) if band == n_bands else int(inside[-1]) + 1
        count = max(1, int(np.rint(QUANTILE * (stop - first))))
        _extremes(magnitude, first, stop - (band < n_bands), count, valleys[:, band], peaks[:, band])
    return np.asarray(_power_db(peaks) - _power_db(valleys))


def _power_db(values: np.ndarray) -> np.ndarray:
    found = 10 * np.log10(np.maximum(values, 1e-10))
    return np.asarray(np.maximum(found, found.max() - 80))


@numba.njit("void(float32[:,::1], int64, int64, int64, float32[:], float32[:])", cache=True, nogil=True)
def _extremes(magnitude, first, stop, count, valleys, peaks):  # type: ignore[no-untyped-def]
    """Means of the `count` lowest and highest values of each frame between two bins."""
    low, high = np.empty(count, np.float32), np.empty(count, np.float32)
    for t in range(len(magnitude)):
        low[:], high[:] = np.inf, -np.inf
        for f in range(first, stop):
            value = magnitude[t, f]
            if value < low[count - 1]:
                k = count - 1
                while k > 0 and low[k - 1] > value:
                    low[k] = low[k - 1]
                    k -= 1
                low[k] = value
            if value > high[count - 1]:
                k = count - 1
                while k > 0 and high[k - 1] < value:
                    high[k] = high[k - 1]
                    k -= 1
                high[k] = value
        taken = min(count, max(stop - first, 1))
        valleys[t], peaks[t] = low[:taken].mean(), high[:taken].mean()


def rms(samples: np.ndarray, frame_length: int, hop_length: int) -> np.ndarray:
    """Root mean square `[frames]` float32 of centered frames, zeros beyond the ends."""
    out = np.empty(1 + len(samples) // hop_length, np.float32)
    _rms(samples, frame_length, hop_length, out)
    return out


@numba.njit("void(float32[::1], int64, int64, float32[::1])", cache=True, nogil=True, fastmath=True)
def _rms(samples, frame_length, hop_length, out):  # type: ignore[no-untyped-def]
    for t in range(len(out)):
        start = t * hop_length - frame_length // 2
        total = np.float32(0)
        for i in range(max(start, 0), min(start + frame_length, len(samples))):
            total += samples[i] * samples[i]
        out[t] = np.sqrt(total / np.float32(frame_length))


def zero_crossings(samples: np.ndarray, frame_length: int, hop_length: int) -> np.ndarray:
    """Share of sign changes `[frames]` in centered frames, the ends repeated beyond the ends."""
    changes = workspace("sign changes", (len(samples) + 1,), np.int32)  # [i]: changes between samples before i
    _sign_changes(samples, changes)
    start = np.arange(1 + len(samples) // hop_length) * hop_length - frame_length // 2
    # A change belongs to a frame that holds both of its samples.
    first, last = np.clip(start + 1, 1, len(samples)), np.clip(start + frame_length, 1, len(samples))
    return np.asarray((changes[last] - changes[first]) / frame_length)


@numba.njit("void(float32[::1], int32[::1])", cache=True, nogil=True)
def _sign_changes(samples, changes):  # type: ignore[no-untyped-def]
    changes[:2] = 0
    before, total = samples[0] < -ZERO, 0
    for i in range(1, len(samples)):
        negative = samples[i] < -ZERO
        total += negative != before
        changes[i + 1] = total
        before = negative

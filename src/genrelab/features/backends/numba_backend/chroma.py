"""Pitch classes with librosa 0.11's numbers: tuning, chroma of a spectrogram and of the constant-Q transform, CENS."""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np

from genrelab.features.backends.librosa_backend import C1_HZ
from genrelab.features.backends.numba_backend.stft import workspace

PITCH_HZ = (150.0, 4000.0)  # where librosa looks for the peaks that tell the tuning
PEAK_SHARE = np.float32(0.1)  # of a frame's maximum, that a peak must exceed
EDGES = np.linspace(-0.5, 0.5, 101)  # of the tunings that are told apart, in shares of a bin
CENS_STEPS = (0.4, 0.2, 0.1, 0.05)  # each exceeded adds a quarter


def estimate_tuning(spectrogram: np.ndarray, sample_rate: int, bins_per_octave: int) -> float:
    """Deviation from A440 in shares of a bin (`librosa.estimate_tuning(S=...)`: piptrack, then pitch_tuning).

    Args:
        spectrogram: `[frames, bins]` float32, magnitude or power; of an even window, as librosa takes it to be.
        sample_rate: Hz.
        bins_per_octave: of the tuning.
    """
    frames, bins = spectrogram.shape
    n_fft = 2 * (bins - 1)
    inside = _pitched(sample_rate, n_fft)
    if not len(inside):
        return 0.0
    first, stop = int(inside[0]), int(inside[-1]) + 1
    found = workspace("peaks", (2, frames * ((stop - first) // 2 + 1)))  # no two peaks are neighbors
    count = _peaks(spectrogram, PEAK_SHARE * spectrogram.max(axis=1), first, stop, float(sample_rate), n_fft, *found)
    return tuning_from_peaks(found[0, :count], found[1, :count], bins_per_octave)


@lru_cache(maxsize=32)
def _pitched(sample_rate: int, n_fft: int) -> np.ndarray:
    """Columns of a spectrum that librosa looks for peaks in, its rounding of their frequencies included."""
    if not n_fft:
        return np.arange(0)
    frequencies = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    return np.flatnonzero((frequencies >= PITCH_HZ[0]) & (frequencies < min(PITCH_HZ[1], sample_rate / 2)))


def tuning_from_peaks(pitches: np.ndarray, heights: np.ndarray, bins_per_octave: int) -> float:
    """The commonest deviation of the higher half of some peaks (Hz), in shares of a bin; 0 where there are none."""
    if not len(pitches):
        return 0.0
    pitches = pitches[heights >= np.median(heights)]
    residual = bins_per_octave * np.log2(pitches / (440.0 / 16))
    residual -= np.floor(residual)
    residual[residual >= 0.5] -= 1.0
    return float(EDGES[_commonest(residual, EDGES)])


@numba.njit("int64(float32[::1], float64[::1])", cache=True, nogil=True)
def _commonest(values, edges):  # type: ignore[no-untyped-def]
    """Number of the fullest bin between edges (`np.histogram`, equal widths), the first of several."""
    bins = len(edges) - 1
    counts = np.zeros(bins, np.int64)
    for value in values:
        at = min(max(int((value - edges[0]) * bins), 0), bins - 1)
        while at > 0 and value < edges[at]:  # the product may round to the bin beside
            at -= 1
        while at < bins - 1 and value >= edges[at + 1]:
            at += 1
        counts[at] += 1
    return np.argmax(counts)


@numba.njit(
    "int64(float32[:,::1], float32[::1], int64, int64, float64, int64, float32[::1], float32[::1])",
    cache=True,
    nogil=True,
)
def _peaks(s, threshold, first, stop, sample_rate, n_fft, pitches, heights):  # type: ignore[no-untyped-def]
    """Frequency (Hz) and height of the local maxima of each frame, interpolated by parabolas (`librosa.piptrack`).

    How many there are. Single and double precision are librosa's own; so is that half a sample rate up to 8 kHz may
    round into the range, where the last column of a frame is a peak by itself.
    """
    count, last = 0, s.shape[1] - 1
    size = min(stop, last) - first
    chosen = np.empty(size, np.uint8)
    for t in range(len(s)):
        row, least = s[t], threshold[t]
        left, middle, right = row[first - 1 :], row[first:], row[first + 1 :]
        for i in range(size):  # no branches: eight and more at once
            chosen[i] = (middle[i] > least) & (middle[i] > left[i]) & (middle[i] >= right[i])
        for i in range(size):
            if not chosen[i]:
                continue
            f = first + i
            before, here, after = row[f - 1], row[f], row[f + 1]
            a = np.float64(after + before) - 2.0 * here
            b = np.float64(after - before) / 2.0
            shift = np.float32(0.0 if abs(b) >= abs(a) else -b / a)
            pitches[count] = (f + np.float64(shift)) * sample_rate / n_fft
            heights[count] = here + np.float32(0.5) * ((after - before) / np.float32(2)) * shift
            count += 1
        if stop > last and row[last] > least and row[last] > row[last - 1]:
            pitches[count], heights[count] = last * sample_rate / n_fft, row[last]
            count += 1
    return count


def chroma_from_power(power: np.ndarray, sample_rate: int, n_fft: int, tuning: float) -> np.ndarray:
    """Chroma `[frames, 12]` of a power spectrogram `[frames, 1 + n_fft/2]` (`librosa.feature.chroma_stft`)."""
    return normalize_frames(power @ bin_classes(sample_rate, n_fft, tuning), np.inf)


@lru_cache(maxsize=256)  # an estimated tuning is one of a hundred values
def bin_classes(sample_rate: int, n_fft: int, tuning: float) -> np.ndarray:
    """`[1 + n_fft/2, 12]` float32: the share of each bin in each pitch class."""
    import librosa

    return np.ascontiguousarray(librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, tuning=tuning, n_chroma=12).T)


def raw_chroma(constant_q: np.ndarray, bins_per_octave: int) -> np.ndarray:
    """Pitch classes `[frames, 12]` of a constant-Q transform `[frames, bins]` from C1, not yet scaled."""
    return np.asarray(constant_q @ _constant_q_classes(constant_q.shape[1], bins_per_octave))


@lru_cache(maxsize=32)
def _constant_q_classes(bins: int, bins_per_octave: int) -> np.ndarray:
    import librosa

    classes = librosa.filters.cq_to_chroma(bins, bins_per_octave=bins_per_octave, n_chroma=12, fmin=C1_HZ)
    return np.ascontiguousarray(classes.T, np.float32)


def cens(chroma: np.ndarray, smooth_frames: int) -> np.ndarray:
    """CENS `[frames, 12]` of raw chroma: shares quantized, smoothed by a Hann window, scaled to length 1."""
    import scipy.ndimage

    shares = normalize_frames(chroma, 1)
    steps = np.zeros_like(shares)
    for step in CENS_STEPS:
        steps += (shares > np.float32(step)) * np.float32(0.25)
    smooth = scipy.ndimage.convolve1d(steps, smoothing_window(smooth_frames), axis=0, mode="constant")
    return normalize_frames(smooth, 2)


@lru_cache(maxsize=16)
def smoothing_window(width: int) -> np.ndarray:
    """Hann window `[width + 2]` that sums to 1."""
    import scipy.signal

    window = scipy.signal.get_window("hann", width + 2, fftbins=False)
    return np.asarray(window / window.sum())


def tonnetz(chroma: np.ndarray) -> np.ndarray:
    """Tonal centroids `[frames, 6]` of chroma `[frames, 12]` (`librosa.feature.tonnetz`)."""
    return np.asarray(normalize_frames(chroma, 1) @ tonnetz_basis())


@lru_cache(maxsize=1)
def tonnetz_basis() -> np.ndarray:
    """`[12, 6]` float32: sine and cosine of each pitch class on the circles of fifths, minor and major thirds."""
    pitch = np.linspace(0, 12, num=12, endpoint=False)
    scale = np.asarray([7.0 / 6, 7.0 / 6, 3.0 / 2, 3.0 / 2, 2.0 / 3, 2.0 / 3])
    angle = np.multiply.outer(scale, pitch)
    angle[::2] -= 0.5  # sine as a shifted cosine
    radius = np.array([1, 1, 1, 1, 0.5, 0.5])
    return np.ascontiguousarray((radius[:, None] * np.cos(np.pi * angle)).T, np.float32)


def normalize_frames(values: np.ndarray, norm: float) -> np.ndarray:
    """Each frame divided by its norm (1, 2 or infinity), silent ones left alone (`librosa.util.normalize`)."""
    size = np.abs(values)
    if norm == np.inf:
        length = size.max(axis=1, keepdims=True)
    elif norm == 1:
        length = size.sum(axis=1, keepdims=True)
    else:
        length = np.sqrt(np.square(size).sum(axis=1, keepdims=True))
    length[length < np.finfo(np.float32).tiny] = 1
    return np.asarray(values / length, np.float32)

"""Pitch classes with librosa 0.11's numbers: tuning, chroma of a spectrogram and of the constant-Q transform, CENS."""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np

from genrelab.features.analysis import C1_HZ

PITCH_HZ = (150.0, 4000.0)  # where librosa looks for the peaks that tell the tuning
PEAK_SHARE = np.float32(0.1)  # of a frame's maximum, that a peak must exceed
RESOLUTION = 0.01  # of the tuning, in shares of a bin
CENS_STEPS = (0.4, 0.2, 0.1, 0.05)  # each exceeded adds a quarter


def tuning_of(spectrogram: np.ndarray, sample_rate: int, n_fft: int, bins_per_octave: int) -> float:
    """Deviation from A440 in shares of a bin (`librosa.estimate_tuning(S=...)`: piptrack, then pitch_tuning).

    Args:
        spectrogram: `[frames, 1 + n_fft/2]` float32, magnitude or power.
        sample_rate: Hz.
        n_fft: its window.
        bins_per_octave: bins.
    """
    frequencies = np.arange(spectrogram.shape[1]) * sample_rate / n_fft
    inside = np.flatnonzero((frequencies >= PITCH_HZ[0]) & (frequencies < min(PITCH_HZ[1], sample_rate / 2)))
    if not len(inside):
        return 0.0
    least = PEAK_SHARE * spectrogram.max(axis=1)
    pitches, heights = _peaks(spectrogram, least, int(inside[0]), int(inside[-1]) + 1, sample_rate, n_fft)
    chosen = pitches > 0
    pitches, heights = pitches[chosen], heights[chosen]
    return tuning_of_peaks(pitches, heights, bins_per_octave)


def tuning_of_peaks(pitches: np.ndarray, heights: np.ndarray, bins_per_octave: int) -> float:
    """The commonest deviation of the higher half of some peaks (Hz), in shares of a bin; 0 where there are none."""
    if not len(pitches):
        return 0.0
    pitches = pitches[heights >= np.median(heights)]
    residual = np.mod(bins_per_octave * np.log2(pitches / (440.0 / 16)), 1.0)
    residual[residual >= 0.5] -= 1.0
    edges = np.linspace(-0.5, 0.5, int(np.ceil(1 / RESOLUTION)) + 1)
    counts, _ = np.histogram(residual, edges)
    return float(edges[int(np.argmax(counts))])


@numba.njit(cache=True, nogil=True)
def _peaks(s, threshold, first, stop, sample_rate, n_fft):  # type: ignore[no-untyped-def]
    """Frequency (Hz) and height of the local maxima of each frame, interpolated by parabolas (`librosa.piptrack`)."""
    frames, bins = s.shape
    pitches = np.empty(frames * (stop - first) // 2 + frames, np.float32)
    heights = np.empty(len(pitches), np.float32)
    count = 0
    for t in range(frames):
        least = threshold[t]
        for f in range(first, stop):
            here = s[t, f]
            if not here > least:
                continue
            before = s[t, f - 1] if f > 0 else here
            after = s[t, f + 1] if f < bins - 1 else here
            if not here > (before if before > least else np.float32(0)) and f > 0:
                continue
            if not here >= (after if after > least else np.float32(0)):
                continue
            shift = np.float32(0)
            if 0 < f < bins - 1:
                a = after + before - np.float32(2) * here
                b = (after - before) / np.float32(2)
                if abs(b) < abs(a):
                    shift = -b / a
            pitches[count] = np.float32((f + shift) * np.float64(sample_rate) / n_fft)
            slope = (after - before) / np.float32(2)
            heights[count] = here + np.float32(0.5) * slope * shift
            count += 1
    return pitches[:count], heights[:count]


def chroma_of_power(power: np.ndarray, sample_rate: int, n_fft: int, tuning: float) -> np.ndarray:
    """Chroma `[frames, 12]` of a power spectrogram `[frames, 1 + n_fft/2]` (`librosa.feature.chroma_stft`)."""
    return per_frame(power @ bin_classes(sample_rate, n_fft, tuning), np.inf)


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
    """CENS `[frames, 12]` of raw chroma: shares quantised, smoothed by a Hann window, scaled to length 1."""
    import scipy.ndimage

    shares = per_frame(chroma, 1)
    steps = np.zeros_like(shares)
    for step in CENS_STEPS:
        steps += (shares > np.float32(step)) * np.float32(0.25)
    smooth = scipy.ndimage.convolve1d(steps, smoother(smooth_frames), axis=0, mode="constant")
    return per_frame(smooth, 2)


@lru_cache(maxsize=16)
def smoother(width: int) -> np.ndarray:
    """Hann window `[width + 2]` that sums to 1."""
    import scipy.signal

    window = scipy.signal.get_window("hann", width + 2, fftbins=False)
    return np.asarray(window / window.sum())


def tonnetz(chroma: np.ndarray) -> np.ndarray:
    """Tonal centroids `[frames, 6]` of chroma `[frames, 12]` (`librosa.feature.tonnetz`)."""
    return np.asarray(per_frame(chroma, 1) @ circles())


@lru_cache(maxsize=1)
def circles() -> np.ndarray:
    """`[12, 6]` float32: sine and cosine of each pitch class on the circles of fifths, minor and major thirds."""
    pitch = np.linspace(0, 12, num=12, endpoint=False)
    scale = np.asarray([7.0 / 6, 7.0 / 6, 3.0 / 2, 3.0 / 2, 2.0 / 3, 2.0 / 3])
    angle = np.multiply.outer(scale, pitch)
    angle[::2] -= 0.5  # sine as a shifted cosine
    radius = np.array([1, 1, 1, 1, 0.5, 0.5])
    return np.ascontiguousarray((radius[:, None] * np.cos(np.pi * angle)).T, np.float32)


def per_frame(values: np.ndarray, norm: float) -> np.ndarray:
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

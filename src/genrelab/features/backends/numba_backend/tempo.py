"""Tempo with librosa 0.11's numbers (`librosa.feature.tempo` over median onset strength)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ducc0
import numba
import numpy as np

from genrelab.features.backends.numba_backend.stft import BLOCK, workspace

AUTOCORRELATION_SECONDS, START_BPM, FASTEST_BPM = 8.0, 120.0, 320.0


def tempo(log_mel: np.ndarray, sample_rate: int, hop_length: int, n_fft: int) -> float:
    """Beats per minute of mel dB `[frames, bands]`."""
    shift = 1 + n_fft // (2 * hop_length)
    onsets = np.zeros(len(log_mel) + shift - 1, np.float32)
    _median_rise(log_mel, onsets[shift:])
    mean = _mean_autocorrelation(onsets[: len(log_mel)], int(AUTOCORRELATION_SECONDS * sample_rate) // hop_length)
    with np.errstate(divide="ignore"):
        bpm = 60.0 * sample_rate / (hop_length * np.arange(len(mean)))
    prior = -0.5 * (np.log2(bpm) - np.log2(START_BPM)) ** 2
    prior[: int(np.argmax(bpm < FASTEST_BPM))] = -np.inf
    return float(bpm[int(np.argmax(np.log1p(1e6 * mean) + prior))])


@numba.njit("void(float32[:,::1], float32[::1])", cache=True, nogil=True, error_model="numpy")
def _median_rise(log_mel: Any, out: Any) -> None:
    """Median over the bands of what each rises from frame to frame; 0 counts for a fall."""
    bands = log_mel.shape[1]
    rise = np.empty(bands, np.float32)
    bits = rise.view(np.int32)  # ordered as the numbers are, since none is below 0
    lower = (bands - 1) // 2
    for t in range(len(log_mel) - 1):
        for m in range(bands):
            rise[m] = max(np.float32(0), log_mel[t + 1, m] - log_mel[t, m])
        # The largest number that no more than `lower` are below, one bit after the other: the lower middle.
        middle = np.int32(0)
        for place in range(31):
            trial = middle | np.int32(1 << (30 - place))
            below = np.int32(0)
            for m in range(bands):
                below += np.int32(bits[m] < trial)
            if below <= lower:
                middle = trial
        at_most, above = 0, np.float32(np.inf)
        first = np.float32(0)
        for m in range(bands):
            if bits[m] <= middle:
                at_most += 1
                first = max(first, rise[m])
            else:
                above = min(above, rise[m])
        second = first if bands % 2 or at_most > lower + 1 else above
        out[t] = np.float32(0.5) * (first + second)


def _mean_autocorrelation(onsets: np.ndarray, lags: int) -> np.ndarray:
    """Autocorrelations of windows around every frame, each scaled to a maximum of 1, averaged: `[lags]`.

    The maximum is that at lag 0, the window's energy: so the spectra can be averaged, and one of them turned back.
    """
    window, size = _window(lags)
    padded = np.pad(onsets, lags // 2, mode="linear_ramp", end_values=0)
    frames = np.lib.stride_tricks.sliding_window_view(padded, lags)[: len(onsets)]
    block = workspace("onset windows", (BLOCK, size), np.float64)
    block[:, lags:] = 0
    spectrum = workspace("onset spectra", (BLOCK, 1 + size // 2), np.complex128)
    total = np.zeros(1 + size // 2)
    for at in range(0, len(frames), BLOCK):
        count = min(BLOCK, len(frames) - at)
        np.multiply(frames[at : at + count], window, out=block[:count, :lags])
        ducc0.fft.r2c(block[:count], axes=(1,), nthreads=1, out=spectrum[:count])
        _add_power(block[:count], spectrum[:count].view(np.float64), total)
    found = ducc0.fft.c2r(total.astype(np.complex128), lastsize=size, forward=False, inorm=2, nthreads=1)
    return np.asarray(found[:lags] / len(frames))


@lru_cache(maxsize=8)
def _window(lags: int) -> tuple[np.ndarray, int]:
    import scipy.fft
    import scipy.signal

    window = scipy.signal.get_window("hann", lags, fftbins=True)
    return window, scipy.fft.next_fast_len(2 * lags - 1, real=True)


@numba.njit(
    "void(float64[:,::1], float64[:,::1], float64[::1])", cache=True, nogil=True, fastmath=True, error_model="numpy"
)
def _add_power(block: Any, spectrum: Any, total: Any) -> None:
    """Power spectra of windows, each divided by its energy, added up; silent windows add nothing."""
    for t in range(len(block)):
        energy = 0.0
        for i in range(block.shape[1]):
            energy += block[t, i] * block[t, i]
        if energy < 2.3e-308:  # librosa leaves what is less alone: it is nothing to the average
            continue
        share = 1 / energy
        for k in range(len(total)):
            total[k] += share * (spectrum[t, 2 * k] ** 2 + spectrum[t, 2 * k + 1] ** 2)

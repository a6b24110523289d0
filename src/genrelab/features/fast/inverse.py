"""From a spectrum back to sound, with librosa 0.11's numbers (`librosa.istft`)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ducc0
import numba
import numpy as np

from genrelab.features.fast.spectrum import BLOCK, hann, workspace


def istft(spectrum: np.ndarray, masks: np.ndarray, n_fft: int, hop_length: int, length: int) -> np.ndarray:
    """The sound of a masked spectrum.

    Args:
        spectrum: `[frames, 1 + n_fft/2]` complex64, as `spectrum.stft` made it of `length` samples.
        masks: `[frames, 1 + n_fft/2]` float32.
        n_fft: window, samples.
        hop_length: samples between frames.
        length: samples of the result.

    Returns:
        `[length]` float32, a new array.
    """
    frames, half = len(spectrum), n_fft // 2
    window = hann(n_fft).astype(np.float32)
    sound = np.zeros(max(length + half, (frames - 1) * hop_length + n_fft), np.float32)
    masked = workspace("masked", (BLOCK, spectrum.shape[1]), np.complex64)
    block = workspace("inverted", (BLOCK, n_fft))
    for at in range(0, frames, BLOCK):
        count = min(BLOCK, frames - at)
        np.multiply(spectrum[at : at + count], masks[at : at + count], out=masked[:count])
        ducc0.fft.c2r(masked[:count], axes=(1,), lastsize=n_fft, forward=False, inorm=2, nthreads=1, out=block[:count])
        _overlap(block[:count], window, sound[at * hop_length :], hop_length)
    weights = _weights(n_fft, hop_length, frames, len(sound))
    return np.asarray(sound[half : half + length] * weights[half : half + length])


@lru_cache(maxsize=8)
def _weights(n_fft: int, hop_length: int, frames: int, length: int) -> np.ndarray:
    """One over the sum of the squared windows that lie over each sample, 1 where none does: `[length]` float32."""
    total = np.zeros(length, np.float32)
    for frame in range(frames):
        total[frame * hop_length : frame * hop_length + n_fft] += hann(n_fft) ** 2
    total[total <= np.finfo(np.float32).tiny] = 1
    return 1 / total


@numba.njit(
    "void(float32[:,::1], float32[::1], float32[::1], int64)",
    cache=True, nogil=True, fastmath=True, error_model="numpy",
)  # fmt: skip
def _overlap(block: Any, window: Any, out: Any, hop_length: Any) -> None:
    for t in range(block.shape[0]):
        part = out[t * hop_length : t * hop_length + len(window)]
        for i in range(len(window)):
            part[i] += block[t, i] * window[i]

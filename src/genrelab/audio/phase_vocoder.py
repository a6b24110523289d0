"""Time stretch and pitch shift by a phase vocoder (`librosa.effects`, Ellis 2002), block by block in the cache.

The phases are turned by complex products, not unwrapped, summed up and put through sine and cosine: the same in exact
arithmetic, and free of rounding that grows. librosa sums phases of up to a million radians in the precision of its
input. So the numbers here are those of librosa with float64 samples; its float32 ones stray from them by far more.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import ducc0
import numba
import numpy as np

from genrelab.utils.numba_cache import keep_somewhere

keep_somewhere()

_BLOCK = 48  # frames at once: their samples, spectra and products stay in the second-level cache
_TINY = np.float32(np.finfo(np.float32).tiny)


def time_stretch(samples: np.ndarray, rate: float, n_fft: int = 2048, hop_length: int | None = None) -> np.ndarray:
    """Change tempo, keep pitch (`librosa.effects.time_stretch`).

    Args:
        samples: [T] float32.
        rate: how many times as fast; over 1 gives a shorter sound.
        n_fft: window, samples (Hann).
        hop_length: samples between frames; None is a quarter of the window, as in librosa.

    Returns:
        [round(T / rate)] float32.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    n_frames = 1 + len(samples) // hop  # a frame starts at every hop of the padded samples
    synthesis = OverlapAdd(round(len(samples) / rate), int(np.ceil(n_frames / rate)), n_fft, hop)
    bins = 1 + n_fft // 2
    # Two frames of silence follow the last; a block starts with the last frame of the one before.
    cosines, sines, magnitudes = (np.empty((_BLOCK + 3, bins), np.float32) for _ in range(3))
    x, y = np.empty(bins, np.float32), np.empty(bins, np.float32)  # the running phase
    stretched = np.empty((int(np.ceil((_BLOCK + 3) / rate)) + 1, bins), np.complex64)
    first, step = 0, 0  # the input frame in row 0, and the next frame of output
    for spectra in _blocks(samples, n_fft, hop):
        kept = 1 if step else 0
        rows = kept + len(spectra)
        _polar(spectra.view(np.float32), cosines[kept:rows], sines[kept:rows], magnitudes[kept:rows])
        if not step:
            x[...], y[...] = cosines[0], sines[0]
        if first + rows == n_frames:
            cosines[rows : rows + 2], sines[rows : rows + 2], magnitudes[rows : rows + 2] = 1, 0, 0
            rows += 2
        parts = (cosines[:rows], sines[:rows], magnitudes[:rows])
        made = _turn(*parts, first, step, synthesis.n_frames, rate, x, y, stretched.view(np.float32))
        synthesis.add(stretched[:made])
        step += made
        for part in parts:
            part[0] = part[-1]
        first += rows - 1
    return synthesis.samples()


def pitch_shift(
    samples: np.ndarray, sample_rate: int, semitones: float, n_fft: int = 2048, hop_length: int | None = None
) -> np.ndarray:
    """Change pitch, keep tempo (`librosa.effects.pitch_shift`: time stretch, then soxr at high quality).

    Args:
        samples: [T] float32.
        sample_rate: Hz.
        semitones: up (positive) or down; fractions are fine.
        n_fft: window, samples (Hann).
        hop_length: samples between frames; None is a quarter of the window.

    Returns:
        [T] float32.
    """
    import soxr

    rate = 2.0 ** (-semitones / 12)
    stretched = time_stretch(samples, rate, n_fft, hop_length)
    shifted = soxr.resample(stretched, sample_rate / rate, sample_rate, quality="HQ")
    shifted = shifted[: min(len(samples), int(np.ceil(len(stretched) * rate)))]
    return np.pad(shifted, (0, len(samples) - len(shifted))).astype(np.float32, copy=False)


def istft(spectrum: np.ndarray, n_fft: int, hop_length: int, length: int) -> np.ndarray:
    """Samples [length] float32 of a spectrum [1 + n_fft/2, frames] (`librosa.istft`: centered, Hann).

    A spectrum whose frames are contiguous in memory (the transpose of `[frames, bins]`) is not copied.
    """
    synthesis = OverlapAdd(length, spectrum.shape[1], n_fft, hop_length)
    synthesis.add(np.ascontiguousarray(spectrum.T, np.complex64))
    return synthesis.samples()


class OverlapAdd:
    """Overlapping spectra to samples (`librosa.istft`: centered, Hann).

    Args:
        length: samples wanted.
        n_frames: how many frames there are; those that begin after the end are passed over.
        n_fft: window, samples.
        hop_length: samples between frames.
    """

    def __init__(self, length: int, n_frames: int, n_fft: int, hop_length: int) -> None:
        self.length, self.n_fft, self.hop = length, n_fft, hop_length
        self.n_frames = min(n_frames, int(np.ceil((length + 2 * (n_fft // 2)) / hop_length)))
        self._sum = np.zeros(n_fft + hop_length * max(self.n_frames, 1), np.float32)
        self._frames = _rows(n_fft)
        self._done = 0

    def add(self, spectra: np.ndarray) -> None:
        """Add the next frames, [n, 1 + n_fft/2] complex64."""
        for at in range(0, min(len(spectra), self.n_frames - self._done), _BLOCK):
            some = spectra[at : min(at + _BLOCK, at + self.n_frames - self._done)]
            frames = self._frames[: len(some)]
            out = frames[:, : self.n_fft]
            ducc0.fft.c2r(some, axes=(1,), lastsize=self.n_fft, forward=False, inorm=2, nthreads=1, out=out)
            _overlap(frames, _window(self.n_fft), self.hop, self._sum[self._done * self.hop :])
            self._done += len(some)

    def samples(self) -> np.ndarray:
        """The sum over the windows' own, [length] float32."""
        start = self.n_fft // 2
        sound = np.zeros(self.length, np.float32)
        whole = self._sum[start : start + min(self.length, self.n_fft + self.hop * (self.n_frames - 1) - start)]
        np.multiply(
            whole, _levels(self.n_frames, self.n_fft, self.hop)[start : start + len(whole)], sound[: len(whole)]
        )
        return sound


@lru_cache(maxsize=8)
def _window(n_fft: int) -> np.ndarray:
    """Periodic Hann window [n_fft] float32."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft), np.float32)


@lru_cache(maxsize=8)
def _levels(n_frames: int, n_fft: int, hop_length: int) -> np.ndarray:
    """What makes up for the overlap of squared windows, by sample; 1 where no window reaches."""
    reach = -(-n_fft // hop_length)
    few = min(n_frames, 2 * reach)
    total = np.zeros((few + reach) * hop_length)
    for frame in range(few):
        total[frame * hop_length : frame * hop_length + n_fft] += _window(n_fft).astype(float) ** 2
    levels = (1 / np.where(total > _TINY, total, 1)).astype(np.float32).reshape(-1, hop_length)
    # Between beginning and end, where as many windows overlap as can, one hop is like the next.
    same = np.broadcast_to(levels[min(reach, few) : min(reach, few) + 1], (n_frames - few, hop_length))
    return np.concatenate([levels[: min(reach, few)], same, levels[min(reach, few) :]]).ravel()


def _blocks(samples: np.ndarray, n_fft: int, hop_length: int) -> Iterator[np.ndarray]:
    """STFT [at most _BLOCK, 1 + n_fft/2] complex64, block by block; each overwrites the one before."""
    padded = np.zeros(len(samples) + 2 * (n_fft // 2), np.float32)
    padded[n_fft // 2 : n_fft // 2 + len(samples)] = samples
    n_frames = 1 + (len(padded) - n_fft) // hop_length
    windowed, spectra = _rows(n_fft), np.empty((_BLOCK, 1 + n_fft // 2), np.complex64)
    for at in range(0, n_frames, _BLOCK):
        count = min(_BLOCK, n_frames - at)
        _cut(padded[at * hop_length :], _window(n_fft), hop_length, windowed[:count])
        ducc0.fft.r2c(windowed[:count, :n_fft], axes=(1,), nthreads=1, out=spectra[:count])
        yield spectra[:count]


def _rows(n_fft: int) -> np.ndarray:
    """Room for a block of frames [_BLOCK, n_fft and more].

    Rows a power of two apart would share a few lines of the cache: an inverse transform would take three times as long.
    """
    return np.empty((_BLOCK, n_fft + 32), np.float32)


@numba.njit(cache=True, nogil=True)
def _cut(samples: Any, window: Any, hop_length: int, out: Any) -> None:
    """Windowed frames, each `hop_length` after the one before, into the rows of `out`."""
    for t in range(len(out)):
        frame, part = out[t], samples[t * hop_length : t * hop_length + len(window)]
        for i in range(len(window)):
            frame[i] = part[i] * window[i]


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _polar(spectra: Any, cosines: Any, sines: Any, magnitudes: Any) -> None:
    """Spectra [n, 2 * bins] to angles and magnitudes [n, bins]; zero has angle 0."""
    zero, one = np.float32(0), np.float32(1)
    for t in range(len(spectra)):
        spectrum, cosine, sine, magnitude = spectra[t], cosines[t], sines[t], magnitudes[t]
        for f in range(len(magnitude)):
            x, y = spectrum[2 * f], spectrum[2 * f + 1]
            power = x * x + y * y
            scale = one / np.sqrt(max(power, _TINY))
            magnitude[f] = power * scale
            cosine[f] = one if power < _TINY else x * scale
            sine[f] = zero if power < _TINY else y * scale


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _turn(
    cosines: Any,
    sines: Any,
    magnitudes: Any,
    first: int,
    step: int,
    end: int,
    rate: float,
    x: Any,
    y: Any,
    out: Any,
) -> int:
    """Frames of output from `step` on that lie between rows given: how many.

    `first` is the frame in row 0, (x, y) [bins] the running phase, `out` [m, 2 * bins].
    """
    made = 0
    one = np.float32(1)
    while step + made < end:
        at = (step + made) * rate
        row = int(at) - first
        if row + 1 >= len(magnitudes):
            break
        later = np.float32(at - int(at))
        for f in range(len(x)):
            magnitude = (one - later) * magnitudes[row, f] + later * magnitudes[row + 1, f]
            out[made, 2 * f], out[made, 2 * f + 1] = magnitude * x[f], magnitude * y[f]
            a, b = cosines[row, f], sines[row, f]
            c, d = cosines[row + 1, f], sines[row + 1, f]
            u, v = c * a + d * b, d * a - c * b  # by how much the angle grows from row to row
            x[f], y[f] = x[f] * u - y[f] * v, x[f] * v + y[f] * u
        made += 1
    for f in range(len(x)):  # rounding must not change the length
        scale = one / np.sqrt(x[f] * x[f] + y[f] * y[f])
        x[f] *= scale
        y[f] *= scale
    return made


@numba.njit(fastmath=True, cache=True, nogil=True)
def _overlap(frames: Any, window: Any, hop_length: int, out: Any) -> None:
    """Add windowed frames, each `hop_length` after the one before."""
    for t in range(len(frames)):
        frame, part = frames[t], out[t * hop_length : t * hop_length + len(window)]
        for i in range(len(window)):
            part[i] += window[i] * frame[i]

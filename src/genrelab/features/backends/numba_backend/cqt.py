"""The constant-Q transform with librosa 0.11's numbers (`librosa.cqt`), from C1.

Octave after octave, the highest first; between two of them the sound is halved in rate, so that all octaves share one
basis. It lies on few columns of a spectrum, which is cut to them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import ducc0
import numba
import numpy as np

from genrelab.features.backends.librosa_backend import C1_HZ
from genrelab.features.backends.numba_backend.stft import BLOCK, Frames, frame_signal, workspace

SLIDES_BELOW = 12  # frames of more than this many hops are not transformed one by one
GROUPS = 3  # of neighboring filters in an octave, multiplied together: two cost a third more, four as much
SPARSITY = 0.01  # librosa drops the smallest entries of a filter, up to 1 % of its sum


def constant_q(
    samples: np.ndarray, sample_rate: int, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float
) -> np.ndarray:
    """|constant-Q transform| of one segment.

    Args:
        samples: `[T]` float32.
        sample_rate: Hz.
        hop_length: samples between frames.
        n_octaves: from C1 (32.7 Hz).
        bins_per_octave: bins.
        tuning: of the bins, in shares of one.

    Returns:
        `[1 + T // hop_length, n_octaves * bins_per_octave]` float32, a workspace. Where the rate is halved before the
        first octave and an odd length rounds up, librosa gives one frame more, behind the end.
    """
    early = early_halvings(sample_rate, hop_length, n_octaves, bins_per_octave, tuning)
    sound, hop, rate = halved(samples, 2**early), hop_length >> early, sample_rate / 2**early
    out = workspace(f"constant_q{hop_length}", (1 + len(samples) // hop_length, n_octaves * bins_per_octave))
    halvings = 0
    for octave in reversed(range(n_octaves)):
        filters = _filters(rate, octave + halvings, bins_per_octave, tuning)
        frames = frame_signal(sound, filters.n_fft, hop, "constant_q_sound")
        frames = frames._replace(total=len(out))  # lengths round up: no octave has fewer
        _respond(frames, filters, out[:, octave * bins_per_octave : (octave + 1) * bins_per_octave])
        if hop % 2 == 0 and octave:
            hop, halvings, sound = hop // 2, halvings + 1, halved(sound, 2)
    return out


def early_halvings(sample_rate: int, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float) -> int:
    """How often librosa halves the rate before the first octave: as far as the highest filters and the hop allow."""
    spare = _spare_octaves(sample_rate, n_octaves, bins_per_octave, tuning)
    twos = (hop_length & -hop_length).bit_length() - 1
    return min(spare, max(0, twos - n_octaves + 1))


@lru_cache(maxsize=256)
def _spare_octaves(sample_rate: int, n_octaves: int, bins_per_octave: int, tuning: float) -> int:
    import librosa

    top = _frequencies(n_octaves - 1, bins_per_octave, tuning)
    _, cutoff = librosa.filters.wavelet_lengths(freqs=top, sr=sample_rate, alpha=_alpha(top))
    return max(0, int(np.ceil(np.log2(sample_rate / 2 / cutoff)) - 1) - 1)


def halved(samples: np.ndarray, factor: int) -> np.ndarray:
    """Sound at 1 / factor of its rate, its energy kept (`librosa.resample`, soxr_hq, scaled)."""
    if factor == 1:
        return samples
    import soxr

    wanted = -(-len(samples) // factor)
    out = soxr.resample(samples, factor, 1, quality="HQ")
    out *= np.float32(np.sqrt(factor))
    return out[:wanted] if len(out) >= wanted else np.pad(out, (0, wanted - len(out)))


@lru_cache(maxsize=256)  # an estimated tuning is one of a hundred values
def octave_filters(rate: float, octave: int, bins_per_octave: int, tuning: float) -> tuple[int, int, np.ndarray]:
    """Filters of the octave from C1 * 2**octave in the frequency domain, for sound of `rate` Hz.

    Returns:
        length of the frames they are laid over; the first column of their spectrum that any filter needs; weights
        `[2 * columns, 2 * bins]` float32 for a spectrum seen as real numbers (real and imaginary parts in turn),
        which give the real parts of all bins, then the imaginary ones.
    """
    import scipy.fft

    frequencies = _frequencies(octave, bins_per_octave, tuning)
    wavelets, lengths = _wavelets(frequencies, rate)
    n_fft = wavelets.shape[1]
    wavelets *= lengths[:, None] / n_fft
    # In single precision and by scipy, bit for bit librosa's: which entries are dropped hangs on it.
    spectrum = scipy.fft.fft(wavelets, axis=1)[:, : n_fft // 2 + 1]
    size = np.abs(spectrum)
    ordered = np.sort(size, axis=1)
    first = np.argmin(np.cumsum(ordered / size.sum(axis=1, keepdims=True), axis=1) < SPARSITY, axis=1)
    spectrum[size < np.take_along_axis(ordered, first[:, None], axis=1)] = 0
    used = np.flatnonzero(spectrum.any(axis=0))
    low, high = int(used[0]), int(used[-1]) + 1
    filters = (spectrum[:, low:high] / np.sqrt(lengths)[:, None]).T  # [columns, bins]
    weights = np.zeros((2 * (high - low), 2 * bins_per_octave), np.float32)
    weights[0::2, :bins_per_octave], weights[1::2, :bins_per_octave] = filters.real, -filters.imag
    weights[0::2, bins_per_octave:], weights[1::2, bins_per_octave:] = filters.imag, filters.real
    return n_fft, low, weights


def _wavelets(frequencies: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Hann-windowed waves `[bins, n_fft]` complex64 of sum 1, and their lengths (`librosa.filters.wavelet`)."""
    lengths = rate / (_alpha(frequencies) * frequencies)
    n_fft = int(2 ** np.ceil(np.log2(lengths.max())))
    start, stop = np.floor(-lengths / 2), np.floor(lengths / 2)
    count = (stop - start)[:, None]
    before = (n_fft - count) // 2
    edge = int(before.min())  # zeros on both sides of all
    place = np.arange(edge, n_fft - edge) - before
    window = np.where((place >= 0) & (place < count), 1 - np.cos(2 * np.pi * place / count), 0) / count
    angle = (place + start[:, None]) * (2 * np.pi * frequencies / rate)[:, None]
    wavelets = np.zeros((len(frequencies), n_fft), np.complex64)
    wavelets.real[:, edge : n_fft - edge] = window * np.cos(angle)
    wavelets.imag[:, edge : n_fft - edge] = window * np.sin(angle)
    return wavelets, lengths


class _Filters(NamedTuple):
    """Filters of an octave; `groups`: first bin, first number of the cut spectrum that they need, weights.

    `columns` of the spectrum from `low` hold all of the octave's filters.
    """

    n_fft: int
    low: int
    columns: int
    groups: tuple[tuple[int, int, np.ndarray], ...]


@lru_cache(maxsize=256)
def _filters(rate: float, octave: int, bins_per_octave: int, tuning: float) -> _Filters:
    """`octave_filters` in `METRIC_GROUPS`: neighbors need few of the columns, which halves the work of the product."""
    n_fft, low, weights = octave_filters(rate, octave, bins_per_octave, tuning)
    size, groups = -(-bins_per_octave // GROUPS), []
    for at in range(0, bins_per_octave, size):
        bins = np.arange(at, min(at + size, bins_per_octave))
        some = weights[:, np.concatenate([bins, bins_per_octave + bins])]
        used = np.flatnonzero(some.any(axis=1))
        groups.append((at, int(used[0]), np.ascontiguousarray(some[used[0] : used[-1] + 1])))
    return _Filters(n_fft, low, len(weights) // 2, tuple(groups))


def _frequencies(octave: int, bins_per_octave: int, tuning: float) -> np.ndarray:
    steps = 2.0 ** (np.arange(bins_per_octave) / bins_per_octave)
    return np.asarray(2.0**octave * steps * (C1_HZ * 2.0 ** (tuning / bins_per_octave)))


def _alpha(frequencies: np.ndarray) -> Any:
    """Relative bandwidths of equally tempered bins (`librosa.filters._relative_bandwidth`)."""
    bins = len(frequencies)
    ratio = 2.0 ** (2 / bins)
    return np.full(bins, (ratio - 1) / (ratio + 1))


def _respond(frames: Frames, filters: _Filters, out: np.ndarray) -> None:
    """|spectrum of each frame times the filters| into `out` `[frames, bins]`."""
    slides = frames.hop * SLIDES_BELOW < frames.n_fft and frames.total > 1
    cut = (_slid if slides else _cut)(frames, filters.low, filters.columns)
    for at, first, weights in filters.groups:
        response = workspace("response", (len(cut), weights.shape[1]))
        np.matmul(cut[:, first : first + len(weights)], weights, out=response)
        _absolute(response, out[:, at : at + weights.shape[1] // 2])


def _cut(frames: Frames, low: int, columns: int) -> np.ndarray:
    """Columns of the spectra of all frames, `[frames, 2 * columns]` float32: real, imaginary in turn.

    Transformed in double precision, as librosa's: what lies outside the columns may be far louder than they are.
    """
    padded, n_fft, hop, count = frames
    sound = workspace("double", padded.shape, np.float64)
    sound[:] = padded
    laid = np.lib.stride_tricks.sliding_window_view(sound, n_fft)[::hop]  # no window, so nothing to copy
    spectrum = workspace("cut_spectrum", (BLOCK, 1 + n_fft // 2), np.complex128)
    out = workspace("cut", (count, columns), np.complex64)
    for at in range(0, count, BLOCK):
        some = min(BLOCK, count - at)
        ducc0.fft.r2c(laid[at : at + some], axes=(1,), nthreads=1, out=spectrum[:some])
        out[at : at + some] = spectrum[:some, low : low + columns]
    return out.view(np.float32)


def _slid(frames: Frames, low: int, columns: int) -> np.ndarray:
    """`_cut` of frames that overlap much.

    From frame to frame a few samples leave and as many enter: the spectrum is turned and changed by theirs alone
    (sliding DFT, Jacobsen and Lyons 2003). In double precision, so that hundreds of steps add up to nothing.
    """
    padded, n_fft, hop, count = frames
    changing = (count - 1) * hop
    change = padded[n_fft : n_fft + changing] - padded[:changing].astype(np.float64)
    turn, steps = _turns(n_fft, hop, low, columns)
    first = np.fft.rfft(padded[:n_fft].astype(np.float64))[low : low + columns].copy()
    out = workspace("slid", (count, 2 * columns))
    _slide(first.view(np.float64), change.reshape(-1, hop) @ steps, turn.view(np.float64), out)
    return out


@lru_cache(maxsize=64)
def _turns(n_fft: int, hop: int, low: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Per column the turn of one hop `[columns]`, and the waves `[hop, 2 * columns]` of the samples that change."""
    angle = 2 * np.pi * np.arange(low, low + columns) / n_fft
    waves = np.exp(-1j * np.outer(np.arange(hop), angle))
    return np.exp(1j * hop * angle), np.ascontiguousarray(waves).view(np.float64)


@numba.njit("void(float64[::1], float64[:,::1], float64[::1], float32[:,::1])", fastmath=True, cache=True, nogil=True)
def _slide(spectrum, changes, turn, out):  # type: ignore[no-untyped-def]
    for k in range(len(spectrum)):
        out[0, k] = spectrum[k]
    for t in range(len(changes)):
        for k in range(len(spectrum) // 2):
            real, imaginary = spectrum[2 * k] + changes[t, 2 * k], spectrum[2 * k + 1] + changes[t, 2 * k + 1]
            cosine, sine = turn[2 * k], turn[2 * k + 1]
            spectrum[2 * k] = real * cosine - imaginary * sine
            spectrum[2 * k + 1] = real * sine + imaginary * cosine
            out[t + 1, 2 * k] = spectrum[2 * k]
            out[t + 1, 2 * k + 1] = spectrum[2 * k + 1]


@numba.njit("void(float32[:,::1], float32[:,:])", fastmath=True, cache=True, nogil=True)
def _absolute(response, out):  # type: ignore[no-untyped-def]
    bins = response.shape[1] // 2
    for t in range(response.shape[0]):
        for k in range(bins):
            real, imaginary = response[t, k], response[t, bins + k]
            out[t, k] = np.sqrt(real * real + imaginary * imaginary)

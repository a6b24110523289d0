"""Median filters along either axis of a spectrogram, and the harmonic and percussive parts made of them.

The numbers are librosa's (`scipy.ndimage.median_filter`, mode "reflect"), exactly. See `median_networks.py` for how.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from genrelab.features.backends.numba_backend.median_networks import median_network
from genrelab.features.backends.numba_backend.stft import workspace

_LANES = 128  # columns at once; the 68 registers of length 31 then fill a first-level cache of 32 KB
_TINY = np.float32(np.finfo(np.float32).tiny)


def median_filter(values: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Running medians along one axis, mirrored at the ends (`scipy.ndimage.median_filter`, mode "reflect").

    Args:
        values: [A, B] float32 without NaN; any memory layout, but along `axis` of a contiguous array is fastest.
        size: length of the window, odd or even, of any length.
        axis: 0 or 1.

    Returns:
        A new array of the same shape, in the memory layout of `values`.
    """
    if axis == 1:
        return median_filter(values.T, size, 0).T
    if values.flags.c_contiguous and values.dtype == np.float32:
        out = np.empty_like(values)
        _filter_columns(values, size, out)
        return out
    rows = np.ascontiguousarray(values.T, np.float32)  # [B, A]
    columns = workspace("median_in", (rows.shape[1], rows.shape[0]))
    filtered = workspace("median_out", columns.shape)
    columns[...] = rows.T
    _filter_columns(columns, size, filtered)
    return filtered.T.copy().T


def hpss_masks(magnitude: np.ndarray, kernel_size: int = 31, margin: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Soft masks of the harmonic and the percussive part (`librosa.decompose.hpss(mask=True)`).

    Args:
        magnitude: [F, T] float32; the layout of its memory is that of the masks.
        kernel_size: frames and bins of the two median filters.
        margin: how much one part must outweigh the other.

    Returns:
        Two [F, T] float32 of the thread's workspace: valid until this is called again with the same parameters.
    """
    return _separate(magnitude, kernel_size, margin, masks=True)


def hpss(magnitude: np.ndarray, kernel_size: int = 31, margin: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Harmonic and percussive magnitude (`librosa.decompose.hpss`); arguments and returns as `hpss_masks`."""
    return _separate(magnitude, kernel_size, margin, masks=False)


def _separate(magnitude: np.ndarray, kernel_size: int, margin: float, masks: bool) -> tuple[np.ndarray, np.ndarray]:
    by_frame = magnitude.T.flags.c_contiguous
    rows = np.ascontiguousarray(magnitude.T if by_frame else magnitude, np.float32)
    key = f"{kernel_size} {margin} {masks}"
    along_rows, along_columns = workspace(f"hpss {key}", rows.shape), workspace(f"hpss 2 {key}", rows.shape)
    turned = workspace("median_in", rows.shape[::-1])
    filtered = workspace("median_out", rows.shape[::-1])
    turned[...] = rows.T
    _filter_columns(turned, kernel_size, filtered)
    along_rows[...] = filtered.T
    _filter_columns(rows, kernel_size, along_columns)
    _soft_masks(rows.ravel(), along_columns.ravel(), along_rows.ravel(), np.float32(margin), masks)
    # What lasts is smooth along the frames: down the columns where each row is a frame.
    return (along_columns.T, along_rows.T) if by_frame else (along_rows, along_columns)


def _filter_columns(values: np.ndarray, size: int, out: np.ndarray) -> None:
    """Running medians down the columns of [A, B] C-contiguous float32 into `out`, another array."""
    if size == 1:
        out[...] = values
        return
    network = median_network(size)
    n = len(values)
    groups = -(-n // network.group)
    # Mirrored beyond the ends as often as needed: d c b a | a b c d | d c b a.
    at = (np.arange(groups * network.group + size - 1) - size // 2) % (2 * n)
    rows = np.where(at < n, at, 2 * n - 1 - at)
    registers = workspace("registers", (network.registers * _LANES,))
    _run(values, rows, network.steps * np.uint32(_LANES), network.results, size, registers, out)


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _run(values: Any, rows: Any, steps: Any, results: Any, size: int, registers: Any, out: Any) -> None:
    """Run a network on blocks of `_LANES` columns; register i begins at `i * _LANES`."""
    group = len(results)
    for column in range(0, out.shape[1], _LANES):
        width = min(_LANES, out.shape[1] - column)
        for first in range(0, out.shape[0], group):
            for i in range(size + group - 1):
                row = rows[first + i]
                for lane in range(width):
                    registers[i * _LANES + lane] = values[row, column + lane]
            for step in range(len(steps)):
                # Unsigned, so that no index counts from the end: that would cost a third of the time.
                a, b = np.uint64(steps[step, 0]), np.uint64(steps[step, 1])
                low, high = np.uint64(steps[step, 2]), np.uint64(steps[step, 3])
                for lane in range(np.uint64(_LANES)):
                    x, y = registers[a + lane], registers[b + lane]
                    registers[low + lane] = min(x, y)
                    registers[high + lane] = max(x, y)
            for window in range(min(group, out.shape[0] - first)):
                result = results[window] * _LANES
                for lane in range(width):
                    out[first + window, column + lane] = registers[result + lane]


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _soft_masks(magnitude: Any, first: Any, second: Any, margin: Any, masks: bool) -> None:
    """Medians to masks, or to parts of the magnitude, in place (`librosa.util.softmask`, power 2); all [n]."""
    one, neither = np.float32(1), np.float32(0.5 if margin == 1 else 0)
    for i in range(len(first)):
        a, b = first[i], second[i]
        rival_a, rival_b = b * margin, a * margin
        loud_a, loud_b = max(a, rival_a), max(b, rival_b)
        # The lesser by the greater, squared: nothing overflows, nothing of a small mask is lost.
        share_a = min(a, rival_a) / max(loud_a, _TINY)
        share_b = min(b, rival_b) / max(loud_b, _TINY)
        share_a *= share_a
        share_b *= share_b
        mask_a = (one if a >= rival_a else share_a) / (one + share_a)
        mask_b = (one if b >= rival_b else share_b) / (one + share_b)
        scale = one if masks else magnitude[i]
        first[i] = scale * (mask_a if loud_a >= _TINY else neither)
        second[i] = scale * (mask_b if loud_b >= _TINY else neither)

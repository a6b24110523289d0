"""Tuning and constant-Q transform of a batch in torch, without reading anything back from the device.

An estimated tuning is one of a hundred (`GRID`), as librosa's is: filters of all of them are made once, kept on the
device, and each segment picks its own there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

GRID = tuple(np.linspace(-0.5, 0.5, 101)[:-1].tolist())
REACH = 192  # samples that soxr's low-pass reaches to either side; beyond it is under 1e-7
MOST_KEPT = 256  # constants of lengths and rates that come and go must not pile up

_kept: dict[tuple[Any, ...], Tensor] = {}


class Tunings(NamedTuple):
    """Tunings in shares of a bin, and which of them each segment has, `[B]` int64."""

    grid: tuple[float, ...]
    which: Tensor


def constant(device: torch.device, key: tuple[Any, ...], make: Callable[[], Any]) -> Tensor:
    """An array on a device as float32 tensor, made and moved there once."""
    if (device, *key) not in _kept:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        with torch.inference_mode(False):  # validation may be the first to ask, training must be able to use it
            _kept[(device, *key)] = torch.as_tensor(np.asarray(make()), dtype=torch.float32, device=device)
    return _kept[(device, *key)]


def stft(sound: Tensor, n_fft: int, hop_length: int, window: Tensor) -> Tensor:
    """`[B, 1 + n_fft/2, frames]` complex64 of `[B, T]`, centered, padded with zeros."""
    return torch.stft(sound, n_fft, hop_length, window=window, center=True, pad_mode="constant", return_complex=True)


def estimate_tunings(spectrum: Tensor, sample_rate: int, bins_per_octave: int) -> Tensor:
    """Place in `GRID` of the tuning of each `[bins, frames]` of a batch (`librosa.estimate_tuning`), `[B]` int64."""
    from genrelab.features.backends.numba_backend.chroma import PITCH_HZ

    n_fft = 2 * (spectrum.shape[1] - 1)  # librosa takes an odd window to be one shorter
    frequency = np.arange(spectrum.shape[1]) * sample_rate / n_fft
    inside = np.flatnonzero((frequency >= PITCH_HZ[0]) & (frequency < min(PITCH_HZ[1], sample_rate / 2)))
    inside = inside[(inside > 0) & (inside < spectrum.shape[1] - 1)]
    if not len(inside):
        return torch.full((len(spectrum),), GRID.index(0.0), device=spectrum.device)
    first, stop = int(inside[0]), int(inside[-1]) + 1
    before, here, after = (spectrum[:, first + by : stop + by] for by in (-1, 0, 1))
    least = 0.1 * spectrum.amax(dim=1, keepdim=True)
    high = (here > least) & (here > before * (before > least)) & (here >= after * (after > least))
    a, b = after + before - 2 * here, (after - before) / 2
    shift = torch.where(b.abs() < a.abs(), -b / torch.where(a == 0, 1.0, a), 0.0)
    bins = torch.arange(first, stop, device=spectrum.device)[:, None]
    pitch, height = (bins + shift) * (sample_rate / n_fft), here + 0.5 * b * shift
    residual = bins_per_octave * (pitch / (440.0 / 16)).log2()
    residual = (residual + 0.5) % 1 - 0.5
    return _commonest(residual.flatten(1), height.flatten(1), high.flatten(1))


def _commonest(residual: Tensor, height: Tensor, high: Tensor) -> Tensor:
    """Place in `GRID` of the commonest residual of the higher half of the peaks, `[B]`; 0.0 where there are none."""
    count = high.sum(dim=1, keepdim=True)
    ordered = torch.where(high, height, torch.inf).sort(dim=1).values
    middle = (ordered.gather(1, (count - 1).clamp(min=0) // 2) + ordered.gather(1, count // 2)) / 2
    chosen = high & (height >= middle)
    place = ((residual + 0.5) * len(GRID)).long().clamp(0, len(GRID) - 1)
    row = torch.arange(len(residual), device=residual.device)[:, None] * len(GRID)
    counts = torch.zeros(len(residual) * len(GRID), device=residual.device)
    counts = counts.index_add(0, (row + place).flatten(), chosen.flatten().float()).reshape(-1, len(GRID))
    return torch.where(count[:, 0] > 0, counts.argmax(dim=1), GRID.index(0.0))


def constant_q(
    sound: Tensor, sample_rate: int, hop_length: int, n_octaves: int, bins_per_octave: int, tunings: Tunings
) -> Tensor:
    """|constant-Q transform| `[B, bins, frames]` from C1, each segment by its own tuning."""
    from genrelab.features.backends.numba_backend.cqt import early_halvings

    early = early_halvings(sample_rate, hop_length, n_octaves, bins_per_octave, max(tunings.grid))
    hop, rate = hop_length >> early, sample_rate / 2**early
    frames = 1 + sound.shape[-1] // hop_length
    for _ in range(early):
        sound = halved(sound)
    parts: list[Tensor] = []
    halvings = 0
    for octave in reversed(range(n_octaves)):
        parts.append(_octave(sound, rate, hop, octave + halvings, bins_per_octave, tunings)[..., :frames])
        if hop % 2 == 0 and octave:
            hop, halvings, sound = hop // 2, halvings + 1, halved(sound)
    return torch.cat(parts[::-1], dim=1)


def _octave(sound: Tensor, rate: float, hop: int, octave: int, bins_per_octave: int, tunings: Tunings) -> Tensor:
    """One octave `[B, bins, frames]`; frames are as long as a segment's tuning wants them."""
    out: Tensor | None = None
    for n_fft, members, low, weights in _banks(rate, octave, bins_per_octave, tunings.grid):
        key = ("octave", rate, octave, bins_per_octave, tunings.grid, n_fft)
        bank = constant(sound.device, key, lambda weights=weights: weights)  # type: ignore[misc]
        window = constant(sound.device, ("ones", n_fft), lambda n_fft=n_fft: np.ones(n_fft))  # type: ignore[misc]
        spectrum = stft(sound, n_fft, hop, window)[:, low : low + bank.shape[1] // 2]
        answer = torch.view_as_real(spectrum.transpose(1, 2)).flatten(2) @ bank[tunings.which]  # [B, frames, 2 * bins]
        size = torch.hypot(answer[..., :bins_per_octave], answer[..., bins_per_octave:]).transpose(1, 2)
        mine = constant(sound.device, (*key, "members"), lambda members=members: members)  # type: ignore[misc]
        out = size if out is None else torch.where((mine > 0)[tunings.which][:, None, None], size, out)
    assert out is not None
    return out


class _Bank(NamedTuple):
    """Filters of all tunings that want frames of `n_fft` samples.

    `members` `[G]`: 1 for those tunings, else 0. `low`: the first column of the spectrum that `weights`
    `[G, 2 * columns, 2 * bins]` are of; those of other tunings are zero.
    """

    n_fft: int
    members: np.ndarray
    low: int
    weights: np.ndarray


@lru_cache(maxsize=32)
def _banks(rate: float, octave: int, bins_per_octave: int, grid: tuple[float, ...]) -> tuple[_Bank, ...]:
    """One bank for each length of frames that some tuning wants: nearly always one."""
    from genrelab.features.backends.numba_backend.cqt import octave_filters

    filters = [octave_filters(rate, octave, bins_per_octave, tuning) for tuning in grid]
    banks = []
    for n_fft in sorted({one[0] for one in filters}):
        mine = [(place, low, weights) for place, (size, low, weights) in enumerate(filters) if size == n_fft]
        first = min(low for _, low, _ in mine)
        columns = max(low + len(weights) // 2 for _, low, weights in mine) - first
        whole = np.zeros((len(grid), 2 * columns, 2 * bins_per_octave), np.float32)
        members = np.zeros(len(grid), np.float32)
        for place, low, weights in mine:
            at = 2 * (low - first)
            whole[place, at : at + len(weights)], members[place] = weights, 1
        banks.append(_Bank(n_fft, members, first, whole))
    return tuple(banks)


def halved(sound: Tensor) -> Tensor:
    """`[B, T]` at half the rate, its energy kept, as soxr halves it at high quality."""
    taps = torch.as_tensor(_low_pass(), dtype=torch.float32, device=sound.device)[None, None]
    padded = torch.nn.functional.pad(sound[:, None], (REACH, REACH + 1))
    return torch.nn.functional.conv1d(padded, taps, stride=2)[:, 0, : -(-sound.shape[-1] // 2)]


@lru_cache(maxsize=1)
def _low_pass() -> np.ndarray:
    """soxr's own low-pass for dropping every second sample `[2 * REACH + 1]`, read off its answers to two clicks.

    Another one, however steep, would not do: frames are cut without a window, so that what lies near the end of the
    band leaks into all of it.
    """
    import soxr

    length = 8 * REACH
    taps = np.zeros(2 * REACH + 1)
    for click in (length // 2, length // 2 + 1):
        sound = np.zeros(length)
        sound[click] = 1.0
        answer = soxr.resample(sound, 2, 1, quality="HQ")
        away = 2 * np.arange(len(answer)) - click
        near = np.abs(away) <= REACH
        taps[REACH - away[near]] = answer[near]
    return np.asarray(taps * np.sqrt(2))

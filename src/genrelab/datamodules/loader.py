"""Whole batches gathered in one call per feature: no per-sample Python, no worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Batch(NamedTuple):
    """Some segments. A NamedTuple, because Lightning moves those to the device by itself.

    Attributes:
        features: one tensor per feature, `[B, H, W]` or `[B, D]`, as stored (float16, uint8 or float32); one of
            waveforms (int16) where features are made in the step.
        target: `[B]` int64, index of the genre; with several genres a track, `[B, C]` float32, 1 for each of them.
        track: `[B]` int64, number of the track within the data module.
        segment: `[B]` int64, place of the segment in its track.
    """

    features: tuple[Tensor, ...]
    target: Tensor
    track: Tensor
    segment: Tensor


class BatchLoader:
    """Iterates over batches of resident tensors in an order asked for anew every epoch.

    Args:
        rows: everything, as one large batch.
        order: returns the rows `[N]` (int64) of the coming epoch.
        batch_size: segments in a batch; the last may hold fewer.
        drop_single: leave out a last batch of one segment, which batch norm cannot train on.
    """

    def __init__(self, rows: Batch, order: Callable[[], Tensor], batch_size: int, drop_single: bool = False) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self._order = order
        self._drop_single = drop_single
        self._length = self._count(len(order()))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Batch]:
        order = self._order().to(self.rows.target.device)
        for number in range(self._count(len(order))):
            chosen = order[number * self.batch_size : (number + 1) * self.batch_size]
            yield Batch(
                tuple(feature.index_select(0, chosen) for feature in self.rows.features),
                self.rows.target.index_select(0, chosen),
                self.rows.track.index_select(0, chosen),
                self.rows.segment.index_select(0, chosen),
            )

    def _count(self, rows: int) -> int:
        full, rest = divmod(rows, self.batch_size)
        return full + (rest > 0 and not (self._drop_single and rest == 1 and full > 0))


def draw_epoch(
    copies: list[np.ndarray],
    seed: int,
    epoch: int,
    every_copy: bool,
    rank: int = 0,
    world_size: int = 1,
    classes: np.ndarray | None = None,
) -> Tensor:
    """Order of the train rows in one epoch, decided by (seed, epoch) alone.

    Args:
        copies: per segment the rows of its copies, the original first.
        seed: the run's seed.
        epoch: 0 for the first.
        every_copy: all copies of each segment in every epoch, or one of them, drawn.
        rank: this process among `world_size`; each gets the same number of rows, none twice.
        world_size: number of training processes.
        classes: class of each segment, `[S]` int64; given, an epoch holds as many rows, equally many of each class,
            none of which comes a second time before all others of its class have come.

    Returns:
        `[N]` int64.
    """
    generator = np.random.default_rng([abs(seed), epoch, 1])
    if every_copy:
        rows = np.concatenate(copies)
    else:
        counts = np.array([len(of_segment) for of_segment in copies])
        table = np.full((len(copies), counts.max()), -1, dtype=np.int64)
        for line, of_segment in zip(table, copies, strict=True):
            line[: len(of_segment)] = of_segment
        rows = table[np.arange(len(copies)), generator.integers(counts)]
    if classes is not None:
        of_row = np.repeat(classes, [len(of_segment) for of_segment in copies]) if every_copy else classes
        rows = rows[_balanced(generator, of_row)]
    rows = generator.permutation(rows)
    return torch.from_numpy(rows[: len(rows) // world_size * world_size][rank::world_size].astype(np.int64))


def _balanced(generator: np.random.Generator, classes: np.ndarray) -> np.ndarray:
    """As many places as there are, each class equally often; what does not divide goes to classes that are drawn."""
    present = generator.permutation(np.unique(classes))
    quotas = len(classes) // len(present) + (np.arange(len(present)) < len(classes) % len(present))
    chosen = []
    for one, quota in zip(present, quotas, strict=True):
        members = np.flatnonzero(classes == one)
        rounds = [generator.permutation(members) for _ in range(-(-quota // len(members)))]
        chosen.append(np.concatenate([members[:0], *rounds])[:quota])
    return np.concatenate(chosen)

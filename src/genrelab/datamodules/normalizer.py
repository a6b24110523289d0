"""Normalizers: fitted on the train split, applied on the device, carried by the checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

Mode = Literal["per_bin", "global", "none"]


class Normalizer(nn.Module):
    """`(feature - mean) / std`, in float32, one pair of statistics per feature.

    Args:
        statistics: per feature `mean` and `std` as nested lists that broadcast over `[H, W]` or `[D]`:
            `[H, 1]` per frequency bin, `[1, 1]` global; `[D]` or `[1]` for vectors.
    """

    def __init__(self, statistics: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self.count = len(statistics)
        for number, pair in enumerate(statistics):
            for name in ("mean", "std"):
                value = torch.tensor(pair[name], dtype=torch.float32)
                self.register_buffer(f"{name}_{number}", value, persistent=False)

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Normalized float32 features of the same shapes."""
        return tuple(
            (feature.float() - getattr(self, f"mean_{i}")) / getattr(self, f"std_{i}")
            for i, feature in enumerate(features)
        )

    def to_list(self) -> list[dict[str, Any]]:
        """The statistics as plain data, for the checkpoint."""
        return [
            {name: getattr(self, f"{name}_{number}").tolist() for name in ("mean", "std")}
            for number in range(self.count)
        ]

    @classmethod
    def fit(cls, chunks: Iterable[Sequence[np.ndarray]], shapes: Sequence[tuple[int, ...]], mode: Mode) -> Normalizer:
        """Fit on rows of the train split, and of nothing else.

        Args:
            chunks: per chunk one array per feature, `[n, *shape]`, as stored.
            shapes: `(H, W)` or `(D,)` per feature.
            mode: one pair per frequency bin (per value of a vector), one pair for all, or none.
        """
        sums: list[list[np.ndarray]] = [[] for _ in shapes]
        for chunk in chunks:
            for total, rows, shape in zip(sums, chunk, shapes, strict=True):
                total.append(_moments(rows, shape, mode))
        return cls([_statistics(np.sum(total, axis=0), shape, mode) for total, shape in zip(sums, shapes, strict=True)])


def _moments(rows: np.ndarray, shape: tuple[int, ...], mode: Mode) -> np.ndarray:
    """Count, sum and sum of squares `[3, *statistic's shape]` in float64."""
    values = np.asarray(rows, dtype=np.float64)
    kept = 1 if mode == "per_bin" else 0
    axes = tuple(axis for axis in range(values.ndim) if not (kept and axis == 1))
    total = values.sum(axis=axes)
    return np.stack((np.full_like(total, values.size / max(total.size, 1)), total, np.square(values).sum(axis=axes)))


def _statistics(moments: np.ndarray, shape: tuple[int, ...], mode: Mode) -> dict[str, Any]:
    count, total, squares = moments
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    # A constant bin (a mel band above the audio's band width) must neither divide by 0 nor blow up noise.
    std = np.where(std > 1e-5 * np.maximum(np.abs(mean), 1e-3), std, 1.0)
    if mode == "none":
        mean, std = np.zeros_like(mean), np.ones_like(std)
    form = (-1, 1) if len(shape) == 2 else (-1,)
    return {"mean": mean.reshape(form).tolist(), "std": std.reshape(form).tolist()}

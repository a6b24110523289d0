"""The waveform itself as a stored feature: what the others are computed of inside the training step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import VectorFeature
from genrelab.features.registry import FEATURES
from genrelab.features.spec import Dtype

if TYPE_CHECKING:
    from torch import Tensor


@FEATURES.register("waveform")
@dataclass(frozen=True, kw_only=True)
class Waveform(VectorFeature):
    """A segment's samples as int16 with one power of two in common, `[n_samples + 1]`: the last value is its exponent.

    Music of 16 bits at its own sample rate is kept exactly, at any level, and so is what exceeds full scale by a
    little. Other sound gets noise 92 to 98 dB under its peak, at half the size of float32. float16 would cost as much
    and put noise of -77 dB on loud passages: under a lossy codec's, but enough to move the weakest mel bands by 5 dB.
    """

    default_dtype: ClassVar[Dtype] = "int16"

    def shape(self, sample_rate: int, n_samples: int) -> tuple[int, ...]:
        """`(n_samples + 1,)`."""
        return (n_samples + 1,)

    def columns(self) -> list[str]:
        """None: samples are no table."""
        return []

    def compute(self, transforms: LibrosaTransforms) -> np.ndarray:
        """Whole numbers, and their exponent at the end."""
        return pack(transforms.samples)


def pack(samples: np.ndarray) -> np.ndarray:
    """Samples `[T]` as whole numbers of 16 bits and a last one, the exponent: `[T + 1]` float32, exact in int16."""
    peak = max(float(np.abs(samples).max()), 1e-9)
    exponent = int(np.ceil(np.log2(peak))) - 15
    numbers = np.rint(np.ldexp(samples, -exponent))
    if numbers.max() > 32767:  # a peak of a power of two, or rounded to one; below zero int16 reaches one further
        exponent += 1
        numbers = np.rint(np.ldexp(samples, -exponent))
    return np.append(numbers, exponent).astype(np.float32)


def unpack(rows: Tensor) -> Tensor:
    """Stored waveforms `[B, T + 1]` int16 as samples `[B, T]` float32, where they are."""
    return rows[:, :-1].float() * rows[:, -1:].float().exp2()


def unpack_rows(rows: np.ndarray) -> np.ndarray:
    """`unpack` without torch."""
    return np.ldexp(rows[:, :-1].astype(np.float32), rows[:, -1:].astype(np.intc))

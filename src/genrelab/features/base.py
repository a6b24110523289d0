"""What a feature kind is: a frozen dataclass of parameters that knows its shape and computes itself by librosa.

A new kind is one class: inherit `TimeFrequencyFeature` or `VectorFeature`, register it in `FEATURES`, name it in
`conf/features/`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from genrelab.features.spec import Dtype
from genrelab.utils.errors import GenrelabError

LARGEST = 1 << 20  # of a window, a hop, a number of rows or frames; more is a slip, or means to fill the memory

if TYPE_CHECKING:
    from genrelab.features.backends.librosa_backend import LibrosaTransforms


class FeatureError(GenrelabError):
    """A feature that cannot be computed or kept.

    Args:
        feature: its name in the configuration.
        reason: what is wrong, and the remedy.
    """

    def __init__(self, feature: str, reason: str) -> None:
        self.feature = feature
        self.reason = reason
        super().__init__(f"feature {feature!r}: {reason}")


class FeatureOverflow(FeatureError):
    """A value that does not fit the stored dtype."""


@dataclass(frozen=True, kw_only=True)
class Feature(ABC):
    """A kind of feature; its fields are its parameters, every one with a default."""

    default_dtype: ClassVar[Dtype] = "float32"

    @abstractmethod
    def shape(self, sample_rate: int, n_samples: int) -> tuple[int, ...]:
        """`(H, W)` or `(D,)` for segments of n_samples at sample_rate Hz."""

    @abstractmethod
    def compute(self, transforms: LibrosaTransforms) -> np.ndarray:
        """The feature of one segment, float32 of `shape`: the reference that faster backends are held against."""

    @abstractmethod
    def columns(self) -> list[str]:
        """Names of the values in a table: one for each value of a vector, mean and var of each row of a picture."""

    def value_range(self) -> tuple[float, float] | None:
        """Lowest and highest value that uint8 storage spans; None where the kind has no natural bounds."""
        return None

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """What does not fit this audio, as "parameter: what is wrong; what to do"."""
        return []


@dataclass(frozen=True, kw_only=True)
class TimeFrequencyFeature(Feature):
    """A feature over time, `[H, W]`; row 0 is the lowest band, column 0 the start.

    Args:
        frames: columns W, reached by area averaging over time; None keeps one column for each analysis hop.
        rows: rows H, reached by area averaging (fewer) or linear interpolation (more); None keeps the kind's own.
    """

    default_dtype: ClassVar[Dtype] = "float16"
    title: ClassVar[str] = ""
    unit: ClassVar[str] = ""

    frames: int | None = 256
    rows: int | None = None

    @abstractmethod
    def height(self) -> int:
        """Rows before resizing."""

    @abstractmethod
    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """The picture before resizing, [height, analysis frames]."""

    @property
    @abstractmethod
    def hop(self) -> int:
        """Samples from one analysis frame to the next."""

    def ticks(self, sample_rate: int) -> tuple[str, dict[float, str]]:
        """For drawing: what the rows are, and labels at rows (counted before resizing)."""
        return "row", {}

    def shape(self, sample_rate: int, n_samples: int) -> tuple[int, ...]:
        """`(H, W)`."""
        return self.rows or self.height(), self.frames or 1 + n_samples // self.hop

    def compute(self, transforms: LibrosaTransforms) -> np.ndarray:
        """Draw and resize."""
        return transforms.resize(self.transform(transforms), self.rows, self.frames)

    def columns(self) -> list[str]:
        """Mean and variance over time of each row: "row000_mean", "row000_var", ..."""
        height = self.rows or self.height()
        return [f"row{i:03d}_{what}" for i in range(height) for what in ("mean", "var")]

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes that are no sizes."""
        return not_positive(self, "frames", "rows")


@dataclass(frozen=True, kw_only=True)
class VectorFeature(Feature):
    """Numbers about a whole segment, `[D]`."""

    def shape(self, sample_rate: int, n_samples: int) -> tuple[int, ...]:
        """`(D,)`."""
        return (len(self.columns()),)


def not_positive(feature: Feature, *names: str) -> list[str]:
    """Problems of the parameters among `names` that are neither None nor positive, or larger than any sound needs."""
    values = [(name, getattr(feature, name)) for name in names]
    small = [f"{name}: {value}; use 1 or more" for name, value in values if value is not None and value < 1]
    return small + [f"{name}: {value} is above {LARGEST}" for name, value in values if (value or 0) > LARGEST]


def frequency_problems(fmin: float, fmax: float | None, sample_rate: int) -> list[str]:
    """Problems of a frequency range at a sample rate (Hz)."""
    nyquist = sample_rate / 2
    if fmax is not None and fmax > nyquist:
        return [f"fmax: {fmax:g} Hz is over half the sample rate ({nyquist:g}); use null, or less"]
    if not 0 <= fmin < (fmax or nyquist):
        return [f"fmin: {fmin:g} Hz is not between 0 and {fmax or nyquist:g}"]
    return []

"""Pitch-class pictures: chroma by STFT and constant-Q transform, CENS, tonnetz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import TimeFrequencyFeature, not_positive
from genrelab.features.registry import FEATURES

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
TONNETZ = ("fifth x", "fifth y", "minor x", "minor y", "major x", "major y")


@dataclass(frozen=True, kw_only=True)
class _Chroma(TimeFrequencyFeature):
    """Twelve pitch classes, row 0 is C, each frame scaled to a maximum of 1 (silent frames are 0).

    Args:
        hop_length: samples between frames.
        tuning: deviation from A440 in shares of a bin; None estimates it for each segment.
    """

    hop_length: int = 512
    tuning: float | None = None

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return self.hop_length

    def height(self) -> int:
        """Pitch classes."""
        return 12

    def ticks(self, sample_rate: int) -> tuple[str, dict[float, str]]:
        """Notes."""
        return "pitch class", {float(row): NOTES[row] for row in (0, 2, 4, 5, 7, 9, 11)}

    def value_range(self) -> tuple[float, float]:
        """Scaled by definition."""
        return (0.0, 1.0)

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes that are no sizes."""
        return [*super().problems(sample_rate, n_samples), *not_positive(self, "hop_length")]


@FEATURES.register("chroma_stft")
@dataclass(frozen=True, kw_only=True)
class ChromaStft(_Chroma):
    """Chroma from the power spectrogram (A13; `librosa.feature.chroma_stft`).

    Args:
        n_fft: window, samples.
    """

    title: ClassVar[str] = "Chroma (STFT)"
    unit: ClassVar[str] = "share"

    n_fft: int = 2048

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[12, frames]."""
        return transforms.chroma_stft(self.n_fft, self.hop_length, self.tuning)

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes that are no sizes."""
        return [*super().problems(sample_rate, n_samples), *not_positive(self, "n_fft")]


@dataclass(frozen=True, kw_only=True)
class _CqtChroma(_Chroma):
    """Parameters of the constant-Q transform, which starts at C1 (32.7 Hz).

    Args:
        n_octaves: octaves from C1; those over half the sample rate are left out.
        bins_per_octave: bins, a multiple of 12.
    """

    n_octaves: int = 7
    bins_per_octave: int = 36

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes that are no sizes."""
        problems = [*super().problems(sample_rate, n_samples), *not_positive(self, "n_octaves")]
        if self.bins_per_octave < 12 or self.bins_per_octave % 12:
            problems.append(f"bins_per_octave: {self.bins_per_octave}; use a multiple of 12, such as 36")
        return problems


@FEATURES.register("chroma_cqt")
@dataclass(frozen=True, kw_only=True)
class ChromaCqt(_CqtChroma):
    """Chroma from the constant-Q transform (A13; `librosa.feature.chroma_cqt`)."""

    title: ClassVar[str] = "Chroma (constant-Q)"
    unit: ClassVar[str] = "share"

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[12, frames]."""
        return transforms.chroma_cqt(self.hop_length, self.n_octaves, self.bins_per_octave, self.tuning)


@FEATURES.register("chroma_cens")
@dataclass(frozen=True, kw_only=True)
class ChromaCens(_CqtChroma):
    """Chroma quantized and smoothed, robust to dynamics and timbre (A13; `librosa.feature.chroma_cens`).

    Each frame has length 1 (L2).

    Args:
        smooth_frames: width of the Hann window that smooths over time, frames.
    """

    title: ClassVar[str] = "Chroma (CENS)"
    unit: ClassVar[str] = "share"

    smooth_frames: int = 41

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[12, frames]."""
        return transforms.chroma_cens(
            self.hop_length, self.n_octaves, self.bins_per_octave, self.tuning, self.smooth_frames
        )

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes that are no sizes, and a smoother that librosa could not lay over the segment."""
        problems = [*super().problems(sample_rate, n_samples), *not_positive(self, "smooth_frames")]
        frames = 1 + n_samples // max(1, self.hop_length)
        if self.smooth_frames > frames:
            problems.append(f"smooth_frames: {self.smooth_frames} is more than the segment's {frames} frames")
        return problems


@FEATURES.register("tonnetz")
@dataclass(frozen=True, kw_only=True)
class Tonnetz(_CqtChroma):
    """Tonal centroids: chroma projected on circles of fifths, minor and major thirds (C02; Harte et al. 2006).

    `librosa.feature.tonnetz` over the constant-Q chroma. Six rows between -1 and 1.
    """

    title: ClassVar[str] = "Tonal centroids (tonnetz)"
    unit: ClassVar[str] = "position"

    def height(self) -> int:
        """Two coordinates on three circles."""
        return 6

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[6, frames]."""
        return transforms.tonnetz(self.hop_length, self.n_octaves, self.bins_per_octave, self.tuning)

    def ticks(self, sample_rate: int) -> tuple[str, dict[float, str]]:
        """Coordinates."""
        return "tonal centroid", {float(row): name for row, name in enumerate(TONNETZ)}

    def value_range(self) -> tuple[float, float]:
        """Chroma sums to 1, the circles have radius 1 at most."""
        return (-1.0, 1.0)

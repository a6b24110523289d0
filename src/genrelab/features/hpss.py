"""Harmonic and percussive pictures: the true ones, and the published ones for what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import TimeFrequencyFeature, not_positive
from genrelab.features.mel import DB_RANGE, mel_ticks
from genrelab.features.registry import FEATURES


@dataclass(frozen=True, kw_only=True)
class _HpssFeature(TimeFrequencyFeature):
    """A part of the sound in dB (`librosa.decompose.hpss` on the magnitude: medians, soft masks).

    Args:
        scale: frequency axis: "mel" bands, or the "stft"'s own bins.
        n_mels: bands of the mel scale.
        kernel_size: frames and bins of the two median filters.
        margin: how much one part must outweigh the other; over 1 leaves a residue in neither.
        top_db: values this far under the loudest are raised to it; None keeps them all.
        n_fft: window, samples.
        hop_length: samples between frames.
    """

    scale: Literal["mel", "stft"] = "mel"
    n_mels: int = 128
    kernel_size: int = 31
    margin: float = 1.0
    top_db: float | None = 80.0
    n_fft: int = 2048
    hop_length: int = 512

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return self.hop_length

    def height(self) -> int:
        """Mel bands, or bins."""
        return self.n_mels if self.scale == "mel" else 1 + self.n_fft // 2

    def component(self, transforms: LibrosaTransforms) -> tuple[np.ndarray, np.ndarray]:
        """Harmonic and percussive magnitude [1 + n_fft/2, frames]."""
        return transforms.hpss(self.n_fft, self.hop_length, self.kernel_size, self.margin)

    def decibels(self, transforms: LibrosaTransforms, magnitude: np.ndarray) -> np.ndarray:
        """[height, frames] dB of full scale."""
        power = magnitude**2
        if self.scale == "mel":
            power = transforms.mel_from_power(power, self.n_fft, self.n_mels)
        return transforms.decibels(power, self.top_db)

    def ticks(self, sample_rate: int) -> tuple[str, dict[float, str]]:
        """Frequencies of rows."""
        if self.scale == "mel":
            return mel_ticks(self.n_mels, 0.0, sample_rate / 2)
        return linear_ticks(self.n_fft, sample_rate)

    def value_range(self) -> tuple[float, float]:
        """dB."""
        return DB_RANGE

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes and margins that do not fit."""
        sizes = not_positive(self, "n_mels", "kernel_size", "n_fft", "hop_length")
        margin = [] if self.margin >= 1 else [f"margin: {self.margin}; use 1 or more"]
        return [*super().problems(sample_rate, n_samples), *sizes, *margin]


@FEATURES.register("hpss_harmonic")
@dataclass(frozen=True, kw_only=True)
class HpssHarmonic(_HpssFeature):
    """What lasts: the harmonic part of a spectrogram, dB (Fitzgerald 2010; what A13's names promise)."""

    title: ClassVar[str] = "Harmonic part"
    unit: ClassVar[str] = "dB"

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[height, frames]."""
        return self.decibels(transforms, self.component(transforms)[0])


@FEATURES.register("hpss_percussive")
@dataclass(frozen=True, kw_only=True)
class HpssPercussive(_HpssFeature):
    """What strikes: the percussive part of a spectrogram, dB (Fitzgerald 2010; what A13's names promise)."""

    title: ClassVar[str] = "Percussive part"
    unit: ClassVar[str] = "dB"

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[height, frames]."""
        return self.decibels(transforms, self.component(transforms)[1])


@dataclass(frozen=True, kw_only=True)
class _PublishedHpss(TimeFrequencyFeature):
    """A13's hpss picture: dB of |STFT| of the mean (or median) of the harmonic and the percussive signal.

    Degenerate: the two soft masks sum to 1, so the signals sum to the original and their mean is half of it, a
    plain spectrogram 6 dB down. The median of two numbers is their mean, so both published pictures are one.
    They are computed as that, without the separation; a test holds it against the published code. For
    comparison only: use `hpss_harmonic` and `hpss_percussive`.

    Args:
        top_db: values this far under the loudest are raised to it; None keeps them all.
        n_fft: window, samples.
        hop_length: samples between frames.
    """

    rows: int | None = 128
    top_db: float | None = 80.0
    n_fft: int = 2048
    hop_length: int = 512

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return self.hop_length

    def height(self) -> int:
        """Bins."""
        return 1 + self.n_fft // 2

    def compute(self, transforms: LibrosaTransforms) -> np.ndarray:
        """Draw and resize, once for both names."""
        key = ("hpss as published", self.n_fft, self.hop_length, self.top_db, self.rows, self.frames)
        return transforms.cached(key, lambda: super(_PublishedHpss, self).compute(transforms))  # type: ignore[no-any-return]

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[1 + n_fft/2, frames] dB."""
        return transforms.decibels(transforms.power(self.n_fft, self.hop_length) * np.float32(0.25), self.top_db)

    def ticks(self, sample_rate: int) -> tuple[str, dict[float, str]]:
        """Frequencies of bins."""
        return linear_ticks(self.n_fft, sample_rate)

    def value_range(self) -> tuple[float, float]:
        """dB."""
        return DB_RANGE

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes that are no sizes."""
        return [*super().problems(sample_rate, n_samples), *not_positive(self, "n_fft", "hop_length")]


@FEATURES.register("hpss_mean")
@dataclass(frozen=True, kw_only=True)
class HpssMean(_PublishedHpss):
    """A13's `hpss_mean`, a spectrogram of half the signal: see `_PublishedHpss`."""

    title: ClassVar[str] = "HPSS mean as published (half the signal)"
    unit: ClassVar[str] = "dB"


@FEATURES.register("hpss_median")
@dataclass(frozen=True, kw_only=True)
class HpssMedian(_PublishedHpss):
    """A13's `hpss_median`, the same numbers as `hpss_mean`: see `_PublishedHpss`."""

    title: ClassVar[str] = "HPSS median as published (the same)"
    unit: ClassVar[str] = "dB"


def linear_ticks(n_fft: int, sample_rate: int) -> tuple[str, dict[float, str]]:
    """Rows of round frequencies on an STFT's axis."""
    step = max(1, round(sample_rate / 2 / 5 / 500)) * 500
    return "Hz", {f * n_fft / sample_rate: str(f) for f in range(0, sample_rate // 2, step)}

"""Mel pictures: decibels, PCEN, MFCC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import TimeFrequencyFeature, frequency_problems, not_positive
from genrelab.features.registry import FEATURES

DB_RANGE = (-100.0, 60.0)  # librosa's floor (amin 1e-10), and more than a full-scale sine reaches


@dataclass(frozen=True, kw_only=True)
class _MelFeature(TimeFrequencyFeature):
    """Parameters of a mel spectrogram.

    Args:
        n_fft: window, samples.
        hop_length: samples between frames.
        n_mels: bands.
        fmin: Hz.
        fmax: Hz; None is half the sample rate.
    """

    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float | None = None

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return self.hop_length

    def height(self) -> int:
        """Mel bands."""
        return self.n_mels

    def mel(self, transforms: LibrosaTransforms) -> np.ndarray:
        """Mel power [n_mels, frames]."""
        return transforms.mel(self.n_fft, self.hop_length, self.n_mels, self.fmin, self.fmax)

    def ticks(self, sample_rate: int) -> tuple[str, dict[float, str]]:
        """Frequencies of bands."""
        return mel_ticks(self.n_mels, self.fmin, self.fmax or sample_rate / 2)

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes and frequencies that do not fit."""
        return [
            *super().problems(sample_rate, n_samples),
            *not_positive(self, "n_fft", "hop_length", "n_mels"),
            *frequency_problems(self.fmin, self.fmax, sample_rate),
        ]


@FEATURES.register("mel_db")
@dataclass(frozen=True, kw_only=True)
class MelDb(_MelFeature):
    """Mel spectrogram in dB of full scale (A13; `librosa.power_to_db(mel, ref=1)`).

    Level is kept: the reference is 1, not the segment's maximum.

    Args:
        top_db: values this far under the loudest are raised to it; None keeps them all.
    """

    title: ClassVar[str] = "Mel spectrogram"
    unit: ClassVar[str] = "dB"

    top_db: float | None = 80.0

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """Decibels [n_mels, frames]."""
        return transforms.decibels(self.mel(transforms), self.top_db)

    def value_range(self) -> tuple[float, float]:
        """dB."""
        return DB_RANGE


@FEATURES.register("mel_pcen")
@dataclass(frozen=True, kw_only=True)
class MelPcen(_MelFeature):
    """Per-channel energy normalization of a mel spectrogram (A13; `librosa.pcen(mel * 2**31)`; Wang et al. 2017).

    Args:
        gain: exponent of the automatic gain control, 0 to 1.
        bias: added before the root.
        power: the root's exponent.
        time_constant: of the smoother, s.
        scale: factor on the mel power, which librosa's constants expect in 32-bit integers' range.
    """

    title: ClassVar[str] = "Mel spectrogram, PCEN"
    unit: ClassVar[str] = "PCEN"

    gain: float = 0.98
    bias: float = 2.0
    power: float = 0.5
    time_constant: float = 0.4
    scale: float = 2147483648.0

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """PCEN [n_mels, frames], 0 or more."""
        scaled = self.mel(transforms) * np.float32(self.scale)
        return transforms.pcen(scaled, self.hop_length, self.gain, self.bias, self.power, self.time_constant)

    def value_range(self) -> tuple[float, float]:
        """From 0 to what the defaults cannot reach."""
        # 4.3 is the highest that the defaults can reach at 22,050 Hz (an onset out of silence).
        return (0.0, 8.0)


@FEATURES.register("mfcc")
@dataclass(frozen=True, kw_only=True)
class Mfcc(_MelFeature):
    """Mel-frequency cepstral coefficients (A13; `librosa.feature.mfcc`: DCT-II of `mel_db` with top_db 80).

    Args:
        n_mfcc: coefficients. A13 has 13, blown up to 32 rows; 32 true ones are the default.
        deltas: 0, 1 (first differences stacked below) or 2 (and second), `librosa.feature.delta` over 9 frames.
    """

    title: ClassVar[str] = "MFCC"
    unit: ClassVar[str] = "coefficient"

    n_mfcc: int = 32
    deltas: int = 0

    def height(self) -> int:
        """Coefficients and their differences."""
        return self.n_mfcc * (1 + self.deltas)

    def transform(self, transforms: LibrosaTransforms) -> np.ndarray:
        """Coefficients [n_mfcc, frames], differences below."""
        coefficients = transforms.mfcc(transforms.decibels(self.mel(transforms)), self.n_mfcc)
        further = [transforms.delta(coefficients, order) for order in range(1, self.deltas + 1)]
        return transforms.stack([coefficients, *further])

    def ticks(self, sample_rate: int) -> tuple[str, dict[float, str]]:
        """Numbers of coefficients, from 0."""
        step = max(1, self.height() // 6)
        return "coefficient", {row: str(row % self.n_mfcc) for row in range(0, self.height(), step)}

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """Sizes and frequencies that do not fit."""
        problems = [*super().problems(sample_rate, n_samples), *not_positive(self, "n_mfcc")]
        if self.n_mfcc > self.n_mels:
            problems.append(f"n_mfcc: {self.n_mfcc} is more than n_mels ({self.n_mels}); use n_mels or less")
        if self.deltas not in (0, 1, 2):
            problems.append(f"deltas: {self.deltas}; use 0, 1 or 2")
        return problems


def mel_ticks(n_mels: int, fmin: float, fmax: float) -> tuple[str, dict[float, str]]:
    """Rows of round frequencies on a mel axis of n_mels bands between fmin and fmax (Hz)."""
    import librosa

    centers = librosa.mel_frequencies(n_mels + 2, fmin=fmin, fmax=fmax)[1:-1]
    wanted = [f for f in (256, 512, 1024, 2048, 4096, 8192, 16384) if centers[0] < f < centers[-1]]
    return "Hz", {float(np.interp(f, centers, np.arange(n_mels))): str(f) for f in wanted}

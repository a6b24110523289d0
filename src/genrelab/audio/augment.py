"""Offline augmentation: further copies of each train segment, their parameters data, their chance keyed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, Protocol

import numpy as np

from genrelab.audio.segment import keyed_rng
from genrelab.errors import ConfigError
from genrelab.registry import AUGMENTS


class Augment(Protocol):
    """A change to a segment that keeps its genre and its length."""

    @property
    def label(self) -> str:
        """Name and parameters ("pitch_shift(semitones=1.0)"); the store keys rows by it. "none" is the original."""
        ...

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return the changed copy of samples [T] float32, same length; `rng` comes from `augment_rng`."""
        ...


def augment_rng(data_seed: int, track_id: str, segment: int, label: str) -> np.random.Generator:
    """The generator of one augmented copy: it depends on nothing else, so any worker makes the same copy."""
    return keyed_rng("augment", data_seed, track_id, segment, label)


class _Labelled:
    """Gives a dataclass its label from its own fields."""

    _name = ""

    @property
    def label(self) -> str:
        """Name and parameters."""
        values = ", ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))  # type: ignore[arg-type]
        return f"{self._name}({values})"


@dataclass(frozen=True)
class PitchShift(_Labelled):
    """Shift pitch, keep tempo (A11; `librosa.effects.pitch_shift`: phase vocoder, then resampling).

    Args:
        semitones: up (positive) or down.
    """

    semitones: float = 1.0
    _name = "pitch_shift"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32; nothing here is drawn."""
        import librosa

        shifted = librosa.effects.pitch_shift(samples, sr=sample_rate, n_steps=self.semitones)
        return np.asarray(shifted, np.float32)


@dataclass(frozen=True)
class PinkNoise(_Labelled):
    """Add true pink noise: power falls as 1/f, 3 dB an octave (A11 says pink; its code is `PublishedNoise`).

    Args:
        level: RMS of the noise.
        reference: what `level` is a share of: full scale ("absolute"), or the segment's own RMS ("rms").
    """

    level: float = 0.005
    reference: Literal["absolute", "rms"] = "absolute"
    _name = "pink_noise"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32, samples plus noise; the segment's own level is untouched."""
        loudness = 1.0 if self.reference == "absolute" else float(np.sqrt(np.mean(np.square(samples, dtype=float))))
        return (samples + self.level * loudness * pink_noise(len(samples), rng)).astype(np.float32)


@dataclass(frozen=True)
class PublishedNoise(_Labelled):
    """Add the noise that system A's code makes under the name of pink (A11, systems row 0.5).

    It is `preemphasis(white)`: rising 20 dB from low to high, the opposite tilt of pink. Its peak is scaled to
    `level` and it is added; then the sum is scaled to a peak of 1. Originals are not scaled so, and therefore
    level tells noisy copies from originals: a network can learn that cue.

    Args:
        level: peak of the noise, full scale is 1.
        normalise_peak: scale the noisy copy to a peak of 1, as published. False leaves the level alone.
    """

    level: float = 0.005
    normalise_peak: bool = True
    _name = "published_noise"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32."""
        white = rng.standard_normal(len(samples))
        noise = white.copy()
        noise[1:] -= 0.97 * white[:-1]
        noise *= self.level / max(float(np.abs(noise).max()), 1e-12)
        noisy = samples + noise
        if self.normalise_peak:
            noisy /= max(float(np.abs(noisy).max()), 1e-12)
        return noisy.astype(np.float32)


def pink_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """n samples of noise with power 1/f, mean 0 and RMS 1: white noise shaped in the frequency domain, [n] float64."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    bins = np.arange(len(spectrum), dtype=float)
    bins[0] = np.inf  # no constant part
    noise = np.fft.irfft(spectrum / np.sqrt(bins), n)
    return noise / max(float(np.sqrt(np.mean(noise**2))), 1e-12)


@AUGMENTS.register("none")
def none() -> tuple[Augment, ...]:
    """No copies: train on the originals."""
    return ()


@AUGMENTS.register("pitch_noise")
def pitch_noise(
    semitones: float = 1.0, noise_level: float = 0.005, noise_reference: Literal["absolute", "rms"] = "absolute"
) -> tuple[Augment, ...]:
    """Two copies, three times the data (A11): pitch shift, and true pink noise.

    Args:
        semitones: shift of the first copy.
        noise_level: RMS of the second copy's noise.
        noise_reference: full scale, or the segment's RMS.
    """
    _check(semitones, noise_level)
    return PitchShift(float(semitones)), PinkNoise(float(noise_level), noise_reference)


@AUGMENTS.register("published")
def published(semitones: float = 1.0, noise_level: float = 0.005, normalise_peak: bool = True) -> tuple[Augment, ...]:
    """A11 as its code has it: pitch shift, and `PublishedNoise` with its level cue.

    Args:
        semitones: shift of the first copy.
        noise_level: peak of the second copy's noise.
        normalise_peak: scale the noisy copy, and only it, to a peak of 1.
    """
    _check(semitones, noise_level)
    return PitchShift(float(semitones)), PublishedNoise(float(noise_level), normalise_peak)


def _check(semitones: float, noise_level: float) -> None:
    problems = []
    if semitones == 0 or abs(semitones) > 24:
        problems.append(f"augment.semitones: {semitones}; use -24 to 24 and not 0, which would be the original again")
    if noise_level <= 0:
        problems.append(f"augment.noise_level: {noise_level}; use more than 0")
    if problems:
        raise ConfigError(problems)

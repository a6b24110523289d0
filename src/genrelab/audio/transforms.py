"""What augmentation may do to a segment: changes of pitch, tempo, time and level, their parameters data."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


class Augment(Protocol):
    """A change to a segment that keeps its genre and its length."""

    @property
    def name(self) -> str:
        """Name and parameters ("pitch_shift(semitones=1.0)"); the store keys rows by it. "none" is the original."""
        ...

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return the changed copy of samples [T] float32, same length; `rng` comes from `augment_rng`."""
        ...


class Named:
    """Gives a dataclass its label from its own fields."""

    _name = ""

    @property
    def name(self) -> str:
        """Name and parameters."""
        values = ", ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))  # type: ignore[arg-type]
        return f"{self._name}({values})"


@dataclass(frozen=True)
class PitchShift(Named):
    """Shift pitch, keep tempo (A11; `librosa.effects.pitch_shift`: phase vocoder, then resampling; see `vocoder`).

    Args:
        semitones: up (positive) or down.
    """

    semitones: float = 1.0
    _name = "pitch_shift"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32; nothing here is drawn."""
        from genrelab.audio.phase_vocoder import pitch_shift

        return pitch_shift(samples, sample_rate, self.semitones)

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch, to what `audio.batched` says."""
        from genrelab.audio.transforms_torch import pitch_shift

        return pitch_shift(samples, self.semitones)


@dataclass(frozen=True)
class RandomPitch(Named):
    """Shift pitch by a drawn interval (C11).

    Args:
        semitones: most, up or down; the interval is uniform between.
    """

    semitones: float = 4.0
    _name = "random_pitch"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32."""
        from genrelab.audio.phase_vocoder import pitch_shift

        return pitch_shift(samples, sample_rate, rng.uniform(-self.semitones, self.semitones))

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch, by one interval for all."""
        from genrelab.audio.transforms_torch import pitch_shift, random_uniform

        return pitch_shift(samples, random_uniform(-self.semitones, self.semitones))


@dataclass(frozen=True)
class TimeStretch(Named):
    """Change tempo by a drawn rate, keep pitch (C11; `librosa.effects.time_stretch`).

    The segment's length stays: of a slower one the middle is kept, a faster one has silence at both ends.

    Args:
        slowest: least rate.
        fastest: greatest rate; the same as `slowest` for a fixed one.
    """

    slowest: float = 0.8
    fastest: float = 1.25
    _name = "time_stretch"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32."""
        from genrelab.audio.phase_vocoder import time_stretch

        stretched = time_stretch(samples, rng.uniform(self.slowest, self.fastest))
        spare = len(samples) - len(stretched)
        if spare >= 0:
            return np.pad(stretched, (spare // 2, spare - spare // 2))
        return stretched[-spare // 2 :][: len(samples)]

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch, by one rate for all."""
        from torch.nn.functional import pad

        from genrelab.audio.transforms_torch import random_uniform, time_stretch

        stretched = time_stretch(samples, random_uniform(self.slowest, self.fastest))
        spare = samples.shape[-1] - stretched.shape[-1]
        before = spare // 2 if spare >= 0 else -(-spare // 2)
        return pad(stretched, (before, spare - before))


@dataclass(frozen=True)
class Shift(Named):
    """Move a segment in time by a drawn share of its length; what leaves at one end comes in at the other (C11).

    Args:
        share: most of the length, forth or back.
    """

    share: float = 0.5
    _name = "shift"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32."""
        return np.roll(samples, round(rng.uniform(-self.share, self.share) * len(samples)))

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch, by one share for all."""
        from genrelab.audio.transforms_torch import random_uniform

        return samples.roll(round(random_uniform(-self.share, self.share) * samples.shape[-1]), dims=-1)


@dataclass(frozen=True)
class Gain(Named):
    """Change the level by a drawn number of decibels; what exceeds full scale is not clipped.

    Args:
        lowest: dB.
        highest: dB.
    """

    lowest: float = -12.0
    highest: float = 12.0
    _name = "gain"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32."""
        return np.asarray(samples * np.float32(10 ** (rng.uniform(self.lowest, self.highest) / 20)))

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch, each row by its own."""
        from genrelab.audio.transforms_torch import uniform

        return samples * 10 ** (uniform(samples, self.lowest, self.highest) / 20)


@dataclass(frozen=True)
class Chain:
    """Several changes one after the other, each made or left out by chance (C11).

    Args:
        steps: in order.
        probability: of each.
    """

    steps: tuple[Augment, ...]
    probability: float = 0.5

    @property
    def name(self) -> str:
        """Labels of all steps."""
        return f"chain({', '.join(step.name for step in self.steps)}, probability={self.probability})"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32."""
        for step in self.steps:
            if rng.random() < self.probability:
                samples = step.apply(samples, sample_rate, rng)
        return samples

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch, each row by its own chance."""
        import torch

        from genrelab.audio.transforms_torch import apply_to_rows

        for step in self.steps:
            samples = apply_to_rows(samples, torch.rand(len(samples)) < self.probability, step, sample_rate)
        return samples

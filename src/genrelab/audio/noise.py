"""Noise that augmentation adds: white, pink, and what a published system calls pink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from genrelab.audio.transforms import Named

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GaussianNoise(Named):
    """Add white noise of a drawn level (C10).

    Args:
        lowest: least RMS of the noise, full scale is 1.
        highest: greatest.
    """

    lowest: float = 0.001
    highest: float = 0.015
    _name = "gaussian_noise"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32."""
        level = np.float32(rng.uniform(self.lowest, self.highest))
        return np.asarray(samples + level * rng.standard_normal(len(samples), np.float32))

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch, each row at its own level."""
        import torch

        from genrelab.audio.transforms_torch import uniform

        return samples + uniform(samples, self.lowest, self.highest) * torch.randn_like(samples)


@dataclass(frozen=True)
class PinkNoise(Named):
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
        return samples + np.float32(self.level * loudness) * pink_noise(len(samples), rng)

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch."""
        from genrelab.audio.transforms_torch import pink_noise

        loudness = samples.square().mean(dim=1, keepdim=True).sqrt() if self.reference == "rms" else 1.0
        return samples + self.level * loudness * pink_noise(samples)


@dataclass(frozen=True)
class PublishedNoise(Named):
    """Add the noise that system A's code makes under the name of pink (A11, systems row 0.5).

    It is `preemphasis(white)`: rising 20 dB from low to high, the opposite tilt of pink. Its peak is scaled to
    `level` and it is added; then the sum is scaled to a peak of 1. Originals are not scaled so, and therefore
    level tells noisy copies from originals: a network can learn that cue.

    Args:
        level: peak of the noise, full scale is 1.
        normalize_peak: scale the noisy copy to a peak of 1, as published. False leaves the level alone.
    """

    level: float = 0.005
    normalize_peak: bool = True
    _name = "published_noise"

    def apply(self, samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return [T] float32."""
        white = rng.standard_normal(len(samples))
        noise = white.copy()
        noise[1:] -= 0.97 * white[:-1]
        noise *= self.level / max(float(np.abs(noise).max()), 1e-12)
        noisy = samples + noise
        if self.normalize_peak:
            noisy /= max(float(np.abs(noisy).max()), 1e-12)
        return noisy.astype(np.float32)

    def apply_batch(self, samples: Tensor, sample_rate: int) -> Tensor:
        """The same of `[B, T]` in torch."""
        import torch

        noise = torch.randn_like(samples)
        noise[:, 1:] = noise[:, 1:] - 0.97 * noise[:, :-1]
        noisy = samples + noise * (self.level / noise.abs().amax(dim=1, keepdim=True).clamp(min=1e-12))
        return noisy / noisy.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) if self.normalize_peak else noisy


def pink_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """n samples of noise with power 1/f, mean 0 and RMS 1, [n] float32: a Gaussian spectrum, drawn as such."""
    import ducc0

    size = ducc0.fft.good_size(n, True)  # other lengths take many times as long; what is too much is cut off
    spectrum = rng.standard_normal((1 + size // 2, 2), np.float32)
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum), dtype=np.float32))[:, None]
    spectrum[0] = 0  # no constant part
    if size % 2 == 0:
        spectrum[-1] *= np.float32(np.sqrt(2))  # at half the rate there is one number, not two
    noise = ducc0.fft.c2r(spectrum.view(np.complex64)[:, 0], lastsize=size, forward=False, nthreads=1)[:n]
    noise -= noise.mean(dtype=float)
    noise /= np.float32(max(float(np.sqrt(np.mean(np.square(noise), dtype=float))), 1e-12))
    return np.asarray(noise)

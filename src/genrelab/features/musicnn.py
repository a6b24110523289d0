"""Vectors of musicnn's frozen network, computed once: a pretrained tagger as a feature for any model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import VectorFeature
from genrelab.features.registry import FEATURES
from genrelab.utils.errors import ConfigError

ENCODER = "encoder"  # mark of kinds that need weights which genrelab does not bring
SAMPLE_RATE = 16_000  # Hz of the network's training
MEL = (512, 256, 96, 0.0, None)  # n_fft, hop_length, n_mels, fmin, fmax
SIZES = {"penultimate": 200, "pooled": 1506}


@FEATURES.register("musicnn", ENCODER)
@dataclass(frozen=True, kw_only=True)
class MusicnnVector(VectorFeature):
    """What musicnn's last linear layer reads of a segment (Pons & Serra 2019, arXiv 1909.06654).

    Segments of another sample rate are resampled to 16 kHz. The network is never trained.

    Args:
        weights: "MSD_musicnn" (Million Song Dataset) or "MTT_musicnn" (MagnaTagATune) of the installed package
            `musicnn`, or a folder with such a checkpoint.
        vector: "penultimate" (200 values) or "pooled" (1506).
        weights_hash: Hash of the weights' file, so that stored vectors belong to these weights; filled in by code.

    Raises:
        ConfigError: No such weights, or other weights than those that `weights_hash` names.
    """

    weights: str = "MSD_musicnn"
    vector: Literal["penultimate", "pooled"] = "penultimate"
    weights_hash: str = ""

    def __post_init__(self) -> None:
        from genrelab.models.musicnn import hash_weights

        at = "features.musicnn.weights"
        found = hash_weights(self.weights, at)
        if self.weights_hash not in ("", found):
            hashes = f"{self.weights} has the hash {found}, the run was trained with {self.weights_hash}"
            raise ConfigError([f"{at}: {hashes}; restore those weights"])
        object.__setattr__(self, "weights_hash", found)

    def columns(self) -> list[str]:
        """Name the values: "musicnn0000" and so on."""
        return [f"musicnn{number:04d}" for number in range(SIZES[self.vector])]

    def problems(self, sample_rate: int, n_samples: int) -> list[str]:
        """List what does not fit this audio."""
        if sample_rate < SAMPLE_RATE:
            return [
                f"weights: trained at {SAMPLE_RATE} Hz, audio.sample_rate is {sample_rate}; use {SAMPLE_RATE} or more"
            ]
        return []

    def compute(self, transforms: LibrosaTransforms) -> np.ndarray:
        """Return the vector `[D]` of a segment."""
        import torch

        if transforms.sample_rate != SAMPLE_RATE:
            import soxr

            samples = soxr.resample(transforms.samples, transforms.sample_rate, SAMPLE_RATE, quality="HQ")
            transforms = type(transforms)(samples.astype(np.float32), SAMPLE_RATE)
        compressed = np.log10(1e4 * transforms.mel(*MEL) + 1)
        with torch.inference_mode():
            vectors = _network(self.weights, self.weights_hash)(torch.from_numpy(compressed[None]), self.vector)
        return np.asarray(vectors[0].numpy())


@lru_cache(maxsize=2)
def _network(weights: str, weights_hash: str) -> Any:
    """The network, loaded once per process."""
    from genrelab.models.musicnn import MusicnnBackbone, load_tensorflow_weights

    network = MusicnnBackbone().eval().requires_grad_(False)
    load_tensorflow_weights(network, weights)
    return network

"""Features that came with a dataset: known by shape and content, never computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import Feature, FeatureError
from genrelab.features.registry import FEATURES


@FEATURES.register("given")
@dataclass(frozen=True, kw_only=True)
class PrecomputedExtractor(Feature):
    """A feature of a dataset that has no audio, such as a published table.

    Args:
        size: `[D]` or `[H, W]`.
        content: hash of the values, so that runs on other data are told apart.
        names: of a vector's values; empty where they have none.
    """

    size: Sequence[int] = (1,)
    content: str = ""
    names: Sequence[str] = ()

    def shape(self, sample_rate: int, n_samples: int) -> tuple[int, ...]:
        """`size`."""
        return tuple(self.size)

    def compute(self, transforms: LibrosaTransforms) -> np.ndarray:
        """Refuse: what a dataset measured cannot be measured again."""
        raise FeatureError("given", "it came with a dataset and cannot be computed from audio")

    def columns(self) -> list[str]:
        """Names of a vector's values; of a picture's rows mean and variance."""
        if len(self.size) == 1:
            return list(self.names) or [f"value{i:04d}" for i in range(self.size[0])]
        return [f"row{i:03d}_{what}" for i in range(self.size[0]) for what in ("mean", "var")]

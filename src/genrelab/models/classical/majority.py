"""The model that a candidate must beat: the share of each genre in train, whatever the input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genrelab.models.classical.base import MARK, Estimator, empty_buffer
from genrelab.models.registry import MODELS


@MODELS.register("majority", MARK)
class Majority(Estimator):
    """Answers every input by the genres' shares of train (scikit-learn's `DummyClassifier(strategy="prior")`).

    Each genre counts one row more than it has, so that none is impossible.

    Args:
        in_shapes: Shapes of the inputs, which are ignored.
        n_classes: Number of classes C.
    """

    log_shares: Tensor

    def __init__(self, in_shapes: Sequence[tuple[int, ...]], n_classes: int) -> None:
        super().__init__(in_shapes, n_classes, "mean")
        self.register("log_shares", empty_buffer(n_classes))

    def fit_vectors(self, x: Tensor, target: Tensor, seed: int, device: torch.device) -> None:
        """Count the genres."""
        counts = torch.bincount(target, minlength=self.n_classes) + 1.0
        self.log_shares = (counts / counts.sum()).log()

    def logits(self, x: Tensor) -> Tensor:
        """Return the logarithms of the shares, `[B, C]`."""
        return self.log_shares.expand(len(x), -1)

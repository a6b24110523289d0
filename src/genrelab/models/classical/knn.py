"""k nearest neighbors (E05): train's vectors are the model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genrelab.models.classical.base import MARK, MULTILABEL, Estimator, Pooling, empty_buffer, log_odds, log_shares
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

BLOCK = 2**24  # distances at a time


@MODELS.register("knn", MARK, MULTILABEL)
class NearestNeighbors(Estimator):
    """The votes of the k nearest train segments, by Euclidean distance (E05).

    Logits are the logarithms of the shares of votes, one vote more being spread: half over all genres, so that none
    is impossible, half over the voters' genres, the nearest's most, which breaks ties and never overturns a vote. Of
    several genres a track each has the log-odds of its share of the voters; the half vote has it by its share of train.

    Args:
        in_shapes: of the inputs; they are flattened and joined.
        n_classes: C.
        n_neighbors: k; null: the odd number next to the square root of train's segments, as E05 chose its 55.
        pooling: of pictures over time; "none" flattens them (E05).

    Raises:
        ConfigError: k below 1.
    """

    origin: Tensor
    train_x: Tensor
    train_y: Tensor

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        n_neighbors: int | None = 55,
        pooling: Pooling = "none",
    ) -> None:
        super().__init__(in_shapes, n_classes, pooling)
        if n_neighbors is not None and n_neighbors < 1:
            raise ConfigError([f"model.n_neighbors: {n_neighbors} is below 1"])
        self.n_neighbors = n_neighbors
        self.register("origin", empty_buffer(self.width))
        self.register("train_x", empty_buffer(0, self.width))
        self.register("train_y", empty_buffer(0, dtype=torch.int64))

    def fit_vectors(self, x: Tensor, target: Tensor, seed: int, device: torch.device) -> None:
        """Keep train's vectors, moved to their middle: small numbers keep their digits in differences of squares."""
        self.origin = x.mean(dim=0)
        self.train_x, self.train_y = x.sub_(self.origin), target > 0 if self.multilabel else target
        self.found = {"n_neighbors": self._k()}

    def _k(self) -> int:
        rows = len(self.train_x)
        wanted = self.n_neighbors if self.n_neighbors is not None else round((rows**0.5 - 1) / 2) * 2 + 1
        return min(wanted, rows)

    def logits(self, x: Tensor) -> Tensor:
        """Logarithms of the shares of votes; of several genres a track their log-odds."""
        size = max(1, BLOCK // len(self.train_x))
        return torch.cat([self._block(block) for block in torch.split(x, size)])

    def _block(self, x: Tensor) -> Tensor:
        k = self._k()
        nearest = torch.cdist(x - self.origin, self.train_x).topk(k, largest=False).indices  # [B, k], nearest first
        closeness = 1 / torch.arange(1, k + 1, device=x.device)
        votes = 1 + 0.5 * closeness / closeness.sum()
        if self.multilabel:
            chosen = torch.zeros(len(x), len(self.train_x), device=x.device)
            chosen.scatter_(1, nearest, votes.expand(len(x), k))
            return log_odds(chosen @ self.train_y.float(), k + 0.5, self.prior, doubt=0.5)
        counts = torch.zeros(len(x), self.n_classes, device=x.device)
        counts.scatter_add_(1, self.train_y[nearest], votes.expand(len(x), k))
        return log_shares(counts, k + 0.5, doubt=0.5)

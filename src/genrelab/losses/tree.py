"""Losses on the tree genre < supergenre < cluster, whose probabilities are sums of the genres'."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genrelab.errors import ConfigError
from genrelab.registry import LOSSES


@LOSSES.register("hxe")
class HierarchicalCrossEntropy(nn.Module):
    """Mean of -log p(g|s) - exp(-alpha) log p(s|c) - exp(-2 alpha) log p(c) (HXE, Bertinetto et al. 2020).

    g, s, c are the true genre, its supergenre and its cluster; p(s), p(c) are sums over their genres, p(g|s) =
    p(g) / p(s). The weight exp(-alpha h) falls with the height h in the tree: what is decided near the root counts
    less, so that alpha = 0 is cross-entropy and a large alpha learns to tell the genres of a supergenre only. Without
    clusters p(c) = 1 and the last term is 0.

    Args:
        supergenres: `[C]` number of each genre's supergenre.
        clusters: `[C]` number of each genre's cluster.
        alpha: 0 or more; 0.1 to 0.6 in the paper.

    Raises:
        ConfigError: alpha is negative or not finite.
    """

    def __init__(self, supergenres: Tensor, clusters: Tensor, alpha: float = 0.3) -> None:
        super().__init__()
        if not 0 <= alpha < math.inf:
            raise ConfigError([f"loss.alpha: {alpha} is not a finite number of 0 or more"])
        self.alpha = float(alpha)
        self.sums = Marginals(supergenres, clusters)
        # The telescoped sum: log p(g|s) = log p(g) - log p(s), and so on.
        self.of_super = math.exp(-self.alpha) - 1
        self.of_cluster = math.exp(-2 * self.alpha) - math.exp(-self.alpha)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        return self.sums.mean_loss(logits, target, self.of_super, self.of_cluster)


@LOSSES.register("multi_head")
class MultiHead(nn.Module):
    """Mean of -log p(g) - supergenre * log p(s) - cluster * log p(c): three heads that cannot contradict each other.

    g, s, c are the true genre, its supergenre and its cluster; p(s), p(c) are sums over their genres' probabilities
    (log-sum-exp of the logits), so that the heads share one output. Weights of 0 are cross-entropy; of very large
    weights the genre within its supergenre is not learnt.

    Args:
        supergenres: `[C]` number of each genre's supergenre.
        clusters: `[C]` number of each genre's cluster.
        supergenre: weight of the supergenre's cross-entropy, 0 or more.
        cluster: weight of the cluster's cross-entropy, 0 or more.

    Raises:
        ConfigError: a weight is negative or not finite.
    """

    def __init__(self, supergenres: Tensor, clusters: Tensor, supergenre: float = 0.5, cluster: float = 0.25) -> None:
        super().__init__()
        for name, value in (("supergenre", supergenre), ("cluster", cluster)):
            if not 0 <= value < math.inf:
                raise ConfigError([f"loss.{name}: {value} is not a finite number of 0 or more"])
        self.supergenre, self.cluster = float(supergenre), float(cluster)
        self.sums = Marginals(supergenres, clusters)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        return self.sums.mean_loss(logits, target, self.supergenre, self.cluster)


class Marginals(nn.Module):
    """Log-probabilities of the true supergenre and cluster, stable however small they are.

    Args:
        supergenres: `[C]`.
        clusters: `[C]`.
    """

    mates: Tensor
    outside: Tensor

    def __init__(self, supergenres: Tensor, clusters: Tensor) -> None:
        super().__init__()
        near = torch.stack((torch.eye(len(supergenres), dtype=torch.bool), *map(_same, (supergenres, clusters))))
        self.widths = [int(group.sum(dim=1).max()) for group in near]
        # [C, C]: of each genre itself, then its supergenre's, then its cluster's, then all others.
        order = torch.sort(near.sum(dim=0), dim=1, descending=True, stable=True).indices
        masks = torch.zeros(near.shape).masked_fill(~near, -math.inf).gather(2, order.expand(near.shape))
        self.everything = len(supergenres)
        self.register_buffer("mates", order, persistent=False)
        self.register_buffer("outside", masks, persistent=False)

    def mean_loss(self, logits: Tensor, target: Tensor, of_super: float, of_cluster: float) -> Tensor:
        """Mean of -log p(g) - of_super * log p(s) - of_cluster * log p(c)."""
        log_p = torch.log_softmax(logits.float(), dim=1)  # [B, C]
        weights = (1.0, of_super, of_cluster)
        # A group that holds every genre has probability 1.
        used = [level for level in range(3) if weights[level] and self.widths[level] < self.everything]
        widest = max((self.widths[level] for level in used), default=1)
        near = log_p.gather(1, self.mates[:, :widest].index_select(0, target))  # [B, M]: one gather serves all levels
        total = near.new_zeros(())
        for level in used:
            width = self.widths[level]
            inside = near[:, :width] + self.outside[level, :, :width].index_select(0, target)
            total = total - weights[level] * (inside.logsumexp(dim=1) if level else near[:, 0]).sum()
        return total / len(target)


def _same(group: Tensor) -> Tensor:
    """`[C, C]` whether two genres share a group."""
    return group[:, None] == group

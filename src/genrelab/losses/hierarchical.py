"""Losses on the tree genre < supergenre < cluster, whose probabilities are sums of the genres'."""

from __future__ import annotations

import itertools
import math
from typing import Literal

import torch
from torch import Tensor, nn

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError


@LOSSES.register("hxe")
class HierarchicalCrossEntropy(nn.Module):
    """Mean of -w_g log p(g|s) - w_s log p(s|c) - w_c log p(c) (HXE, Bertinetto et al. 2020).

    g, s, c are the true genre, its supergenre and its cluster; p(s), p(c) are sums over their genres, p(g|s) =
    p(g) / p(s). Each step down the tree has a weight, by `weighting`:

    - "from_root": exp(-alpha d) of its depth d, 1 for the step from the root: w_c, w_s, w_g = exp(-alpha),
      exp(-2 alpha), exp(-3 alpha). A wrong cluster costs most. The paper calls d the height, but means that
      information counts less down the hierarchy. The authors' code (fiveai/making-better-mistakes) has these weights,
      divided by their sum over all edges of the tree. A level whose genres are all in one group is the root itself:
      without clusters w_s, w_g = exp(-alpha), exp(-2 alpha).
    - "from_leaf": exp(-alpha h) of its height h, 0 for the step to the genre: w_c, w_s, w_g = exp(-2 alpha),
      exp(-alpha), 1. A wrong cluster costs least, and a large alpha learns the genre within its supergenre only.

    Of both, alpha = 0 is cross-entropy.

    Args:
        supergenres: `[C]` number of each genre's supergenre.
        clusters: `[C]` number of each genre's cluster.
        alpha: 0 or more; 0.1 to 0.6 in the paper.
        weighting: "from_root" or "from_leaf".

    Raises:
        ConfigError: alpha is negative, not finite, or so large that a weight is 0 in float32.
    """

    def __init__(
        self,
        supergenres: Tensor,
        clusters: Tensor,
        alpha: float = 0.3,
        weighting: Literal["from_root", "from_leaf"] = "from_root",
    ) -> None:
        super().__init__()
        if not 0 <= alpha < math.inf:
            raise ConfigError([f"loss.alpha: {alpha} is not a finite number of 0 or more"])
        if weighting == "from_root" and math.exp(-3 * alpha) < torch.finfo(torch.float32).tiny:
            raise ConfigError([f"loss.alpha: {alpha} leaves weights of 0; take one below 29, 0.1 to 0.6 is usual"])
        self.alpha, self.weighting = float(alpha), weighting
        levels = [clusters, supergenres, torch.arange(len(supergenres))]
        if weighting == "from_root":
            depths = itertools.accumulate(int((group != group[0]).any()) for group in levels)
            steps = [math.exp(-alpha * depth) for depth in depths]
        else:
            steps = [math.exp(-alpha * height) for height in (2, 1, 0)]
        # The telescoped sum: log p(g|s) = log p(g) - log p(s), and so on.
        weights = [step - below for step, below in itertools.pairwise([*steps, 0.0])]
        self.sums = GroupLogLikelihood(list(zip(levels, weights, strict=True)))

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        loss: Tensor = self.sums(logits, target)
        return loss


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
        own = torch.arange(len(supergenres))
        self.sums = GroupLogLikelihood([(own, 1.0), (supergenres, self.supergenre), (clusters, self.cluster)])

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        loss: Tensor = self.sums(logits, target)
        return loss


class GroupLogLikelihood(nn.Module):
    """Mean of -sum_l w_l log p(group of the target at level l), stable however small a probability is.

    Few operations on small tensors: only the target's own groups are gathered, all levels at once.

    Args:
        levels: `[C]` numbers of the genres' groups with a weight each; a group of all genres has log-probability 0.
    """

    related_classes: Tensor
    outside_mask: Tensor
    weights: Tensor

    def __init__(self, levels: list[tuple[Tensor, float]]) -> None:
        super().__init__()
        used = [(group[:, None] == group, weight) for group, weight in levels if weight and (group != group[0]).any()]
        near = torch.stack([same for same, _ in used])  # [L, C, C]
        order = torch.sort(near.sum(dim=0), dim=1, descending=True, stable=True).indices
        order = order[:, : int(near.any(dim=0).sum(dim=1).max())]  # [C, M]: who shares most groups comes first
        masks = torch.zeros(near.shape).masked_fill(~near, -math.inf)
        outside = masks.gather(2, order.expand(len(used), *order.shape)).transpose(0, 1)  # [C, L, M]
        self.register_buffer("related_classes", order, persistent=False)
        self.register_buffer("outside_mask", outside.contiguous(), persistent=False)
        self.register_buffer("weights", torch.tensor([weight for _, weight in used]), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        log_p = torch.log_softmax(logits.float(), dim=1)  # [B, C]
        near = log_p.gather(1, self.related_classes.index_select(0, target))  # [B, M]
        inside = near[:, None] + self.outside_mask.index_select(0, target)  # [B, L, M]
        return -(inside.logsumexp(dim=2) @ self.weights).mean()

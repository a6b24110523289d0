"""Cross-entropy plus the distance that an answer is expected to have."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError


@LOSSES.register("expected_distance")
class ExpectedDistance(nn.Module):
    """Mean of -log p_y + weight * sum_k p_k D_ky.

    The second term is the exact transport (Wasserstein) cost from p to the one-hot target with ground cost D (Frogner
    et al. 2015), which has this closed form. weight = 0 is cross-entropy; on a flat taxonomy the term is 1 - p_y.
    Its gradient p_k (D_ky - E[D]) vanishes at any one-hot answer, right or wrong, so that it needs cross-entropy
    beside it.

    Args:
        distances: `[C, C]`, zero diagonal; an unreachable genre counts as one more than the farthest, as in the
            metrics (of weight 0 it would be the best answer).
        weight: 0 or more.
        normalize: "none" takes distances in edges, "max" divides them by the largest.
        squared: D squared, which shuns far answers more.

    Raises:
        ConfigError: weight is negative or not finite.
    """

    cost: Tensor

    def __init__(
        self,
        distances: Tensor,
        weight: float = 0.3,
        normalize: Literal["none", "max"] = "none",
        squared: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= weight < math.inf:
            raise ConfigError([f"loss.weight: {weight} is not a finite number of 0 or more"])
        self.weight = float(weight)
        reached = torch.isfinite(distances)
        cost = distances.double().where(reached, float(distances[reached].max()) + 1)
        if normalize == "max":
            cost = cost / cost.max().clamp(min=1e-12)
        self.register_buffer("cost", (cost**2 if squared else cost).float(), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        log_p = torch.log_softmax(logits.float(), dim=1)  # [B, C]
        expected = (log_p.exp() * self.cost.index_select(0, target)).sum() / len(target)
        return nn.functional.nll_loss(log_p, target) + self.weight * expected

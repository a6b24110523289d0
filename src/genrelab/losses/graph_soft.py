"""The graph soft loss: cross-entropy against labels that fall with the distance on the genre graph."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from genrelab.errors import ConfigError
from genrelab.registry import LOSSES


@LOSSES.register("graph_soft")
class GraphSoft(nn.Module):
    """Mean of -sum_j w_yj log p_j with w_yj = exp(-beta d_yj) / sum_k exp(-beta d_yk) (A27).

    A large beta makes it cross-entropy, 0 makes every reachable genre equally right; unreachable genres get weight 0.
    With `normalize="max"` it is Bertinetto et al. 2020 ("Making Better Mistakes"), who divide distances by their
    maximum. Its gradient with respect to the logits is (p - w_y) / B.

    Args:
        distances: `[C, C]`, zero diagonal, inf where unreachable.
        beta: sharpness, 0 or more; per edge, or per largest distance with `normalize="max"`.
        normalize: "none" takes distances as they are.

    Raises:
        ConfigError: beta is negative or not finite.
    """

    labels: Tensor

    def __init__(self, distances: Tensor, beta: float = 1.5, normalize: Literal["none", "max"] = "none") -> None:
        super().__init__()
        if not 0 <= beta < math.inf:
            raise ConfigError([f"loss.beta: {beta} is not a finite number of 0 or more"])
        finite = distances[torch.isfinite(distances)]
        self.beta = float(beta)
        self.normalize = normalize
        self.largest = float(finite.max()) if finite.numel() else 0.0
        per_edge = self.beta / self.largest if normalize == "max" and self.largest > 0 else self.beta
        # Not in checkpoints: it follows from the taxonomy and beta, which stand there.
        self.register_buffer("labels", soft_labels(distances, per_edge).float(), persistent=False)

    @property
    def effective_beta(self) -> float:
        """Beta in Bertinetto's convention, for distances divided by their maximum."""
        return self.beta if self.normalize == "max" else self.beta * self.largest

    @property
    def betas(self) -> dict[str, float]:
        """Beta as configured and as comparable with Bertinetto's, for the run record."""
        return {"beta": self.beta, "effective_beta": self.effective_beta}

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        log_p = torch.log_softmax(logits.float(), dim=1)  # [B, C]
        labels = self.labels.index_select(0, target)  # [B, C]
        return -(labels * log_p).sum() / len(target)


def soft_labels(distances: Tensor, beta: float) -> Tensor:
    """Rows of exp(-beta d) that sum to 1, `[C, C]` float64; 0 where the distance is inf, whatever beta is."""
    distances = distances.double()
    reachable = torch.isfinite(distances)
    scores = torch.where(reachable, -beta * distances.where(reachable, 0.0), -math.inf)  # 0 * inf would be NaN
    return torch.softmax(scores, dim=1)

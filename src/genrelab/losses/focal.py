"""Focal loss, which knows no graph."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError


@LOSSES.register("focal")
class Focal(nn.Module):
    """Mean of -(1 - p_y)^gamma log p_y (Lin et al. 2017): what is right already counts less.

    gamma = 0 is cross-entropy. It trains less sure networks, whose probabilities are too low rather than too high.

    Args:
        gamma: 0 or more; 2 in the paper.

    Raises:
        ConfigError: gamma is negative or not finite.
    """

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        if not 0 <= gamma < math.inf:
            raise ConfigError([f"loss.gamma: {gamma} is not a finite number of 0 or more"])
        self.gamma = float(gamma)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        log_p = torch.log_softmax(logits.float(), dim=1).gather(1, target[:, None])  # [B, 1]
        if not self.gamma:
            return -log_p.mean()
        missing = -torch.expm1(log_p)  # 1 - p, exact near p = 1, where a power below 1 has no gradient
        return -(missing.clamp(min=1e-7) ** self.gamma * log_p).mean()

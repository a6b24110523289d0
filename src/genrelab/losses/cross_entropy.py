"""Cross-entropy, which knows no graph."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError


@LOSSES.register("cross_entropy")
class CrossEntropy(nn.Module):
    """Mean of -sum_j w_yj log p_j with w_y = (1 - e) onehot_y + e / C (Szegedy et al. 2016; e = 0 is plain).

    Args:
        label_smoothing: e, in [0, 1).

    Raises:
        ConfigError: out of range.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ConfigError([f"loss.label_smoothing: {label_smoothing} is not in [0, 1)"])
        self.label_smoothing = float(label_smoothing)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        return cross_entropy(logits.float(), target, label_smoothing=self.label_smoothing)

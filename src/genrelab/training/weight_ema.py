"""The exponential moving average of weights, beside the weights that are trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


class WeightEMA:
    """Averages weights over optimizer steps: mean <- d * mean + (1 - d) * weight (Polyak averaging).

    Early steps soon count little, as the first weights are far from the last: d of step t is
    min(decay, (1 + t) / (10 + t)).

    Args:
        weights: that an optimizer changes in place.
        decay: d, in (0, 1).
        state: of `state_dict`, where a training is resumed whose `weights` hold the average.
    """

    @torch.no_grad()
    def __init__(self, weights: Iterable[Tensor], decay: float, state: Mapping[str, Any] | None = None) -> None:
        self.weights = list(weights)
        self.decay = decay
        self.mean = [weight.detach().clone() for weight in self.weights]
        self.steps = 0
        if state is not None:
            self.steps = int(state["steps"])
            for weight, trained in zip(self.weights, state["weights"], strict=True):
                weight.copy_(trained)

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights of a step into the average."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.mean, [weight.detach() for weight in self.weights], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Put the average in the weights' place, and the weights in the average's."""
        for weight, mean in zip(self.weights, self.mean, strict=True):
            kept = weight.detach().clone()
            weight.copy_(mean)
            mean.copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        """Return the weights as trained and the number of steps; the average itself is a checkpoint's `state_dict`."""
        return {"steps": self.steps, "weights": [weight.detach().clone() for weight in self.weights]}

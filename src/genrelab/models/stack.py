"""Several fitted models as one: their log-probabilities, weighted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from genrelab.models.input_checks import Shapes
from genrelab.models.registry import MODELS
from genrelab.models.windowed import build_network
from genrelab.utils.errors import ConfigError


@MODELS.register("stack")
class Stack(nn.Module):
    """Log-probabilities proportional to the weighted sum of the members' log-probabilities.

    Members are trained by themselves, and their weights loaded into `members`.

    Args:
        in_shapes: Shapes `(H, W)` or `(D,)` of all features.
        n_classes: Number of classes C.
        members: Of each its `kind`, its `params`, the places of its features among all (`inputs`) and, of networks
            trained on crops, their `crop_ratio`.
        member_weights: Weight of each member, 0 or more.

    Raises:
        ConfigError: No members, not as many weights, or a member that cannot be built.
    """

    weights: Tensor

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        members: Sequence[Mapping[str, Any]] = (),
        member_weights: Sequence[float] = (),
    ) -> None:
        super().__init__()
        if not members or len(members) != len(member_weights) or min(member_weights) < 0:
            counts = f"{len(members)} members, {len(member_weights)} member_weights"
            raise ConfigError([f"model.members: {counts} (genrelab auto makes such a model)"])
        self.inputs = [[int(place) for place in member["inputs"]] for member in members]
        self.members = nn.ModuleList(
            build_network(
                str(member["kind"]),
                member.get("params") or {},
                [in_shapes[place] for place in places],
                n_classes,
                float(member.get("crop_ratio", 1.0)),
            )
            for member, places in zip(members, self.inputs, strict=True)
        )
        self.register_buffer("weights", torch.tensor([float(weight) for weight in member_weights]))

    def forward(self, *features: Tensor) -> Tensor:
        """Return log-probabilities `[B, C]`."""
        logs = [
            member(*(features[place] for place in places)).log_softmax(dim=1)
            for member, places in zip(self.members, self.inputs, strict=True)
        ]
        weighted = [weight * log_p for weight, log_p in zip(self.weights, logs, strict=True)]
        return torch.stack(weighted).sum(dim=0).log_softmax(dim=1)

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """List what is wrong with `in_shapes`: nothing is."""
        return [] if in_shapes else ["model 'stack' takes one feature or more, here is none"]

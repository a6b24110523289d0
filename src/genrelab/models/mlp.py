"""A fully connected network on vectors, or on pictures flattened."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

Activation = Literal["relu", "sigmoid"]


@MODELS.register("mlp")
class MLP(nn.Module):
    """Linear layers with ReLU and dropout after each but the last (B08, D04-D07, E06); inputs are concatenated.

    Args:
        in_shapes: `(D,)` or `(H, W)` of each input; pictures are flattened.
        n_classes: C.
        hidden: sizes of the hidden layers; none makes a linear classifier.
        dropout: after each hidden layer.
        activations: of each hidden layer; empty is ReLU throughout (D04 starts with two sigmoids).
        norm_inputs: batch norm of the inputs (D04).

    Raises:
        ConfigError: no input, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        hidden: Sequence[int] = (512, 256, 128, 64),
        dropout: float = 0.2,
        activations: Sequence[Activation] = (),
        norm_inputs: bool = False,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({f"hidden.{number}": size for number, size in enumerate(hidden)}, dropout)
        if activations and len(activations) != len(hidden):
            told = f"{len(activations)}, for {len(hidden)} hidden layers; one for each, or [] for ReLU throughout"
            raise ConfigError([f"model.activations: {told}"])
        sizes = [sum(prod(shape) for shape in in_shapes), *hidden]
        self.norm = nn.BatchNorm1d(sizes[0]) if norm_inputs else nn.Identity()
        layers: list[nn.Module] = []
        for (before, after), name in zip(pairwise(sizes), activations or ["relu"] * len(hidden), strict=True):
            activation = nn.Sigmoid() if name == "sigmoid" else nn.ReLU(inplace=True)
            layers += [nn.Linear(before, after), activation, nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*layers)
        self.fc = nn.Linear(sizes[-1], n_classes)

    def forward(self, *features: Tensor) -> Tensor:
        """Logits `[B, C]` of vectors `[B, D]` and pictures `[B, H, W]`."""
        joined = torch.cat([feature.flatten(1) for feature in features], dim=1)  # [B, sum of sizes]
        logits: Tensor = self.fc(self.hidden(self.norm(joined)))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return [] if in_shapes else ["model 'mlp' needs a feature, here is none; e.g. features=tabular57"]

"""Spectrograms and vectors in one network: a branch each, joined before the last layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from genrelab.models.auxiliary_heads import last_linear
from genrelab.models.classical.base import MARK
from genrelab.models.input_checks import Shapes, check_numbers, check_shapes
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

# Kinds that are no backbone, with the remedy; a pretrained encoder needs the inputs of its training, not normalized.
REFUSED = {
    "late_fusion": "name one for the 2-D features, such as resnet18flex",
    **dict.fromkeys(("encoder", "musicnn"), "compute its vectors as a feature, as in features=[pcen,musicnn]"),
}


@MODELS.register("late_fusion")
class LateFusion(nn.Module):
    """A backbone on the 2-D features, an MLP on the vectors; their outputs are concatenated under one linear layer.

    Args:
        in_shapes: Shapes `(H, W)` and `(D,)`, at least one of each, in any order.
        n_classes: Number of classes C.
        backbone: Options of the network for the 2-D features: `kind` of a registered model and its parameters. Its last
            linear layer is left out. The default is `resnet18flex`.
        hidden: Sizes of the MLP's hidden layers; none passes the vectors on as they are.
        dropout: Probability after each hidden layer and before the last layer.

    Raises:
        ConfigError: No 2-D feature or no vector, a backbone that cannot be used, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        backbone: Mapping[str, Any] | None = None,
        hidden: Sequence[int] = (128,),
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({f"hidden.{number}": size for number, size in enumerate(hidden)}, dropout)
        self.is_2d = [len(shape) == 2 for shape in in_shapes]
        maps = [tuple(shape) for shape in in_shapes if len(shape) == 2]
        self.backbone, n_features = _without_last_layer(backbone or {"kind": "resnet18flex"}, maps, n_classes)
        sizes = [sum(shape[0] for shape in in_shapes if len(shape) == 1), *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU(inplace=True), nn.Dropout(dropout)]
        self.mlp = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(n_features + sizes[-1], n_classes)

    def forward(self, *features: Tensor) -> Tensor:
        """Logits `[B, C]` of spectrograms `[B, H, W]` and vectors `[B, D]`, in the order of `in_shapes`."""
        maps = [feature for feature, is_2d in zip(features, self.is_2d, strict=True) if is_2d]
        vectors = [feature for feature, is_2d in zip(features, self.is_2d, strict=True) if not is_2d]
        joined = torch.cat([self.backbone(*maps).flatten(1), self.mlp(torch.cat(vectors, dim=1))], dim=1)
        logits: Tensor = self.fc(self.dropout(joined))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """List what is wrong with `in_shapes` for this model."""
        if {len(shape) for shape in in_shapes} == {1, 2}:
            return []
        lacking = "vector" if any(len(shape) == 2 for shape in in_shapes) else "2-D feature"
        return [
            f"model 'late_fusion' takes 2-D features and vectors, here is no {lacking}; "
            "e.g. features=[pcen,tabular57], or dataset=gtzan_images join=gtzan_features"
        ]


def _without_last_layer(option: Mapping[str, Any], in_shapes: Shapes, n_classes: int) -> tuple[nn.Module, int]:
    """Build a model whose last linear layer passes its input on, and the size of that input."""
    params = dict(option)
    kind = str(params.pop("kind", ""))
    if kind in REFUSED or MODELS.marked(kind, MARK):
        raise ConfigError([f"model.backbone.kind: {kind!r} cannot be a backbone; {REFUSED.get(kind, 'use a network')}"])
    if problems := MODELS.check(kind, params, ("in_shapes", "n_classes"), "model.backbone"):
        raise ConfigError(problems)
    net: nn.Module = MODELS.build(kind, params, in_shapes=list(in_shapes), n_classes=n_classes)
    last = last_linear(net, in_shapes, n_classes)
    [name] = [name for name, module in net.named_modules() if module is last]
    net.set_submodule(name, nn.Identity())
    return net, last.in_features

"""What a network's last linear layer reads: a vector for each window."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genrelab.models.auxiliary_heads import genre_layers
from genrelab.utils.errors import GenrelabError


def penultimate(model: nn.Module, features: Sequence[Tensor], classes: int) -> Tensor:
    """Inputs `[S, D]` float32 of the linear layer that gives the logits: the last that is called with C outputs.

    Raises:
        GenrelabError: the network has no such layer.
    """
    seen: list[Tensor] = []
    mine = threading.get_ident()

    def keep(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        if threading.get_ident() == mine:  # files are embedded side by side by one network
            seen.append(given[0])

    hooks = [layer.register_forward_pre_hook(keep) for layer in genre_layers(model, classes)]
    try:
        with torch.no_grad():
            model(*features)
    finally:
        for hook in hooks:
            hook.remove()
    if not seen:
        raise GenrelabError(f"{type(model).__name__}: no linear layer with {classes} outputs, so no embedding")
    vectors = seen[-1].float().flatten(1)  # several windows of a row, where the network was trained on crops
    return vectors.reshape(len(features[0]), -1, vectors.shape[1]).mean(dim=1)

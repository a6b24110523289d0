"""Further heads on what a network's last linear layer reads: one trunk, several answers (C14)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from genrelab.utils.errors import GenrelabError


def genre_layers(net: nn.Module, classes: int) -> list[nn.Linear]:
    """The linear layers with as many outputs as there are genres: the last that is called gives the logits."""
    return [module for module in net.modules() if isinstance(module, nn.Linear) and module.out_features == classes]


def last_linear(net: nn.Module, in_shapes: Sequence[tuple[int, ...]], classes: int) -> nn.Linear:
    """The linear layer that gives the logits, found by one call on zeros.

    Args:
        net: on the CPU; it is left as it was.
        in_shapes: of the features, `(H, W)` or `(D,)`.
        classes: number of genres.

    Raises:
        GenrelabError: the network has no such layer.
    """
    called: list[nn.Linear] = []
    hooks = [one.register_forward_pre_hook(lambda layer, _: called.append(layer)) for one in genre_layers(net, classes)]
    training = net.training
    net.eval()
    try:
        with torch.no_grad():
            net(*(torch.zeros(1, *shape) for shape in in_shapes))
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()
    if not called:
        raise GenrelabError(f"{type(net).__name__}: no linear layer gives the genres, so further heads have no place")
    return called[-1]


class AuxiliaryHeads(nn.Module):
    """One linear head a label, on the vector that gave the network's latest logits.

    Args:
        layer: the network's last linear layer, see `last_linear`; the network stays as it is, and no part of this.
        sizes: number of values of each label.
        truth: `[T, L]` int64, index of each track's value, by the number that batches have for the track; -1: unknown.
        weight: of the labels' losses beside the genre's.
    """

    truth: Tensor

    def __init__(self, layer: nn.Linear, sizes: Sequence[int], truth: Tensor, weight: float) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(layer.in_features, size) for size in sizes)
        self.sizes = tuple(sizes)
        self.weight = weight
        self.register_buffer("truth", truth, persistent=False)
        self._vector: Tensor | None = None
        layer.register_forward_pre_hook(self._keep)

    def _keep(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._vector = inputs[0].flatten(1)

    def forward(self, count: int) -> Tensor:
        """Logits `[count, K]` of all labels' values side by side, for what the network was called with last.

        Args:
            count: rows that the network was called with; where it made several windows of each, they are averaged.
        """
        if self._vector is None:
            raise RuntimeError("the network was not called yet")
        vector, self._vector = self._vector, None
        vector = vector.reshape(count, -1, vector.shape[1]).mean(dim=1)
        return torch.cat([head(vector) for head in self.heads], dim=1)

    def loss(self, logits: Tensor, track: Tensor) -> Tensor:
        """Weighted sum of the labels' mean cross-entropies over the rows whose label is known.

        Args:
            logits: `[B, K]`.
            track: `[B]` numbers of the tracks.
        """
        truth = self.truth[track]
        total = logits.new_zeros(())
        for place, part in enumerate(torch.split(logits, list(self.sizes), dim=1)):
            known = (truth[:, place] >= 0).sum().clamp(min=1)  # a batch without any adds nothing
            total = total + functional.cross_entropy(part, truth[:, place], ignore_index=-1, reduction="sum") / known
        return self.weight * total

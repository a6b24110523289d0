"""A small head on vectors, or sequences of vectors, of a frozen encoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

Pooling = Literal["attention", "mean"]


class AttentionPooling(nn.Module):
    """Weighted means over time, the weights being softmax_t(w tanh(V x_t)) (Ilse et al. 2018, eq. 8).

    It starts as the mean: w is zero at first.

    Args:
        size: D.
        heads: weighted means, each with weights of its own.
        hidden: rows of V.
    """

    def __init__(self, size: int, heads: int = 1, hidden: int = 64) -> None:
        super().__init__()
        self.project = nn.Linear(size, hidden)
        self.score = nn.Linear(hidden, heads)
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def weights(self, steps: Tensor) -> Tensor:
        """Of steps `[B, T, D]`: `[B, T, heads]`, summing to 1 over T."""
        return torch.softmax(self.score(torch.tanh(self.project(steps))), dim=1)

    def forward(self, steps: Tensor) -> Tensor:
        """`[B, heads * D]` of steps `[B, T, D]`."""
        return torch.einsum("bth,btd->bhd", self.weights(steps), steps).flatten(1)


@MODELS.register("probe")
class Probe(nn.Module):
    """Linear layers on the vectors of a frozen encoder; sequences are pooled over time first.

    Args:
        in_shapes: `(D,)` of a vector, `(D, T)` of a sequence with time along the second axis; any number of them.
        n_classes: C.
        pooling: of sequences: learned attention, or the mean; vectors are taken as they are.
        heads: weighted means of the attention.
        attention: units of the attention.
        hidden: sizes of the ReLU layers before the last; none makes a linear probe.
        dropout: before each linear layer.

    Raises:
        ConfigError: no input, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        pooling: Pooling = "attention",
        heads: int = 4,
        attention: int = 64,
        hidden: Sequence[int] = (),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        sizes = {"heads": heads, "attention": attention} | {f"hidden.{i}": size for i, size in enumerate(hidden)}
        check_numbers(sizes, dropout)
        if pooling not in ("attention", "mean"):
            raise ConfigError([f"model.pooling: {pooling!r} is neither attention nor mean"])
        attends = [pooling == "attention" and len(shape) == 2 for shape in in_shapes]
        self.pools = nn.ModuleList(
            AttentionPooling(shape[0], heads, attention) if attend else nn.Identity()
            for shape, attend in zip(in_shapes, attends, strict=True)
        )
        joined = sum(shape[0] * (heads if attend else 1) for shape, attend in zip(in_shapes, attends, strict=True))
        layers: list[nn.Module] = []
        for before, after in pairwise([joined, *hidden]):
            layers += [nn.Dropout(dropout), nn.Linear(before, after), nn.ReLU(inplace=True)]
        self.hidden = nn.Sequential(*layers, nn.Dropout(dropout))
        self.fc = nn.Linear([joined, *hidden][-1], n_classes)

    def forward(self, *features: Tensor) -> Tensor:
        """Logits `[B, C]` of vectors `[B, D]` and sequences `[B, D, T]`."""
        pooled = [self._pooled(pool, feature) for pool, feature in zip(self.pools, features, strict=True)]
        logits: Tensor = self.fc(self.hidden(torch.cat(pooled, dim=1)))
        return logits

    @staticmethod
    def _pooled(pool: nn.Module, feature: Tensor) -> Tensor:
        if isinstance(pool, AttentionPooling):
            found: Tensor = pool(feature.transpose(1, 2))
            return found
        return feature if feature.dim() == 2 else feature.mean(dim=2)

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return [] if in_shapes else ["model 'probe' needs a feature, here is none; e.g. dataset=embeddings"]

"""Losses of tracks with several genres: sigmoids, one yes or no for each genre."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError

MULTILABEL_TAG = "multi_label"  # of kinds in the registry of losses whose targets are `[B, C]`


@LOSSES.register("binary_cross_entropy", MULTILABEL_TAG)
class BinaryCrossEntropy(nn.Module):
    """Mean over segments and genres of -w_j t_j log s_j - (1 - t_j) log(1 - s_j), s_j the sigmoid of a logit.

    Args:
        prevalence: `[C]` share of the train tracks that have each genre; needed with `pos_weight="balanced"`.
        pos_weight: w of genres that a track has, above 0; "balanced" is (1 - share) / share of each genre, at most
            `most`: a rare genre's few tracks weigh as much as all that lack it. Probabilities are then too high.
        most: largest weight with "balanced".

    Raises:
        ConfigError: a weight that is not above 0.
    """

    weight: Tensor

    def __init__(self, prevalence: Tensor, pos_weight: float | Literal["balanced"] = 1.0, most: float = 100.0) -> None:
        super().__init__()
        numbers = {"most": most} if pos_weight == "balanced" else {"pos_weight": pos_weight}
        for name, value in numbers.items():
            if not (isinstance(value, int | float) and 0 < value < math.inf):
                raise ConfigError([f"loss.{name}: {value} is not a number above 0"])
        if pos_weight == "balanced":
            share = prevalence.float().clamp(min=1e-9)
            weight = ((1 - share) / share).clamp(max=most)
        else:
            weight = torch.full((len(prevalence),), float(pos_weight))
        self.weighted = pos_weight != 1.0
        # Not in checkpoints: it follows from the train tracks and the configuration.
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B, C]` (0 or 1), in float32 whatever the logits' precision."""
        weight = self.weight if self.weighted else None  # all of 1 would only take time
        return binary_cross_entropy_with_logits(logits.float(), target.float(), pos_weight=weight)


@LOSSES.register("graph_sigmoid", MULTILABEL_TAG)
class GraphSigmoid(nn.Module):
    """Binary cross-entropy against targets softened on the graph: t_j = max of exp(-beta d_ij) over a track's genres i.

    The genres that a track has keep their 1, their neighbors get a share that falls with the distance to the nearest
    of them, unreachable ones 0. A large beta makes it binary cross-entropy; 0 calls every reachable genre right. What
    `graph_soft` is to cross-entropy (A27), for tracks with several genres.

    Args:
        distances: `[C, C]`, zero diagonal, inf where unreachable.
        beta: sharpness, 0 or more; per edge, or per largest distance with `normalize="max"`.
        normalize: "none" takes distances as they are.

    Raises:
        ConfigError: beta is negative or not finite.
    """

    kernel: Tensor

    def __init__(self, distances: Tensor, beta: float = 1.5, normalize: Literal["none", "max"] = "none") -> None:
        super().__init__()
        if not 0 <= beta < math.inf:
            raise ConfigError([f"loss.beta: {beta} is not a finite number of 0 or more"])
        finite = distances[torch.isfinite(distances)]
        self.largest = float(finite.max()) if finite.numel() else 0.0
        self.beta, self.normalize = float(beta), normalize
        unit = self.largest if normalize == "max" and self.largest > 0 else 1.0
        near = torch.exp(-self.beta * distances.double() / unit)
        near = torch.where(torch.isfinite(distances), near, 0.0)  # with beta 0 too, where 0 * inf is no number
        # Not in checkpoints: it follows from the taxonomy and beta, which stand there.
        self.register_buffer("kernel", near.float(), persistent=False)

    @property
    def betas(self) -> dict[str, float | None]:
        """Beta as configured and for distances divided by their maximum, for the run record."""
        return {"beta": self.beta, "effective_beta": self.beta * (1.0 if self.normalize == "max" else self.largest)}

    def soften(self, target: Tensor) -> Tensor:
        """Soft targets `[B, C]` of `target` `[B, C]` (0 or 1)."""
        rows, genres = target.nonzero(as_tuple=True)
        soft = torch.zeros_like(target, dtype=torch.float32)
        near = self.kernel.index_select(0, genres)  # [labels, C]
        return soft.scatter_reduce(0, rows[:, None].expand_as(near), near, "amax")

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B, C]` (0 or 1), in float32 whatever the logits' precision."""
        return binary_cross_entropy_with_logits(logits.float(), self.soften(target))

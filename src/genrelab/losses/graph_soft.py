"""The graph soft loss: cross-entropy against labels that fall with the distance on the genre graph."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from genrelab.losses.registry import LOSSES
from genrelab.losses.soft_targets import Kernel, constant_mass_targets, doubly_stochastic_targets, softmax_targets
from genrelab.utils.errors import ConfigError


@LOSSES.register("graph_soft")
class GraphSoft(nn.Module):
    """Mean of -sum_j w_yj log p_j with w_yj = exp(-beta d_yj) / sum_k exp(-beta d_yk) (A27).

    A large beta makes it cross-entropy, 0 makes every reachable genre equally right; unreachable genres get weight 0.
    With `normalize="max"` it is Bertinetto et al. 2020 ("Making Better Mistakes"), who divide distances by their
    maximum. Its gradient with respect to the logits is (p - w_y) / B. Rows that sum to 1 are not alike: of one beta,
    a genre with many neighbors keeps far less for itself than a remote one, which `scale` mends.

    Args:
        distances: `[C, C]`, zero diagonal, inf where unreachable.
        beta: sharpness, 0 or more; per edge, or per largest distance with `normalize="max"`. Not used with
            `scale="true_mass"`.
        normalize: "none" takes distances as they are.
        kernel: "exp" is exp(-beta d), "gauss" exp(-beta d^2), "power" (1 + d)^-beta, which has the longest tail.
        scale: "row" divides rows by their sums; "doubly_stochastic" scales rows and columns to 1 (Sinkhorn), so that
            hubs get no more of all labels than others; "true_mass" gives each row the beta that leaves `mass` to
            the true genre.
        mass: of the true genre with `scale="true_mass"`, in (0, 1]; 1 is cross-entropy.
        onehot: share of the one-hot label mixed in, in [0, 1]; 1 is cross-entropy.
        beta_start: beta of the first epoch, from which it goes to `beta` of the last in equal ratios (equal steps
            from or to 0); null keeps `beta`. Val and test losses are of `beta` always.

    Raises:
        ConfigError: out of range, or `beta_start` where no beta is used.
    """

    soft_targets: Tensor
    annealed_targets: Tensor

    def __init__(
        self,
        distances: Tensor,
        beta: float = 1.5,
        normalize: Literal["none", "max"] = "none",
        kernel: Kernel = "exp",
        scale: Literal["row", "doubly_stochastic", "true_mass"] = "row",
        mass: float = 0.5,
        onehot: float = 0.0,
        beta_start: float | None = None,
    ) -> None:
        super().__init__()
        _check(beta, scale, mass, onehot, beta_start)
        finite = distances[torch.isfinite(distances)]
        self.largest = float(finite.max()) if finite.numel() else 0.0
        self.beta, self.beta_start = float(beta), beta_start
        self.normalize, self.kernel, self.scale = normalize, kernel, scale
        self.mass, self.onehot = float(mass), float(onehot)
        unit = self.largest if normalize == "max" and self.largest > 0 else 1.0
        self._distances = distances.double().cpu() / unit
        # Not in checkpoints: they follow from the taxonomy and beta, which stand there.
        self.register_buffer("soft_targets", self._make_targets(self.beta), persistent=False)
        self.register_buffer("annealed_targets", self.soft_targets, persistent=False)

    @property
    def effective_beta(self) -> float | None:
        """Beta in Bertinetto's convention, for distances divided by their maximum; None for the power kernel."""
        if self.normalize == "max":
            return self.beta
        if self.kernel == "power":
            return None
        return self.beta * self.largest ** (2 if self.kernel == "gauss" else 1)

    @property
    def betas(self) -> dict[str, float | None]:
        """Beta as configured and as comparable with Bertinetto's, for the run record; empty where none is used."""
        return {} if self.scale == "true_mass" else {"beta": self.beta, "effective_beta": self.effective_beta}

    @property
    def true_share(self) -> float:
        """Share of the soft target that is on the true genre, mean over genres."""
        return float(self.soft_targets.diagonal().mean())

    def set_epoch(self, epoch: int, epochs: int) -> None:
        """Take the annealed beta of `epoch`, the first being 0, of `epochs`."""
        if self.beta_start is None:
            return
        done = min(epoch / (epochs - 1), 1.0) if epochs > 1 else 1.0
        first, last = self.beta_start, self.beta
        beta = first ** (1 - done) * last**done if first and last else first + (last - first) * done
        self.annealed_targets = self._make_targets(beta).to(self.soft_targets.device)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar of logits `[B, C]` and targets `[B]`, in float32 whatever the logits' precision."""
        log_p = torch.log_softmax(logits.float(), dim=1)  # [B, C]
        soft_targets = (self.annealed_targets if self.training else self.soft_targets).index_select(0, target)  # [B, C]
        return -(soft_targets * log_p).sum() / len(target)

    def _make_targets(self, beta: float) -> Tensor:
        if self.scale == "true_mass":
            soft = constant_mass_targets(self._distances, self.mass, self.kernel)
        else:
            make = softmax_targets if self.scale == "row" else doubly_stochastic_targets
            soft = make(self._distances, beta, self.kernel)
        mixed = self.onehot * torch.eye(len(soft), dtype=torch.float64) + (1 - self.onehot) * soft
        return mixed.float()


def _check(beta: float, scale: str, mass: float, onehot: float, beta_start: float | None) -> None:
    problems = [
        f"loss.{name}: {value} is not a finite number of 0 or more"
        for name, value in (("beta", beta), ("beta_start", beta_start))
        if value is not None and not 0 <= value < math.inf
    ]
    if not 0 < mass <= 1:
        problems.append(f"loss.mass: {mass} is not in (0, 1]")
    if not 0 <= onehot <= 1:
        problems.append(f"loss.onehot: {onehot} is not in [0, 1]")
    if beta_start is not None and scale == "true_mass":
        problems.append("loss.beta_start: scale=true_mass uses no beta; leave it null")
    if problems:
        raise ConfigError(problems)

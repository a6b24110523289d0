"""Soft labels from distances: kernels, and what each row is scaled to."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

Kernel = Literal["exp", "gauss", "power"]
SINKHORN_STEPS = 2000
BISECTIONS = 80


def log_kernel(distances: Tensor, kernel: Kernel = "exp") -> Tensor:
    """`[C, C]` float64 log of the kernel at beta 1, 0 at distance 0 and -inf where no path leads.

    Every kernel is exp(beta * log_kernel): exp(-beta d), exp(-beta d^2), (1 + d)^-beta.
    """
    distances = distances.double()
    if kernel == "gauss":
        return -(distances**2)
    return -torch.log1p(distances) if kernel == "power" else -distances


def softmax_targets(distances: Tensor, beta: float, kernel: Kernel = "exp") -> Tensor:
    """Rows of exp(-beta d) (or another kernel) that sum to 1, `[C, C]` float64; 0 where the distance is inf."""
    return torch.softmax(_scores(distances, beta, kernel), dim=1)


def doubly_stochastic_targets(distances: Tensor, beta: float, kernel: Kernel = "exp") -> Tensor:
    """Symmetric labels whose rows and columns sum to 1: u_i K_ij u_j (Sinkhorn and Knopp 1967), `[C, C]` float64.

    In rows that each sum to 1, hubs get more than their share of all labels; here no genre does. The symmetric
    iteration f <- (f - log sum_j K_ij exp f_j) / 2 runs until rows sum to 1 within 1e-9.
    """
    scores = _scores(distances, beta, kernel)
    scale = torch.zeros(len(scores), dtype=torch.float64)
    for _ in range(SINKHORN_STEPS):
        step = torch.logsumexp(scores + scale, dim=1) + scale  # log of the row sums
        if step.abs().max() < 1e-9:
            break
        scale = scale - step / 2
    return torch.exp(scores + scale + scale[:, None])


def constant_mass_targets(distances: Tensor, mass: float, kernel: Kernel = "exp") -> Tensor:
    """Rows that all give `mass` to the true genre, each by a beta of its own, `[C, C]` float64.

    A row whose reachable genres are so few that even equal shares give the true one more keeps equal shares.
    """
    scores = log_kernel(distances, kernel)
    finite = torch.isfinite(scores)
    if mass >= 1:
        return torch.eye(len(scores), dtype=torch.float64)
    near = scores.masked_fill(~finite | (scores == 0), -math.inf).amax(dim=1)  # the nearest other genre
    low = torch.zeros(len(scores), dtype=torch.float64)
    high = torch.where(torch.isfinite(near), (math.log(len(scores)) - math.log1p(-mass) + 50) / -near, 0.0)

    def labels(betas: Tensor) -> Tensor:
        scaled = torch.where(finite, betas[:, None] * scores.where(finite, 0.0), -math.inf)
        return torch.softmax(scaled, dim=1)

    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        above = labels(middle).diagonal() > mass
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return labels((low + high) / 2)


def _scores(distances: Tensor, beta: float, kernel: Kernel) -> Tensor:
    scores = log_kernel(distances, kernel)
    finite = torch.isfinite(scores)
    return torch.where(finite, beta * scores.where(finite, 0.0), -math.inf)  # 0 * inf would be NaN

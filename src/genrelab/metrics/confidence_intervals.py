"""Ends of intervals and p-values, of bootstrap draws and of shares."""

from __future__ import annotations

import numpy as np


def bootstrap_p_value(replicates: np.ndarray) -> float:
    """How often resampled differences fall on the rarer side of 0, twice; the sample itself counts as a draw."""
    tail = min((replicates <= 0).sum(), (replicates >= 0).sum()) + 1
    return float(min(1.0, 2 * tail / (len(replicates) + 1)))


def percentile_interval(replicates: np.ndarray, confidence: float) -> tuple[float, float]:
    """Ends of the percentile interval of bootstrap draws, NaN without any."""
    if not len(replicates):
        return float("nan"), float("nan")
    low, high = np.percentile(replicates, [50 * (1 - confidence), 50 * (1 + confidence)])
    return float(low), float(high)


def wilson_upper_bound_at_zero(n: int, confidence: float) -> float:
    """Upper Wilson bound of a share of which 0 of n were seen."""
    from statistics import NormalDist

    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    return z2 / (n + z2)

"""Ends of intervals and p-values, of bootstrap draws and of shares."""

from __future__ import annotations

import numpy as np


def two_sided_p(drawn: np.ndarray) -> float:
    """How often resampled differences fall on the rarer side of 0, twice; the sample itself counts as a draw."""
    tail = min((drawn <= 0).sum(), (drawn >= 0).sum()) + 1
    return float(min(1.0, 2 * tail / (len(drawn) + 1)))


def percentile_interval(drawn: np.ndarray, confidence: float) -> tuple[float, float]:
    """Ends of the percentile interval of bootstrap draws, NaN without any."""
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.percentile(drawn, [50 * (1 - confidence), 50 * (1 + confidence)])
    return float(low), float(high)


def wilson_at_zero(n: int, confidence: float) -> float:
    """Upper Wilson bound of a share of which 0 of n were seen."""
    from statistics import NormalDist

    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    return z2 / (n + z2)

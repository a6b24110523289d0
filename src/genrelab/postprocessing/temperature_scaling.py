"""Temperature scaling: probabilities that are as sure as they are right."""

from __future__ import annotations

import numpy as np

LOG_BOUND = float(np.log(100.0))  # of temperatures: 0.01 to 100
BISECTIONS = 60


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities over the last axis, float64."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    found: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


def fit_temperature(logits: np.ndarray, target: np.ndarray) -> float:
    """The T that makes softmax(logits / T) likeliest (Guo et al. 2017).

    The likelihood is concave in 1 / T, so that the root of its slope, mean_i(l_iy - E_p[l_i]), is bisected. Targets
    are smoothed by 1 / (N + 1), as Platt's are: answers that are all right on few tracks must not make sure of the
    next one (T = 0). No rows leave T = 1.

    Args:
        logits: `[N, C]`.
        target: `[N]`.
    """
    if not len(target):
        return 1.0
    logits = np.asarray(logits, dtype=np.float64)
    doubt = 1 / (len(target) + 1)
    right = (1 - doubt) * logits[np.arange(len(target)), target].mean() + doubt * logits.mean()
    low, high = -LOG_BOUND, LOG_BOUND  # of log(1 / T)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        log_p = log_softmax(logits * np.exp(middle))
        if right > (np.exp(log_p) * logits).sum(axis=1).mean():
            low = middle  # sharper is likelier
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))

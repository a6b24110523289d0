"""Resizing of pictures: averages by area, and linear interpolation where there are to be more rows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np


def resize(feature_map: np.ndarray, rows: int | None, frames: int | None) -> np.ndarray:
    """Resize [H, T] to [rows, frames] float32; None leaves an axis as it is.

    Time is averaged by area: each new column is the mean of the old ones it covers, weighted by the overlap, so
    that nothing between two samples is lost. Rows likewise where they become fewer; more are interpolated.
    """
    height, width = feature_map.shape
    if frames is not None and frames != width:
        feature_map = (area_weights(width, frames) @ feature_map.T).T
    if rows is not None and rows != height:
        weights = area_weights(height, rows) if rows < height else linear_weights(height, rows)
        feature_map = weights @ feature_map
    return np.array(feature_map, dtype=np.float32, order="C")  # always a copy: a backend may use its arrays again


@lru_cache(maxsize=64)
def area_weights(n: int, m: int) -> Any:
    """Sparse [m, n] float32: the share of input cell i in output cell j, rows summing to 1 (box averaging)."""
    import scipy.sparse

    theirs, ours = np.arange(m)[:, None] * n / m, np.arange(n)[None]
    overlap = np.minimum(ours + 1, theirs + n / m) - np.maximum(ours, theirs)
    weights = np.maximum(overlap, 0.0)
    return scipy.sparse.csr_array((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))


@lru_cache(maxsize=64)
def linear_weights(n: int, m: int) -> Any:
    """Sparse [m, n] float32: linear interpolation at the centers of m cells laid over n, ends held."""
    import scipy.sparse

    at = np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(n)[None] - at[:, None]))
    return scipy.sparse.csr_array(weights.astype(np.float32))

"""Colors that fit a feature: the gallery and the report draw alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIGNED = ("coefficient", "position")


@dataclass(frozen=True)
class ColorScale:
    """How values become colors.

    Args:
        map: name of a matplotlib color map.
        low: the value of its first color.
        high: the value of its last color.
        signed: 0 is in the middle; values beyond the ends are clipped.
    """

    cmap: str
    vmin: float
    vmax: float
    signed: bool = False

    def to_uint8(self, feature_map: np.ndarray) -> np.ndarray:
        """A picture as places on the map, uint8."""
        shares = (np.nan_to_num(np.asarray(feature_map, np.float64)) - self.vmin) / (self.vmax - self.vmin)
        return np.asarray(np.round(255 * shares.clip(0, 1)), np.uint8)


def colormap_for(unit: str, feature_map: np.ndarray) -> ColorScale:
    """Signed values around white, shares of a maximum, or heat over all but the outermost values.

    Args:
        unit: of the feature's kind (`TimeFrequencyFeature.unit`).
        feature_map: `[H, W]`.
    """
    feature_map = np.nan_to_num(np.asarray(feature_map, np.float64))
    if unit in SIGNED:
        # The first coefficients are a hundred times the others: the map spans what 90 % of the values reach.
        limit = float(np.quantile(np.abs(feature_map), 0.9)) or 1.0
        return ColorScale("RdBu_r", -limit, limit, signed=True)
    if unit == "share":
        return ColorScale("viridis", 0.0, max(float(feature_map.max()), 1e-6))
    low, high = (float(end) for end in np.percentile(feature_map, [0.1, 99.5]))
    return ColorScale("magma", low, high if high > low else low + 1.0)

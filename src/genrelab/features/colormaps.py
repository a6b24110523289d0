"""Colours that fit a feature: the gallery and the report draw alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIGNED = ("coefficient", "position")


@dataclass(frozen=True)
class Colours:
    """How values become colours.

    Args:
        map: name of a matplotlib colour map.
        low: the value of its first colour.
        high: the value of its last colour.
        signed: 0 is in the middle; values beyond the ends are clipped.
    """

    map: str
    low: float
    high: float
    signed: bool = False

    def steps(self, picture: np.ndarray) -> np.ndarray:
        """A picture as places on the map, uint8."""
        shares = (np.nan_to_num(np.asarray(picture, np.float64)) - self.low) / (self.high - self.low)
        return np.asarray(np.round(255 * shares.clip(0, 1)), np.uint8)


def colormap_for(unit: str, picture: np.ndarray) -> Colours:
    """Signed values around white, shares of a maximum, or heat over all but the outermost values.

    Args:
        unit: of the feature's kind (`TimeFrequencyFeature.unit`).
        picture: `[H, W]`.
    """
    picture = np.nan_to_num(np.asarray(picture, np.float64))
    if unit in SIGNED:
        # The first coefficients are a hundred times the others: the map spans what 90 % of the values reach.
        limit = float(np.quantile(np.abs(picture), 0.9)) or 1.0
        return Colours("RdBu_r", -limit, limit, signed=True)
    if unit == "share":
        return Colours("viridis", 0.0, max(float(picture.max()), 1e-6))
    low, high = (float(end) for end in np.percentile(picture, [0.1, 99.5]))
    return Colours("magma", low, high if high > low else low + 1.0)

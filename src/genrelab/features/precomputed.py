"""Features that a dataset brings along: tables, embeddings, pictures. There is no audio to compute any from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genrelab.utils.errors import GenrelabError


@dataclass(frozen=True)
class PrecomputedFeature:
    """One feature of every row.

    Args:
        name: short ("tabular57", "ssd").
        values: `[N, D]` vectors or `[N, H, W]` pictures (row 0 is the lowest band); float32, float16 or uint8. A memory
            map is read in parts.
        columns: names of a vector's values, for tables and reports.
    """

    name: str
    values: np.ndarray
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class PrecomputedFeatures:
    """The features of a dataset's segments.

    Args:
        track_id: `[N]` str; a track has one row or several.
        segment: `[N]` int, the place of the row's segment in its track.
        features: each with N rows.

    Raises:
        GenrelabError: lengths that differ, a shape that is neither vector nor picture, a row that stands twice.
    """

    track_id: np.ndarray
    segment: np.ndarray
    features: tuple[PrecomputedFeature, ...]

    def __post_init__(self) -> None:
        count = len(self.track_id)
        for feature in self.features:
            if len(feature.values) != count or len(self.segment) != count:
                raise GenrelabError(f"feature {feature.name}: {len(feature.values)} rows for {count} segments")
            if feature.values.ndim not in (2, 3):
                raise GenrelabError(
                    f"feature {feature.name}: rows of shape {list(feature.values.shape[1:])}; "
                    "vectors [D] and pictures [H, W] can be learnt from"
                )
        if len(set(zip(self.track_id.tolist(), self.segment.tolist(), strict=True))) < count:
            raise GenrelabError("a segment stands twice among the dataset's features; number a track's segments")


def segment_numbers(track_ids: Sequence[str]) -> np.ndarray:
    """`[N]` the place of each row among those of its track, in the order they stand in."""
    seen: dict[str, int] = {}
    places = []
    for track in track_ids:
        places.append(seen.get(track, 0))
        seen[track] = places[-1] + 1
    return np.array(places, dtype=np.int64)

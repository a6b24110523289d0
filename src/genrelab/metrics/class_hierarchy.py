"""The class hierarchy that predictions are scored on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ClassHierarchy:
    """Genres on their graph, in their supergenres and clusters.

    Args:
        distances: `[C, C]` on the graph.
        supergenres: `[C]` number of each genre's supergenre.
        clusters: `[C]` number of each genre's cluster.
        medoid: the constant prediction that distance skill is measured against; None: the best one for the targets.
        ancestor_pairs: `[P, 2]` genres and those below them, for consistency; None: consistency is NaN.
    """

    distances: np.ndarray
    supergenres: np.ndarray
    clusters: np.ndarray
    medoid: int | None = None
    ancestor_pairs: np.ndarray | None = None

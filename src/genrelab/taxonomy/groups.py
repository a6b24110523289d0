"""The groups of genres as numbers: supergenres, and clusters of them."""

from __future__ import annotations

import numpy as np

from genrelab.taxonomy.taxonomy import Taxonomy


def supergenre_index(taxonomy: Taxonomy) -> np.ndarray:
    """`[C]` number of each genre's supergenre, by first appearance."""
    return _numbered(taxonomy.supergenre_of)


def cluster_index(taxonomy: Taxonomy) -> np.ndarray:
    """`[C]` number of each genre's cluster; 0 for all where there are none, a supergenre outside them is its own."""
    if not taxonomy.clusters:
        return np.zeros(len(taxonomy), dtype=np.int64)
    cluster_of = {code: f"cluster:{name}" for name, codes in taxonomy.clusters.items() for code in codes}
    return _numbered([cluster_of.get(code, code) for code in taxonomy.supergenre_of])


def _numbered(names: tuple[str, ...] | list[str]) -> np.ndarray:
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], dtype=np.int64)

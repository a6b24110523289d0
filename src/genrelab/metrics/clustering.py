"""How well clusters agree with genres, whatever they are called."""

from __future__ import annotations

import numpy as np

SHUFFLES = 100


def contingency(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`[A, B]` how often each value of `a [N]` meets each of `b [N]`, float64."""
    places_a, places_b = (np.unique(values, return_inverse=True)[1].ravel() for values in (a, b))
    counts = np.zeros((places_a.max(initial=-1) + 1, places_b.max(initial=-1) + 1))
    np.add.at(counts, (places_a, places_b), 1)
    return counts


def adjusted_rand(a: np.ndarray, b: np.ndarray) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985): 1 where both part alike, 0 by chance, below where worse."""
    counts = contingency(a, b)
    together, of_a, of_b, all_ = (
        (n * (n - 1) / 2).sum() for n in (counts, counts.sum(axis=1), counts.sum(axis=0), counts.sum())
    )
    if not all_:
        return 1.0
    chance, most = of_a * of_b / all_, (of_a + of_b) / 2
    return 1.0 if most == chance else float((together - chance) / (most - chance))


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """Mutual information over the mean of both entropies (NMI): 0 where one tells nothing of the other, 1 where all.

    By chance it is above 0, the more so the fewer rows there are for each pair: see `chance_information`.
    """
    p = contingency(a, b)
    p /= max(p.sum(), 1.0)
    of_a, of_b = p.sum(axis=1), p.sum(axis=0)
    entropies = _entropy(of_a) + _entropy(of_b)
    if entropies == 0:
        return 1.0
    shared = entropies - _entropy(p.ravel())
    return float(max(shared, 0.0) / (entropies / 2))


def chance_information(a: np.ndarray, b: np.ndarray, shuffles: int = SHUFFLES, seed: int = 0) -> float:
    """Mean NMI of shuffled clusters of the same sizes."""
    generator = np.random.default_rng(seed)
    return float(np.mean([mutual_information(generator.permutation(a), b) for _ in range(shuffles)]))


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())

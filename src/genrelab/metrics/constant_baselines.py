"""Answers that know nothing of the music: what every score is read against."""

from __future__ import annotations

import numpy as np

from genrelab.metrics.classification import Counts, fill_unreachable, medoid_class, scores, scores_from_counts

MAJORITY, MEDOID, RANDOM = "majority genre", "medoid genre", "uniform random"


def baseline_scores(
    target: np.ndarray, train_counts: np.ndarray, distances: np.ndarray, supergenres: np.ndarray
) -> dict[str, dict[str, float]]:
    """Scores of the trivial baselines on the same targets, by the same function as every other score.

    - majority: always the genre that is commonest in train; its other answers follow in that order.
    - medoid: always the genre that lies nearest to the train targets; its other answers are that one's neighbors.
    - random: every genre alike, in expectation (no draw, so no noise).

    Args:
        target: `[N]` of the rows that are scored.
        train_counts: `[C]` train tracks of each genre.
        distances: `[C, C]`.
        supergenres: `[C]`.

    Returns:
        baseline -> metric -> value.
    """
    medoid = medoid_class(distances, train_counts)
    prior = np.log((np.asarray(train_counts, dtype=np.float64) + 0.5) / (np.sum(train_counts) + 0.5 * len(distances)))
    constant_logits = {MAJORITY: prior, MEDOID: -fill_unreachable(distances)[medoid]}
    found = {
        name: scores(np.tile(logits, (len(target), 1)), target, distances, supergenres, medoid)
        for name, logits in constant_logits.items()
    }
    del found[MEDOID]["nll"]  # it gives no probabilities
    found[RANDOM] = scores_from_counts(random_counts(target, supergenres), distances, supergenres, medoid)
    return found


def random_counts(target: np.ndarray, supergenres: np.ndarray) -> Counts:
    """Counts as if each target were answered by every genre once: uniform guessing in expectation."""
    classes = len(supergenres)
    support = np.bincount(np.asarray(target, dtype=np.int64), minlength=classes)
    size = np.bincount(supergenres)[supergenres]
    miss = np.ones(classes)  # three guesses without repetition, none in the right supergenre
    for guess in range(min(3, classes)):
        miss *= np.maximum(classes - size - guess, 0) / (classes - guess)
    n = len(target) * classes
    hits = {f"top{k}": float(len(target) * min(k, classes)) for k in (3, 5)}
    hits["supergenre_top3"] = float((support * (1 - miss)).sum() * classes)
    return Counts(np.tile(support[:, None], (1, classes)), hits, n * float(np.log(classes)), n)

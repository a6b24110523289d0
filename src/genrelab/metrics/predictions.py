"""Answers with what is right, and what they share with the truth on the tree genre < supergenre < cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genrelab.metrics.class_hierarchy import ClassHierarchy
from genrelab.metrics.classification import log_probabilities, top_k_classes


@dataclass(frozen=True)
class HierarchicalPredictions:
    """Answers to some rows, segments or tracks, as `decide.DecisionResult` with what is right.

    Args:
        log_prob: `[N, C]` log-probabilities, or logits.
        target: `[N]`.
        track: `[N]`.
        prediction: `[N]` the genre answered; by default the likeliest.
        level: `[N]` 0 where the genre is said, 1 where its supergenre alone is, 2 a cluster, 3 nothing.
        index: `[N]` number of what is said; by default the answer.
    """

    log_prob: np.ndarray
    target: np.ndarray
    track: np.ndarray
    prediction: np.ndarray | None = None
    level: np.ndarray | None = None
    index: np.ndarray | None = None

    def __post_init__(self) -> None:
        prediction = top_k_classes(self.log_prob, 1)[:, 0] if self.prediction is None else self.prediction
        filled = {
            "target": np.asarray(self.target, dtype=np.int64),
            "prediction": prediction,
            "level": np.zeros(len(prediction), dtype=np.int64) if self.level is None else self.level,
            "index": prediction if self.index is None else self.index,
        }
        for name, values in filled.items():
            object.__setattr__(self, name, values)


def prediction_confidence(predictions: HierarchicalPredictions) -> tuple[np.ndarray, np.ndarray]:
    """`[N]` probability of each answer, and whether it is right."""
    prediction = filled(predictions.prediction)
    confidence = np.exp(log_probabilities(predictions.log_prob)[np.arange(len(prediction)), prediction])
    return confidence.round(12), prediction == predictions.target  # what differs by rounding alone is tied


def filled(values: np.ndarray | None) -> np.ndarray:
    """A field that `HierarchicalPredictions` fills where it is left out."""
    assert values is not None
    return values


def shared_ancestor_counts(
    predictions: HierarchicalPredictions, hierarchy: ClassHierarchy
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`[N]` how many ancestors truth and answer share, how many the answer has, how many the truth has.

    A node is its own ancestor, and the root, which all share, is none (Kiritchenko et al. 2006). Levels that tell
    nothing (one group, or the same groups as the level below) do not count.
    """
    levels = _levels(hierarchy)
    target, level_of_row, index = predictions.target, filled(predictions.level), filled(predictions.index)
    counts = [len(np.unique(numbers)) for numbers in levels]
    informative = [True, 1 < counts[1] < counts[0], 1 < counts[2] < counts[1]]
    n_shared, n_predicted = np.zeros(len(target)), np.zeros(len(target))
    for low, numbers in enumerate(levels):
        at = np.flatnonzero(level_of_row == low)
        first = np.zeros(int(numbers.max()) + 1, dtype=np.int64)
        first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # a genre of each group leads to the groups above
        member = first[index[at]]
        for level in range(low, 3):
            if informative[level]:
                n_predicted[at] += 1
                n_shared[at] += levels[level][member] == levels[level][target[at]]
    return n_shared, n_predicted, np.full(len(target), float(sum(informative)))


def covers_target(predictions: HierarchicalPredictions, hierarchy: ClassHierarchy) -> np.ndarray:
    """`[N]` whether what is said, be it a genre or a group, holds the truth; saying nothing does not."""
    level_of_row, index = filled(predictions.level), filled(predictions.index)
    found = np.zeros(len(level_of_row), dtype=bool)
    for level, numbers in enumerate(_levels(hierarchy)):
        at = level_of_row == level
        found[at] = numbers[predictions.target[at]] == index[at]
    return found


def _levels(hierarchy: ClassHierarchy) -> list[np.ndarray]:
    """Genre, supergenre, cluster, each `[C]`."""
    return [np.arange(len(hierarchy.supergenres)), hierarchy.supergenres, hierarchy.clusters]

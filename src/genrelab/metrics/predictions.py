"""Answers with what is right, and what they share with the truth on the tree genre < supergenre < cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genrelab.metrics.classification import log_probabilities, top_answers


@dataclass(frozen=True)
class Tree:
    """Where genres stand: `distances` `[C, C]`, and the numbers of their `supergenres` and `clusters`, `[C]` each."""

    distances: np.ndarray
    supergenres: np.ndarray
    clusters: np.ndarray


@dataclass(frozen=True)
class Answers:
    """Answers to some rows, segments or tracks, as `decide.Decided` with what is right.

    Args:
        log_prob: `[N, C]` log-probabilities, or logits.
        target: `[N]`.
        track: `[N]`.
        answer: `[N]` the genre answered; by default the likeliest.
        height: `[N]` 0 where the genre is said, 1 where its supergenre alone is, 2 a cluster, 3 nothing.
        group: `[N]` number of what is said; by default the answer.
    """

    log_prob: np.ndarray
    target: np.ndarray
    track: np.ndarray
    answer: np.ndarray | None = None
    height: np.ndarray | None = None
    group: np.ndarray | None = None

    def __post_init__(self) -> None:
        answer = top_answers(self.log_prob, 1)[:, 0] if self.answer is None else self.answer
        filled = {
            "target": np.asarray(self.target, dtype=np.int64),
            "answer": answer,
            "height": np.zeros(len(answer), dtype=np.int64) if self.height is None else self.height,
            "group": answer if self.group is None else self.group,
        }
        for name, values in filled.items():
            object.__setattr__(self, name, values)


def confidence_of(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """`[N]` probability of each answer, and whether it is right."""
    answer = chosen(answers.answer)
    sure = np.exp(log_probabilities(answers.log_prob)[np.arange(len(answer)), answer])
    return sure.round(12), answer == answers.target  # what differs by rounding alone is tied


def chosen(values: np.ndarray | None) -> np.ndarray:
    """A field that `Answers` fills where it is left out."""
    assert values is not None
    return values


def shared_ancestors(answers: Answers, tree: Tree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`[N]` how many ancestors truth and answer share, how many the answer has, how many the truth has.

    A node is its own ancestor, and the root, which all share, is none (Kiritchenko et al. 2006). Levels that tell
    nothing (one group, or the same groups as the level below) do not count.
    """
    levels = _levels(tree)
    target, height, group = answers.target, chosen(answers.height), chosen(answers.group)
    counts = [len(np.unique(numbers)) for numbers in levels]
    telling = [True, 1 < counts[1] < counts[0], 1 < counts[2] < counts[1]]
    held, said = np.zeros(len(target)), np.zeros(len(target))
    for low, numbers in enumerate(levels):
        at = np.flatnonzero(height == low)
        first = np.zeros(int(numbers.max()) + 1, dtype=np.int64)
        first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # a genre of each group leads to the groups above
        member = first[group[at]]
        for level in range(low, 3):
            if telling[level]:
                said[at] += 1
                held[at] += levels[level][member] == levels[level][target[at]]
    return held, said, np.full(len(target), float(sum(telling)))


def holds(answers: Answers, tree: Tree) -> np.ndarray:
    """`[N]` whether what is said, be it a genre or a group, holds the truth; saying nothing does not."""
    height, group = chosen(answers.height), chosen(answers.group)
    found = np.zeros(len(height), dtype=bool)
    for level, numbers in enumerate(_levels(tree)):
        at = height == level
        found[at] = numbers[answers.target[at]] == group[at]
    return found


def _levels(tree: Tree) -> list[np.ndarray]:
    """Genre, supergenre, cluster, each `[C]`."""
    return [np.arange(len(tree.supergenres)), tree.supergenres, tree.clusters]

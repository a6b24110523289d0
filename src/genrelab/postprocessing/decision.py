"""What a decision is, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class DecisionResult:
    """Answers to some rows, segments or tracks.

    Args:
        log_prob: `[N, C]` the probabilities that go with the answers, their logarithms.
        prediction: `[N]` the genre that is answered.
        level: `[N]` how far the answer backs off: 0 names the genre, 1 a supergenre, 2 a cluster, 3 nothing.
        index: `[N]` number of the genre, supergenre or cluster that is answered; -1 where nothing is.
    """

    log_prob: np.ndarray
    prediction: np.ndarray
    level: np.ndarray
    index: np.ndarray

    @classmethod
    def from_classes(cls, log_prob: np.ndarray, prediction: np.ndarray | None = None) -> DecisionResult:
        """Answers that name genres, the likeliest by default."""
        prediction = log_prob.argmax(axis=1) if prediction is None else prediction
        return cls(log_prob, prediction, np.zeros(len(prediction), dtype=np.int64), prediction)

    @property
    def ranking_scores(self) -> np.ndarray:
        """`[N, C]` scores that put the answer first and leave the others in the order of their probabilities."""
        ranked = np.array(self.log_prob)
        ranked[np.arange(len(ranked)), self.prediction] = ranked.max(axis=1, initial=0.0) + 1.0
        return ranked


class DecisionRule(Protocol):
    """A rule from logits to answers, fitted on val alone."""

    def fit(self, logits: np.ndarray, target: np.ndarray) -> None:
        """Learn what the rule needs from logits `[N, C]` and targets `[N]` of val."""

    def decide(self, logits: np.ndarray) -> DecisionResult:
        """Answers to logits `[N, C]`."""

    @property
    def fitted(self) -> dict[str, float]:
        """What was learnt on val, for the record."""

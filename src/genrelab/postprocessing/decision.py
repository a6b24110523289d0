"""What a decision is, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Decided:
    """Answers to some rows, segments or tracks.

    Args:
        log_prob: `[N, C]` the probabilities that go with the answers, their logarithms.
        answer: `[N]` the genre that is answered.
        height: `[N]` how far the answer backs off: 0 names the genre, 1 a supergenre, 2 a cluster, 3 nothing.
        group: `[N]` number of the genre, supergenre or cluster that is answered; -1 where nothing is.
    """

    log_prob: np.ndarray
    answer: np.ndarray
    height: np.ndarray
    group: np.ndarray

    @classmethod
    def of_genres(cls, log_prob: np.ndarray, answer: np.ndarray | None = None) -> Decided:
        """Answers that name genres, the likeliest by default."""
        answer = log_prob.argmax(axis=1) if answer is None else answer
        return cls(log_prob, answer, np.zeros(len(answer), dtype=np.int64), answer)

    @property
    def ranking(self) -> np.ndarray:
        """`[N, C]` scores that put the answer first and leave the others in the order of their probabilities."""
        ranked = np.array(self.log_prob)
        ranked[np.arange(len(ranked)), self.answer] = ranked.max(axis=1, initial=0.0) + 1.0
        return ranked


class Decision(Protocol):
    """A rule from logits to answers, fitted on val alone."""

    def fit(self, logits: np.ndarray, target: np.ndarray) -> None:
        """Learn what the rule needs from logits `[N, C]` and targets `[N]` of val."""

    def decide(self, logits: np.ndarray) -> Decided:
        """Answers to logits `[N, C]`."""

    @property
    def fitted(self) -> dict[str, float]:
        """What was learnt on val, for the record."""

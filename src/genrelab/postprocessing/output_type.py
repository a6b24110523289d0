"""How logits are read: one genre of all (softmax), or a yes or no for each genre (sigmoid, target=multi_label).

The one place where the two differ. Whatever uses a run asks `reading_of` for its reading and goes on alike:

    reading.probabilities(logits [..., C], temperature) -> [..., C]     reading.logits(probabilities) back again
    reading.normalised(logits [..., C]) -> [..., C]                     log-probabilities, or log-odds
    reading.join(logits [N, C], track [N]) -> logits [T, C], tracks     the answer to a track from its segments'
    reading.module(logits tensor) -> probabilities tensor               the same for an exported network
    reading.energy(logits), reading.entropy(probabilities)              how little the network finds, how unsure it is
    reading.scores(logits, target, judge)                               metrics; .draws(...) over resamples of tracks
    reading.metrics, .direction, .first, .chosen_by                     names: all, which way is better, the headline
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from genrelab.metrics import LABEL_DIRECTION, LABEL_METRICS, METRICS, Draws, draw_scores, scores
from genrelab.metrics.multilabel import (
    LABEL_HOWS,
    LabelAnswers,
    LabelHow,
    draw_label_scores,
    join_tracks,
    label_scores,
    sigmoid,
)
from genrelab.metrics.registry import DIRECTION, Direction
from genrelab.postprocessing.aggregation import HOWS, How, aggregate
from genrelab.postprocessing.temperature_scaling import log_softmax

if TYPE_CHECKING:
    from torch import Tensor

TINY = 1e-12  # of probabilities, before a logarithm


@dataclass(frozen=True)
class Judge:
    """What answers are measured against.

    Args:
        distances: `[C, C]` on the graph.
        supergenres: `[C]` number of each genre's supergenre.
        medoid: the constant answer that distance skill is measured against.
        pairs: `[P, 2]` genres and those below them, for consistency.
    """

    distances: np.ndarray
    supergenres: np.ndarray
    medoid: int
    pairs: np.ndarray


class Reading(Protocol):
    """See the head of the module."""

    several: bool
    metrics: Mapping[str, str]
    direction: Mapping[str, Direction]
    first: str  # the metric that is named first
    chosen_by: str  # the metric on val's tracks by which runs are chosen
    decision: str  # the usual one
    hows: tuple[str, ...]  # rules that join segments to a track, the usual one first
    joining: str  # that one in words

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """`[..., C]` float64."""

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        """The logits of these probabilities, finite."""

    def normalised(self, logits: np.ndarray) -> np.ndarray:
        """Logits `[..., C]` of the same probabilities, of which alone they are made: log-probabilities, or log-odds."""

    def join(self, logits: np.ndarray, track: np.ndarray, how: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Logits `[T, C]` of tracks from those of segments `[N, C]`, and the tracks, sorted; `how` is one of `hows`."""

    def module(self, logits: Tensor) -> Tensor:
        """Probabilities of a tensor, by operations that exporters know."""

    def energy(self, logits: np.ndarray) -> np.ndarray:
        """`[N]`, low where nothing learnt is found."""

    def entropy(self, probabilities: np.ndarray) -> np.ndarray:
        """`[N]` as a share of the most there can be."""

    def scores(self, logits: np.ndarray, target: np.ndarray, judge: Judge) -> dict[str, float]:
        """Metric -> value, of logits `[N, C]` and targets `[N]`, or `[N, C]` bool."""

    def draws(self, logits: np.ndarray, target: np.ndarray, track: np.ndarray, judge: Judge, n: int = 1000) -> Draws:
        """Metrics over resamples of tracks; the same tracks for every run with these rows."""


class Softmax:
    """One genre a track: probabilities sum to 1."""

    several = False
    metrics: Mapping[str, str] = METRICS
    direction: Mapping[str, Direction] = DIRECTION
    first = "accuracy"
    chosen_by = "distance"
    decision = "argmax"
    hows = HOWS
    joining = "mean of the windows' log-probabilities, divided by temperature.track"

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Softmax."""
        found: np.ndarray = np.exp(log_softmax(np.asarray(logits, np.float64) / temperature))
        return found

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        """Logarithms."""
        found: np.ndarray = np.log(np.maximum(probabilities, TINY))
        return found

    def normalised(self, logits: np.ndarray) -> np.ndarray:
        """Log-probabilities."""
        return log_softmax(logits)

    def join(self, logits: np.ndarray, track: np.ndarray, how: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See `aggregate`."""
        return aggregate(logits, track, cast(How, how or self.hows[0]))

    def module(self, logits: Tensor) -> Tensor:
        """Softmax."""
        return logits.softmax(dim=-1)

    def energy(self, logits: np.ndarray) -> np.ndarray:
        """Log-sum-exp (Liu et al. 2020)."""
        logits = np.asarray(logits, np.float64)
        found: np.ndarray = logits.max(axis=1) - log_softmax(logits).max(axis=1)
        return found

    def entropy(self, probabilities: np.ndarray) -> np.ndarray:
        """Of the distribution, over log C."""
        p = np.maximum(probabilities, TINY)
        found: np.ndarray = -(p * np.log(p)).sum(axis=1) / np.log(max(p.shape[1], 2))
        return found

    def scores(self, logits: np.ndarray, target: np.ndarray, judge: Judge) -> dict[str, float]:
        """See `metrics.scores`."""
        return scores(logits, target, judge.distances, judge.supergenres, judge.medoid)

    def draws(self, logits: np.ndarray, target: np.ndarray, track: np.ndarray, judge: Judge, n: int = 1000) -> Draws:
        """See `metrics.draw_scores`."""
        return draw_scores(logits, target, track, judge.distances, judge.supergenres, judge.medoid, n)


class Sigmoid:
    """Any number of genres a track: each a probability of its own, which do not sum to 1."""

    several = True
    metrics: Mapping[str, str] = LABEL_METRICS
    direction: Mapping[str, Direction] = LABEL_DIRECTION
    first = "pr_auc"
    chosen_by = "pr_auc"
    decision = "thresholds"
    hows = LABEL_HOWS
    joining = "mean of the windows' probabilities"

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Sigmoids."""
        return sigmoid(np.asarray(logits, np.float64) / temperature)

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        """Logarithms of the odds."""
        p = np.clip(probabilities, TINY, 1 - TINY)
        found: np.ndarray = np.log(p) - np.log1p(-p)
        return found

    def normalised(self, logits: np.ndarray) -> np.ndarray:
        """As they are: log-odds."""
        return np.asarray(logits, np.float64)

    def join(self, logits: np.ndarray, track: np.ndarray, how: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See `join_tracks`."""
        return join_tracks(logits, track, cast(LabelHow, how or self.hows[0]))

    def module(self, logits: Tensor) -> Tensor:
        """Sigmoids."""
        return logits.sigmoid()

    def energy(self, logits: np.ndarray) -> np.ndarray:
        """Sum of log(1 + exp(logit)), the joint energy of yeses (Wang et al. 2021)."""
        found: np.ndarray = np.logaddexp(0, np.asarray(logits, np.float64)).sum(axis=1)
        return found

    def entropy(self, probabilities: np.ndarray) -> np.ndarray:
        """Mean of the genres', over log 2."""
        p = np.clip(probabilities, TINY, 1 - TINY)
        found: np.ndarray = -(p * np.log(p) + (1 - p) * np.log1p(-p)).mean(axis=1) / np.log(2)
        return found

    def scores(self, logits: np.ndarray, target: np.ndarray, judge: Judge) -> dict[str, float]:
        """See `metrics.multi_label.label_scores`."""
        return label_scores(LabelAnswers(logits, target, np.arange(len(logits))), judge.pairs)

    def draws(self, logits: np.ndarray, target: np.ndarray, track: np.ndarray, judge: Judge, n: int = 1000) -> Draws:
        """See `metrics.multi_label.draw_label_scores`."""
        return draw_label_scores(LabelAnswers(logits, target, track), judge.pairs, n)


SOFTMAX: Reading = Softmax()
SIGMOID: Reading = Sigmoid()


def reading_of(several: bool) -> Reading:
    """The reading of a run: `several` genres a track, or one."""
    return SIGMOID if several else SOFTMAX

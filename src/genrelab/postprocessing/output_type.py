"""Output types: one genre of all (multiclass, softmax), or a yes or no for each genre (multilabel, sigmoid).

The one place where the two differ. Whatever uses a run asks `get_output_type` for its output type and goes on alike:

    output_type.probabilities(logits [..., C], temperature) -> [..., C]        output_type.logits(...) back again
    output_type.log_probs_or_logits(logits [..., C]) -> [..., C]               log-probabilities, or log-odds
    output_type.aggregate(logits [N, C], track [N]) -> logits [T, C], tracks   of tracks, from their segments'
    output_type.tensor_probabilities(logits tensor) -> probabilities tensor    the same for an exported network
    output_type.energy(logits), output_type.entropy(probabilities)             for out-of-distribution detection
    output_type.scores(logits, target, hierarchy), .bootstrap(...)             metrics; the same over resampled tracks
    output_type.metrics, .direction, .primary_metric, .selection_metric        names and directions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from genrelab.metrics import (
    METRICS,
    MULTILABEL_DIRECTION,
    MULTILABEL_METRICS,
    BootstrapResult,
    ClassHierarchy,
    bootstrap_scores,
    scores,
)
from genrelab.metrics.multilabel import (
    MULTILABEL_AGGREGATION_METHODS,
    MultilabelAggregationMethod,
    MultilabelPredictions,
    aggregate_multilabel_segments,
    bootstrap_multilabel_scores,
    multilabel_scores,
    sigmoid,
)
from genrelab.metrics.registry import DIRECTION, Direction
from genrelab.postprocessing.aggregation import AGGREGATION_METHODS, AggregationMethod, aggregate_segments
from genrelab.postprocessing.temperature_scaling import log_softmax

if TYPE_CHECKING:
    from torch import Tensor

TINY = 1e-12  # of probabilities, before a logarithm


class OutputType(Protocol):
    """See the head of the module."""

    multilabel: bool
    metrics: Mapping[str, str]
    direction: Mapping[str, Direction]
    primary_metric: str  # the metric that is named first
    selection_metric: str  # the metric on val's tracks by which runs are chosen
    default_decision: str  # the usual one
    aggregations: tuple[str, ...]  # rules that join segments to a track, the usual one first
    aggregation_description: str  # that one in words

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """`[..., C]` float64."""

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        """The logits of these probabilities, finite."""

    def log_probs_or_logits(self, logits: np.ndarray) -> np.ndarray:
        """Logits `[..., C]` of the same probabilities, of which alone they are made: log-probabilities, or log-odds."""

    def aggregate(
        self, logits: np.ndarray, track: np.ndarray, method: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Logits `[T, C]` of tracks from those of segments `[N, C]`, and the tracks, sorted; see `aggregations`."""

    def tensor_probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities of a tensor, by operations that exporters know."""

    def energy(self, logits: np.ndarray) -> np.ndarray:
        """`[N]`, low where nothing learnt is found."""

    def entropy(self, probabilities: np.ndarray) -> np.ndarray:
        """`[N]` as a share of the most there can be."""

    def scores(self, logits: np.ndarray, target: np.ndarray, hierarchy: ClassHierarchy) -> dict[str, float]:
        """Metric -> value, of logits `[N, C]` and targets `[N]`, or `[N, C]` bool."""

    def bootstrap(
        self, logits: np.ndarray, target: np.ndarray, track: np.ndarray, hierarchy: ClassHierarchy, n: int = 1000
    ) -> BootstrapResult:
        """Metrics over resamples of tracks; the same tracks for every run with these rows."""


class MulticlassOutput:
    """One genre a track: probabilities sum to 1."""

    multilabel = False
    metrics: Mapping[str, str] = METRICS
    direction: Mapping[str, Direction] = DIRECTION
    primary_metric = "accuracy"
    selection_metric = "distance"
    default_decision = "argmax"
    aggregations = AGGREGATION_METHODS
    aggregation_description = "mean of the windows' log-probabilities, divided by temperature.track"

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Softmax."""
        found: np.ndarray = np.exp(log_softmax(np.asarray(logits, np.float64) / temperature))
        return found

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        """Logarithms."""
        found: np.ndarray = np.log(np.maximum(probabilities, TINY))
        return found

    def log_probs_or_logits(self, logits: np.ndarray) -> np.ndarray:
        """Log-probabilities."""
        return log_softmax(logits)

    def aggregate(
        self, logits: np.ndarray, track: np.ndarray, method: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `aggregate_segments`."""
        return aggregate_segments(logits, track, cast(AggregationMethod, method or self.aggregations[0]))

    def tensor_probabilities(self, logits: Tensor) -> Tensor:
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

    def scores(self, logits: np.ndarray, target: np.ndarray, hierarchy: ClassHierarchy) -> dict[str, float]:
        """See `metrics.scores`."""
        return scores(logits, target, hierarchy.distances, hierarchy.supergenres, hierarchy.medoid)

    def bootstrap(
        self, logits: np.ndarray, target: np.ndarray, track: np.ndarray, hierarchy: ClassHierarchy, n: int = 1000
    ) -> BootstrapResult:
        """See `metrics.bootstrap_scores`."""
        return bootstrap_scores(logits, target, track, hierarchy.distances, hierarchy.supergenres, hierarchy.medoid, n)


class MultilabelOutput:
    """Any number of genres a track: each a probability of its own, which do not sum to 1."""

    multilabel = True
    metrics: Mapping[str, str] = MULTILABEL_METRICS
    direction: Mapping[str, Direction] = MULTILABEL_DIRECTION
    primary_metric = "pr_auc"
    selection_metric = "pr_auc"
    default_decision = "thresholds"
    aggregations = MULTILABEL_AGGREGATION_METHODS
    aggregation_description = "mean of the windows' probabilities"

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Sigmoids."""
        return sigmoid(np.asarray(logits, np.float64) / temperature)

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        """Logarithms of the odds."""
        p = np.clip(probabilities, TINY, 1 - TINY)
        found: np.ndarray = np.log(p) - np.log1p(-p)
        return found

    def log_probs_or_logits(self, logits: np.ndarray) -> np.ndarray:
        """As they are: log-odds."""
        return np.asarray(logits, np.float64)

    def aggregate(
        self, logits: np.ndarray, track: np.ndarray, method: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `aggregate_multilabel_segments`."""
        return aggregate_multilabel_segments(
            logits, track, cast(MultilabelAggregationMethod, method or self.aggregations[0])
        )

    def tensor_probabilities(self, logits: Tensor) -> Tensor:
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

    def scores(self, logits: np.ndarray, target: np.ndarray, hierarchy: ClassHierarchy) -> dict[str, float]:
        """See `metrics.multi_label.multilabel_scores`."""
        return multilabel_scores(
            MultilabelPredictions(logits, target, np.arange(len(logits))), hierarchy.ancestor_pairs
        )

    def bootstrap(
        self, logits: np.ndarray, target: np.ndarray, track: np.ndarray, hierarchy: ClassHierarchy, n: int = 1000
    ) -> BootstrapResult:
        """See `metrics.multi_label.bootstrap_multilabel_scores`."""
        return bootstrap_multilabel_scores(MultilabelPredictions(logits, target, track), hierarchy.ancestor_pairs, n)


MULTICLASS: OutputType = MulticlassOutput()
MULTILABEL: OutputType = MultilabelOutput()


def get_output_type(multilabel: bool) -> OutputType:
    """The output type of a run: `multilabel`, or multiclass."""
    return MULTILABEL if multilabel else MULTICLASS

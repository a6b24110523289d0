"""Scores on numpy arrays, used in training, report and comparison alike; no metric is written twice."""

from genrelab.metrics.baselines import baseline_scores
from genrelab.metrics.core import (
    Counts,
    Tally,
    counts_of,
    medoid_of,
    reachable,
    scores,
    scores_from_counts,
    scores_of,
    top_answers,
)
from genrelab.metrics.names import DIRECTION, METRICS, monitor_direction
from genrelab.metrics.resample import Difference, intervals, paired_difference, paired_difference_of_seeds

__all__ = [
    "DIRECTION",
    "METRICS",
    "Counts",
    "Difference",
    "Tally",
    "baseline_scores",
    "counts_of",
    "intervals",
    "medoid_of",
    "monitor_direction",
    "paired_difference",
    "paired_difference_of_seeds",
    "reachable",
    "scores",
    "scores_from_counts",
    "scores_of",
    "top_answers",
]

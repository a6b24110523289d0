"""Scores on numpy arrays, used in training, report and comparison alike; no metric is written twice."""

from genrelab.metrics.bootstrap import (
    Difference,
    Draws,
    difference_of_draws,
    draw_scores,
    intervals,
    paired_difference,
    paired_difference_of_seeds,
)
from genrelab.metrics.classification import (
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
from genrelab.metrics.constant_baselines import baseline_scores
from genrelab.metrics.extended import detail_differences, detail_scores, reliability, risk_coverage
from genrelab.metrics.predictions import Answers, Tree
from genrelab.metrics.registry import (
    DETAILS,
    DIRECTION,
    HEDGED,
    LABEL_DIRECTION,
    LABEL_METRICS,
    METRICS,
    monitor_direction,
)

__all__ = [
    "DETAILS",
    "DIRECTION",
    "HEDGED",
    "LABEL_DIRECTION",
    "LABEL_METRICS",
    "METRICS",
    "Answers",
    "Counts",
    "Difference",
    "Draws",
    "Tally",
    "Tree",
    "baseline_scores",
    "counts_of",
    "detail_differences",
    "detail_scores",
    "difference_of_draws",
    "draw_scores",
    "intervals",
    "medoid_of",
    "monitor_direction",
    "paired_difference",
    "paired_difference_of_seeds",
    "reachable",
    "reliability",
    "risk_coverage",
    "scores",
    "scores_from_counts",
    "scores_of",
    "top_answers",
]

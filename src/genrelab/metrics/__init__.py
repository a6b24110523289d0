"""Scores on numpy arrays, used in training, report and comparison alike; no metric is written twice."""

from genrelab.metrics.bootstrap import (
    BootstrapResult,
    Difference,
    bootstrap_intervals,
    bootstrap_scores,
    paired_difference,
    paired_difference_of_results,
    paired_difference_of_seeds,
)
from genrelab.metrics.class_hierarchy import ClassHierarchy
from genrelab.metrics.classification import (
    Counts,
    MetricSums,
    count_predictions,
    fill_unreachable,
    medoid_class,
    scores,
    scores_from_counts,
    scores_from_sums,
    top_k_classes,
)
from genrelab.metrics.constant_baselines import baseline_scores
from genrelab.metrics.extended import extended_differences, extended_scores, reliability_bins, risk_coverage_curve
from genrelab.metrics.predictions import HierarchicalPredictions
from genrelab.metrics.registry import (
    DIRECTION,
    EXTENDED_METRICS,
    HEDGED_METRICS,
    METRICS,
    MULTILABEL_DIRECTION,
    MULTILABEL_METRICS,
    monitor_direction,
)

__all__ = [
    "DIRECTION",
    "EXTENDED_METRICS",
    "HEDGED_METRICS",
    "METRICS",
    "MULTILABEL_DIRECTION",
    "MULTILABEL_METRICS",
    "BootstrapResult",
    "ClassHierarchy",
    "Counts",
    "Difference",
    "HierarchicalPredictions",
    "MetricSums",
    "baseline_scores",
    "bootstrap_intervals",
    "bootstrap_scores",
    "count_predictions",
    "extended_differences",
    "extended_scores",
    "fill_unreachable",
    "medoid_class",
    "monitor_direction",
    "paired_difference",
    "paired_difference_of_results",
    "paired_difference_of_seeds",
    "reliability_bins",
    "risk_coverage_curve",
    "scores",
    "scores_from_counts",
    "scores_from_sums",
    "top_k_classes",
]

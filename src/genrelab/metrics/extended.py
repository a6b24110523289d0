"""Metrics beyond training's: distance at k, the tree, calibration, risk and coverage. All from predictions.

Sums over rows are kept by track, as in `resample`, so that values and bootstrap draws come from one formula,
`_values`, for one weighting of the tracks or for many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genrelab.metrics.bootstrap import BootstrapResult, Difference, track_weights
from genrelab.metrics.class_hierarchy import ClassHierarchy
from genrelab.metrics.classification import fill_unreachable, log_probabilities, top_k_classes
from genrelab.metrics.confidence_intervals import bootstrap_p_value, percentile_interval
from genrelab.metrics.predictions import (
    HierarchicalPredictions,
    covers_target,
    filled,
    prediction_confidence,
    shared_ancestor_counts,
)
from genrelab.metrics.registry import CENTERED_EXTENDED_METRICS

BINS = 15
POINTS = 101
CELLS = 4_000_000  # numbers at a time


@dataclass(frozen=True)
class _TrackSums:
    """By track: sums of rows `[T, ...]`; and the rows in order of confidence, for what no sum tells."""

    rows: Mapping[str, np.ndarray]
    place: np.ndarray
    wrong: np.ndarray
    last: np.ndarray


def extended_scores(
    predictions: HierarchicalPredictions,
    hierarchy: ClassHierarchy,
    n: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, tuple[float, float, float]]:
    """Values of the metrics that `EXTENDED_METRICS` and `HEDGED_METRICS` name, with bootstrap intervals by track.

    Args:
        predictions: of segments or tracks.
        hierarchy: the graph that they are judged by.
        n: resamples; 0 for no intervals.
        seed: of the resampling; the same draws the same tracks as `bootstrap_intervals` does.
        confidence: of the intervals.

    Returns:
        metric -> (value, low, high); empty without rows. NaN where there is none.
    """
    if not len(predictions.target):
        return {}
    sums = _sums(predictions, hierarchy)
    estimate, replicates = _estimate_and_replicates(sums, n, seed)
    found = {}
    for name, value in estimate.items():
        bounds = percentile_interval(_centered(name, replicates[name], value), confidence) if n else (np.nan, np.nan)
        low, high = (max(bounds[0], 0.0), bounds[1]) if name in CENTERED_EXTENDED_METRICS else bounds
        found[name] = (float(value), low, high) if high - low > 1e-9 else (float(value), np.nan, np.nan)
    return found


def extended_differences(
    a: HierarchicalPredictions,
    b: HierarchicalPredictions,
    hierarchy: ClassHierarchy,
    n: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Difference]:
    """Compare two sets of answers to the same rows, drawing the same tracks for both: b minus a."""
    (whole_a, drawn_a), (whole_b, drawn_b) = (
        _estimate_and_replicates(_sums(one, hierarchy), n, seed) for one in (a, b)
    )
    found = {}
    for name, value_a in whole_a.items():
        value = whole_b[name] - value_a
        replicates = _centered(name, drawn_b[name] - drawn_a[name], value)
        low, high = percentile_interval(replicates, confidence)
        found[name] = Difference(float(value), low, high, bootstrap_p_value(replicates))
    return found


def bootstrap_extended_scores(
    predictions: HierarchicalPredictions, hierarchy: ClassHierarchy, n: int = 1000, seed: int = 0
) -> BootstrapResult:
    """`bootstrap_scores` of `EXTENDED_METRICS` and `HEDGED_METRICS`; the same seed draws the same tracks."""
    return BootstrapResult(*_estimate_and_replicates(_sums(predictions, hierarchy), n, seed))


def reliability_bins(predictions: HierarchicalPredictions, bins: int = BINS) -> list[dict[str, float]]:
    """How sure answers are against how often they are right, in bins of equal width that hold any.

    Returns:
        for each bin `low`, `high`, `count`, mean `confidence`, and `accuracy`.
    """
    confidence, right = prediction_confidence(predictions)
    place = _bin(confidence, bins)
    found = []
    for number in np.unique(place):
        inside = place == number
        bounds = {"low": number / bins, "high": (number + 1) / bins, "count": int(inside.sum())}
        found.append(bounds | {"confidence": float(confidence[inside].mean()), "accuracy": float(right[inside].mean())})
    return found


def risk_coverage_curve(predictions: HierarchicalPredictions, points: int = POINTS) -> list[tuple[float, float]]:
    """(coverage, share of wrong answers) where only the surest answers are kept, at up to `points` coverages."""
    confidence, right = prediction_confidence(predictions)
    if not len(confidence):
        return []
    order = np.argsort(-confidence, kind="stable")
    last = _last_of_ties(confidence[order])
    risk = np.cumsum(~right[order])[last] / (last + 1)
    at = np.unique(np.linspace(0, len(confidence) - 1, min(points, len(confidence))).round().astype(int))
    return [(float((last[i] + 1) / len(confidence)), float(risk[i])) for i in at]


def _bin(confidence: np.ndarray, bins: int) -> np.ndarray:
    """`[N]` number of the bin, upper ends included as in Guo et al."""
    found: np.ndarray = np.clip(np.ceil((confidence * bins).round(9)).astype(int) - 1, 0, bins - 1)
    return found


def _last_of_ties(ordered: np.ndarray) -> np.ndarray:
    """`[N]` place of the last value equal to each: tied answers are kept or dropped together."""
    bounds = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    found: np.ndarray = bounds[np.searchsorted(bounds, np.arange(len(ordered)))]
    return found


def _sums(predictions: HierarchicalPredictions, hierarchy: ClassHierarchy) -> _TrackSums:
    tracks, place = np.unique(predictions.track, return_inverse=True)
    confidence, right = prediction_confidence(predictions)
    rows = _rows(predictions, hierarchy)
    binned = np.eye(BINS)[_bin(confidence, BINS)]
    rows |= {
        "bin_confidence": binned * confidence[:, None],
        "bin_right": binned * right[:, None],
        "n": np.ones(len(confidence)),
    }
    summed = {name: _by_track(values, place, len(tracks)) for name, values in rows.items()}
    order = np.argsort(-confidence, kind="stable")
    return _TrackSums(summed, place[order], (~right)[order].astype(float), _last_of_ties(confidence[order]))


def _by_track(values: np.ndarray, place: np.ndarray, tracks: int) -> np.ndarray:
    found = np.zeros((tracks, *values.shape[1:]))
    np.add.at(found, place, values)
    return found


def _rows(predictions: HierarchicalPredictions, hierarchy: ClassHierarchy) -> dict[str, np.ndarray]:
    """`[N]` of each quantity whose mean, or ratio of means, is a metric."""
    target, prediction, level = predictions.target, filled(predictions.prediction), filled(predictions.level)
    finite = fill_unreachable(hierarchy.distances)
    p = np.exp(log_probabilities(predictions.log_prob))
    ranked = p.copy()
    ranked[np.arange(len(p)), prediction] = 2.0  # the answer leads, whatever its probability
    top = top_k_classes(ranked, 5)
    centrality = finite.mean(axis=1)
    held, said, all_of = shared_ancestor_counts(predictions, hierarchy)
    return {
        "distance_at_3": finite[target[:, None], top[:, :3]].mean(axis=1),
        "distance_at_5": finite[target[:, None], top].mean(axis=1),
        "cluster_accuracy": (hierarchy.clusters[prediction] == hierarchy.clusters[target]).astype(float),
        "cluster_top3": (hierarchy.clusters[top[:, :3]] == hierarchy.clusters[target][:, None])
        .any(axis=1)
        .astype(float),
        "held": held,
        "said": said,
        "all": all_of,
        "centrality_gap": centrality[target] - centrality[prediction],
        "brier": (p**2).sum(axis=1) - 2 * p[np.arange(len(p)), target] + 1,
        "genres": (level == 0).astype(float),
        "genres_right": ((level == 0) & (prediction == target)).astype(float),
        "answers": (level < 3).astype(float),
        "answers_right": covers_target(predictions, hierarchy).astype(float),
    }


def _values(rows: Mapping[str, np.ndarray], aurc: np.ndarray) -> dict[str, np.ndarray]:
    """The formulas, on sums `[R, ...]` of weighted tracks."""
    n = rows["n"]

    def mean(name: str) -> np.ndarray:
        found: np.ndarray = rows[name] / n
        return found

    precision = _over(rows["held"], rows["said"])
    recall = rows["held"] / rows["all"]
    return {
        **{name: mean(name) for name in ("distance_at_3", "distance_at_5", "cluster_accuracy", "cluster_top3")},
        "hierarchical_precision": precision,
        "hierarchical_recall": recall,
        "hierarchical_f": 2 * rows["held"] / (rows["said"] + rows["all"]),
        "centrality_gap": mean("centrality_gap"),
        "ece": np.abs(rows["bin_confidence"] - rows["bin_right"]).sum(axis=1) / n,
        "brier": mean("brier"),
        "aurc": aurc,
        "coverage": mean("genres"),
        "selective_accuracy": _over(rows["genres_right"], rows["genres"]),
        "answered": mean("answers"),
        "answered_accuracy": _over(rows["answers_right"], rows["answers"]),
    }


def _over(part: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.where(estimate > 0, part / np.where(estimate > 0, estimate, 1.0), np.nan)
    return found


def _estimate_and_replicates(
    sums: _TrackSums, n: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Metric -> value, and metric -> `[n]` its values over resamples."""
    tracks = len(sums.rows["n"])
    estimate = _weighted(sums, np.ones((1, tracks)))
    parts = [_weighted(sums, weights) for weights in track_weights(tracks, n, seed)]
    replicates = {name: np.concatenate([part[name] for part in parts]) for name in estimate} if parts else {}
    return {name: value[0] for name, value in estimate.items()}, replicates


def _weighted(sums: _TrackSums, weights: np.ndarray) -> dict[str, np.ndarray]:
    return _values({name: weights @ values for name, values in sums.rows.items()}, _aurc(sums, weights))


def _aurc(sums: _TrackSums, weights: np.ndarray) -> np.ndarray:
    """`[R]` mean over the rows of the risk among those at least as sure (Geifman and El-Yaniv 2017)."""
    found = []
    step = max(1, CELLS // max(len(sums.place), 1))
    for start in range(0, len(weights), step):
        row = weights[start : start + step][:, sums.place]
        kept = np.cumsum(row, axis=1)[:, sums.last]
        risk = np.cumsum(row * sums.wrong, axis=1)[:, sums.last] / np.where(kept > 0, kept, 1.0)
        found.append((row * risk).sum(axis=1) / row.sum(axis=1))
    return np.concatenate(found)


def _centered(name: str, replicates: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Draws without NaN. Resamples repeat tracks, which looks like worse calibration: its draws are moved back."""
    replicates = replicates[~np.isnan(replicates)]
    return (
        replicates + (value - replicates.mean())
        if name in CENTERED_EXTENDED_METRICS and len(replicates)
        else replicates
    )

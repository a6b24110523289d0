"""Scores where a track has several genres: each genre is a yes or no of its own, its probability a sigmoid.

All is a function of weights of the rows, so that a bootstrap resample is a weighting and the formulas stand once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from genrelab.metrics.bootstrap import CHUNK, BootstrapResult, track_weights
from genrelab.metrics.registry import MULTILABEL_METRICS

ROWS = 2**22  # weights at a time
MultilabelAggregationMethod = Literal["mean_prob", "mean_logit", "max"]
MULTILABEL_AGGREGATION_METHODS: tuple[str, ...] = get_args(MultilabelAggregationMethod)


@dataclass(frozen=True)
class MultilabelPredictions:
    """Logits of some segments or tracks with what they should have been.

    Args:
        logits: `[N, C]` float.
        target: `[N, C]` bool.
        track: `[N]` name or number of the track.
    """

    logits: np.ndarray
    target: np.ndarray
    track: np.ndarray

    def __len__(self) -> int:
        return len(self.track)


def multilabel_scores(predictions: MultilabelPredictions, ancestor_pairs: np.ndarray | None = None) -> dict[str, float]:
    """All metrics of some answers; `MULTILABEL_METRICS` says what each is.

    Args:
        predictions: of segments or of tracks.
        ancestor_pairs: `[P, 2]` ancestor and descendant, see `taxonomy.hierarchy.ancestor_pairs`; without any,
            `consistency` is NaN.

    Returns:
        metric -> value; NaN where it says nothing.
    """
    found = _scores(predictions, np.ones((1, len(predictions))), ancestor_pairs)
    return {name: float(values[0]) for name, values in found.items()}


def bootstrap_multilabel_scores(
    predictions: MultilabelPredictions, ancestor_pairs: np.ndarray | None = None, n: int = 1000, seed: int = 0
) -> BootstrapResult:
    """Score answers over resamples of tracks; the same seed draws the same tracks."""
    tracks, place = np.unique(predictions.track, return_inverse=True)
    parts = [
        _scores(predictions, weights, ancestor_pairs)
        for drawn in track_weights(len(tracks), n, seed)
        for weights in _weights_in_chunks(drawn, place)
    ]
    estimate = {name: np.asarray(value) for name, value in multilabel_scores(predictions, ancestor_pairs).items()}
    return BootstrapResult(estimate, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def per_class_auc(predictions: MultilabelPredictions) -> dict[str, np.ndarray]:
    """`positives`, `roc_auc`, `pr_auc` of each genre, `[C]`; NaN where all rows have it, or none."""
    roc, pr = auc(predictions.logits, predictions.target, np.ones((1, len(predictions))))
    return {"positives": predictions.target.sum(axis=0), "roc_auc": roc[0], "pr_auc": pr[0]}


def auc(logits: np.ndarray, target: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Area under the ROC curve, and average precision (the sum of precision times the steps of recall).

    Rows of equal logits count as one step, so that a constant answer gets 0.5 and the genre's share; as scikit-learn's
    `roc_auc_score` and `average_precision_score` with sample weights.

    Args:
        logits: `[N, C]`.
        target: `[N, C]` bool.
        weights: `[R, N]` how often each row counts, for each of R scorings.

    Returns:
        both `[R, C]`; NaN where a genre has no positive row, or no negative one.
    """
    classes = logits.shape[1]
    roc, pr = np.full((2, len(weights), classes), np.nan)
    for genre in range(classes):
        if not target[:, genre].any() or target[:, genre].all():
            continue
        order = np.argsort(-logits[:, genre], kind="stable")
        sorted_logits = logits[order, genre]
        steps = np.flatnonzero(np.r_[True, sorted_logits[1:] != sorted_logits[:-1]])
        ordered = weights[:, order]
        hits = np.add.reduceat(ordered * target[order, genre], steps, axis=1)  # [R, steps]
        misses = np.add.reduceat(ordered, steps, axis=1) - hits
        true, false = hits.cumsum(axis=1), misses.cumsum(axis=1)
        positives, negatives = true[:, -1], false[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            roc[:, genre] = (misses * (true - hits / 2)).sum(axis=1) / (positives * negatives)
            precision = np.where(true + false > 0, true / (true + false), 0.0)
            pr[:, genre] = np.where(negatives > 0, (hits * precision).sum(axis=1) / positives, np.nan)
    return roc, pr


def enforce_hierarchy(logits: np.ndarray, ancestor_pairs: np.ndarray) -> np.ndarray:
    """Raise each ancestor to its likeliest descendant (max-propagation): `[N, C]`, with all pairs consistent."""
    raised = np.array(logits)
    for ancestor in np.unique(ancestor_pairs[:, 0]):
        below = ancestor_pairs[ancestor_pairs[:, 0] == ancestor, 1]
        raised[:, ancestor] = np.maximum(logits[:, ancestor], logits[:, below].max(axis=1))
    return raised


def aggregate_multilabel_segments(
    logits: np.ndarray, track: np.ndarray, method: MultilabelAggregationMethod = "mean_prob"
) -> tuple[np.ndarray, np.ndarray]:
    """Join the segments of each track.

    Args:
        logits: `[N, C]` of segments.
        track: `[N]`.
        method: "mean_prob" (a genre's share of the track), "mean_logit" (product of experts), or "max" (a genre that
            any segment has).

    Returns:
        logits `[T, C]` float64, finite, and the tracks, sorted.
    """
    tracks, place = np.unique(track, return_inverse=True)
    count = np.bincount(place, minlength=len(tracks))[:, None]
    logits64 = np.asarray(logits, dtype=np.float64)
    if method == "max":
        aggregated = np.full((len(tracks), logits.shape[1]), -np.inf)
        np.maximum.at(aggregated, place, logits64)
        return aggregated, tracks
    total = np.zeros((len(tracks), logits.shape[1]))
    np.add.at(total, place, logits64 if method == "mean_logit" else sigmoid(logits))
    if method == "mean_logit":
        return total / count, tracks
    share = np.clip(total / count, 1e-12, 1 - 1e-12)
    aggregated = np.log(share) - np.log1p(-share)
    single = count[:, 0] == 1
    first = np.unique(track, return_index=True)[1]
    aggregated[single] = logits[first[single]]  # as they are: a mean of one must not round
    return aggregated, tracks


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float64, without overflow."""
    half = np.asarray(logits, dtype=np.float64) / 2
    found: np.ndarray = 0.5 * (1 + np.tanh(half))
    return found


def prior_logits(positives: np.ndarray, tracks: int) -> np.ndarray:
    """`[C]` logits of the share of train tracks that have each genre: the answer that knows nothing of the music."""
    share = (np.asarray(positives, dtype=np.float64) + 0.5) / (tracks + 1.0)
    found: np.ndarray = np.log(share) - np.log1p(-np.minimum(share, 1 - 1e-9))
    return found


def _scores(
    predictions: MultilabelPredictions, weights: np.ndarray, ancestor_pairs: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Metric -> `[R]` of weights `[R, N]`."""
    if not len(predictions) or not np.isfinite(predictions.logits).all():
        return {name: np.full(len(weights), np.nan) for name in MULTILABEL_METRICS}
    logits, target = np.asarray(predictions.logits, dtype=np.float64), predictions.target.astype(bool)
    predicted = logits > 0
    roc, pr = auc(logits, target, weights)
    total = weights.sum(axis=1)
    right, claimed, true = (
        weights @ table.astype(np.float64) for table in (predicted & target, predicted, target)
    )  # [R, C]
    loss = np.logaddexp(0, logits) - logits * target
    top = target[np.arange(len(target)), logits.argmax(axis=1)]
    found = {
        "pr_auc": _nanmean(pr),
        "roc_auc": _nanmean(roc),
        "f1_micro": _over(2 * right.sum(axis=1), claimed.sum(axis=1) + true.sum(axis=1)),
        "f1_macro": _nanmean(np.where(true > 0, _over(2 * right, claimed + true), np.nan)),
        "top1": weights @ top / total,
        "subset_accuracy": weights @ (predicted == target).all(axis=1) / total,
        "bce": weights @ loss.mean(axis=1) / total,
        "labels": claimed.sum(axis=1) / total,
        "consistency": np.full(len(weights), np.nan),
    }
    if ancestor_pairs is not None and len(ancestor_pairs):
        held = logits[:, ancestor_pairs[:, 0]] >= logits[:, ancestor_pairs[:, 1]]
        found["consistency"] = weights @ held.mean(axis=1) / total
    return found


def _weights_in_chunks(drawn: np.ndarray, place: np.ndarray) -> Iterator[np.ndarray]:
    """Weights of rows `[up to CHUNK, N]` of weights of tracks, a manageable number at a time."""
    size = max(1, min(CHUNK, ROWS // max(len(place), 1)))
    for at in range(0, len(drawn), size):
        yield drawn[at : at + size][:, place]


def _nanmean(values: np.ndarray) -> np.ndarray:
    there = ~np.isnan(values)
    return _over(np.where(there, values, 0.0).sum(axis=1), there.sum(axis=1))


def _over(part: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    estimate = np.asarray(estimate, dtype=np.float64)
    found: np.ndarray = np.where(estimate > 0, part / np.where(estimate > 0, estimate, 1.0), np.nan)
    return found

"""From the logits of segments to an answer for the track."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

AggregationMethod = Literal["mean_log_prob", "mean_prob", "vote", "max", "confidence"]
AGGREGATION_METHODS: tuple[str, ...] = get_args(AggregationMethod)

# Votes leave most genres at zero: mean probabilities, this much of a vote in all, order them and break ties.
TIE_BREAK = 1e-3
TINY = 1e-12


def aggregate_segments(
    logits: np.ndarray, track: np.ndarray, method: AggregationMethod = "mean_log_prob"
) -> tuple[np.ndarray, np.ndarray]:
    """Join the segments of each track to one answer.

    Args:
        logits: `[N, C]` of segments.
        track: `[N]` number or name of each segment's track.
        method: "mean_log_prob" (product of experts, the default), "mean_prob", "vote" (one segment, one vote; equal
            counts are decided by mean probability), "max" (the surest segment of each genre), or "confidence" (the
            mean of log-probabilities, each segment weighted by 1 - entropy / log C: the unsure say little).

    Returns:
        track logits `[T, C]` float64, finite, and the tracks `[T]`, sorted.

    Raises:
        ValueError: no such rule, or lengths that differ.
    """
    if len(logits) != len(track):
        raise ValueError(f"{len(logits)} logits, but {len(track)} tracks")
    tracks, place = np.unique(track, return_inverse=True)
    if not len(tracks):
        return np.zeros((0, logits.shape[1])), tracks
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(tracks)))
    count = np.bincount(place)[:, None]
    shifted = np.asarray(logits, dtype=np.float64)[order]
    shifted -= shifted.max(axis=1, keepdims=True)
    log_prob = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    if method == "mean_log_prob":
        return np.add.reduceat(log_prob, starts) / count, tracks
    if method == "confidence":
        weight = entropy_weight(log_prob)[:, None]
        return np.add.reduceat(weight * log_prob, starts) / np.add.reduceat(weight, starts), tracks
    if method == "max":
        return np.maximum.reduceat(log_prob, starts), tracks
    mean_prob = np.add.reduceat(np.exp(log_prob), starts) / count
    if method == "mean_prob":
        return np.log(np.maximum(mean_prob, TINY)), tracks
    if method == "vote":
        votes = np.zeros_like(mean_prob)
        np.add.at(votes, (place[order], log_prob.argmax(axis=1)), 1.0)
        return np.log(np.maximum((votes + TIE_BREAK * mean_prob) / (count + TIE_BREAK), TINY)), tracks
    raise ValueError(f"no rule {method!r} for joining segments; there is: {', '.join(AGGREGATION_METHODS)}")


def entropy_weight(log_prob: np.ndarray) -> np.ndarray:
    """`[N]` 1 - entropy / log C of each row of log-probabilities: 0 is uniform, 1 is sure; never quite 0."""
    spread = -(np.exp(log_prob) * log_prob).sum(axis=1) / np.log(max(log_prob.shape[1], 2))
    found: np.ndarray = np.maximum(1 - spread, 1e-6)
    return found


def track_targets(target: np.ndarray, track: np.ndarray) -> np.ndarray:
    """The target of each track, in the order of `aggregate_segments`.

    Args:
        target: `[N]` of segments.
        track: `[N]`.

    Raises:
        ValueError: the segments of one track have different targets.
    """
    tracks, first, place = np.unique(track, return_index=True, return_inverse=True)
    found: np.ndarray = np.asarray(target)[first]
    if (found[place] != target).any():
        wrong = tracks[place[np.flatnonzero(found[place] != target)[0]]]
        raise ValueError(f"track {wrong!r} has segments with different targets")
    return found

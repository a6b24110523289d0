"""Bootstrap intervals, resampled by track: segments of one recording are not independent evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from genrelab.metrics.classification import (
    MetricSums,
    fill_unreachable,
    negative_log_likelihood,
    scores_from_sums,
    top_k_classes,
)
from genrelab.metrics.confidence_intervals import bootstrap_p_value, percentile_interval, wilson_upper_bound_at_zero
from genrelab.metrics.registry import CENTERED_EXTENDED_METRICS, CENTERED_MULTILABEL_METRICS

SHARES = ("accuracy", "top3", "top5", "supergenre_accuracy", "supergenre_top3", "top1", "subset_accuracy")
# Resamples see fewer different tracks than the sample: rare genres drop out of them, which moves macro averages,
# extremes and spreads of the answers as a whole. Their draws are moved back.
MACRO = ("balanced_accuracy", "precision_macro", "recall_macro", "f1_macro")
UP_TO_ONE = (*MACRO, *CENTERED_MULTILABEL_METRICS)
LEAST = {**dict.fromkeys(UP_TO_ONE, 0.0), "hub_share": 0.0, "effective_classes": 1.0, "never_predicted": 0.0}
CENTERED = (*LEAST, *CENTERED_EXTENDED_METRICS)
CHUNK = 128  # resamples at a time


@dataclass(frozen=True)
class Difference:
    """How much a metric differs between two runs over the same tracks.

    Args:
        value: b minus a.
        low: end of the interval.
        high: end of the interval.
        p: two-sided bootstrap p-value of "no difference".
    """

    value: float
    low: float
    high: float
    p: float


def bootstrap_intervals(
    logits: np.ndarray,
    target: np.ndarray,
    track: np.ndarray,
    distances: np.ndarray,
    supergenres: np.ndarray,
    medoid: int | None = None,
    n: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals of all metrics; tracks are drawn, with all their rows.

    Where every answer hits or every answer misses, resamples cannot vary: the far end of a share is then the
    Wilson bound for as many tracks; what is no share has no interval. Macro averages and hubness are corrected for the
    genres that resamples lack: the mean of their draws is moved to the value. Hubness is that of as many tracks; more
    would spread over more genres.

    Args:
        logits: `[N, C]` of segments, or of tracks (`postprocessing.aggregate`).
        target: `[N]`.
        track: `[N]` number or name of the track that each row belongs to.
        distances: `[C, C]`.
        supergenres: `[C]`.
        medoid: see `scores`.
        n: resamples.
        seed: of the resampling.
        confidence: of the intervals.

    Returns:
        metric -> (low, high); empty without rows. NaN where a metric says nothing.
    """
    if not len(target):
        return {}
    results = bootstrap_scores(logits, target, track, distances, supergenres, medoid, n, seed)
    return confidence_intervals(results, len(np.unique(track)), confidence)


def _degenerate_interval(name: str, value: float, tracks: int, confidence: float) -> tuple[float, float]:
    """The interval where all resamples have one value: Wilson's for shares at their ends, else none."""
    if name not in (*SHARES, *MACRO) or not min(value, 1 - value) <= 1e-9:
        return float("nan"), float("nan")
    bound = wilson_upper_bound_at_zero(tracks, confidence)
    return (0.0, bound) if value < 0.5 else (1.0 - bound, 1.0)


def paired_difference(
    logits_a: np.ndarray,
    logits_b: np.ndarray,
    target: np.ndarray,
    track: np.ndarray,
    distances: np.ndarray,
    supergenres: np.ndarray,
    medoid: int | None = None,
    n: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Difference]:
    """Compare two runs over the same rows, drawing the same tracks for both.

    Args:
        logits_a: `[N, C]` of the one.
        logits_b: `[N, C]` of the other.
        target: `[N]`; the other arguments as in `bootstrap_intervals`.

    Returns:
        metric -> `Difference`, b minus a.
    """
    return paired_difference_of_seeds(
        [logits_a], [logits_b], target, track, distances, supergenres, medoid, n, seed, confidence
    )


def paired_difference_of_seeds(
    logits_a: Sequence[np.ndarray],
    logits_b: Sequence[np.ndarray],
    target: np.ndarray,
    track: np.ndarray,
    distances: np.ndarray,
    supergenres: np.ndarray,
    medoid: int | None = None,
    n: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Difference]:
    """Compare two settings, each trained with some seeds, over the same rows.

    A setting's value is the mean over its seeds. Each resample draws tracks, the same for all runs, and within each
    setting draws seeds as blocks, so that the interval says how much both matter. A draw of S seeds varies less than
    S seeds do, by (S - 1) / S; its deviation is widened by the square root of the inverse. A setting of one seed
    adds nothing for seeds: the interval is then of that trained network, not of its recipe.

    Args:
        logits_a: `[N, C]` of each seed of the one.
        logits_b: `[N, C]` of each seed of the other; as many or not.
        target: `[N]`; the other arguments as in `bootstrap_intervals`.

    Returns:
        metric -> `Difference`, b minus a.

    Source: the two-level bootstrap of Davison and Hinkley (1997, section 3.8); crossed, since all seeds are tested
    on the same tracks.
    """
    common = (target, track, distances, supergenres, medoid, n, seed)
    a, b = ([bootstrap_scores(one, *common) for one in logits] for logits in (logits_a, logits_b))
    return paired_difference_of_results(a, b, seed, confidence)


@dataclass(frozen=True)
class BootstrapResult:
    """The metrics of one run: `whole[metric]` its value, `drawn[metric]` `[n]` its values over resamples."""

    estimate: Mapping[str, np.ndarray]
    replicates: Mapping[str, np.ndarray]


def bootstrap_scores(
    logits: np.ndarray,
    target: np.ndarray,
    track: np.ndarray,
    distances: np.ndarray,
    supergenres: np.ndarray,
    medoid: int | None = None,
    n: int = 1000,
    seed: int = 0,
) -> BootstrapResult:
    """Score a run over resamples, for more than one comparison; arguments as in `bootstrap_intervals`."""
    by_track = _sums_by_track(logits, target, track, distances, supergenres)
    estimate = scores_from_sums(_weighted_sums(by_track), fill_unreachable(distances), medoid)
    return BootstrapResult(estimate, _replicates(by_track, distances, medoid, n, seed))


def paired_difference_of_results(
    a: Sequence[BootstrapResult], b: Sequence[BootstrapResult], seed: int = 0, confidence: float = 0.95
) -> dict[str, Difference]:
    """`paired_difference_of_seeds` of runs drawn before, over the same rows and with the same seed."""
    (whole_a, drawn_a), (whole_b, drawn_b) = (
        _average_over_seeds(results, np.random.default_rng([seed, number])) for number, results in enumerate((a, b))
    )
    found = {}
    for name in drawn_a:
        value = np.asarray(whole_b[name] - whole_a[name])
        differences = _centered(name, drawn_b[name] - drawn_a[name], value)
        low, high = percentile_interval(differences, confidence)
        found[name] = Difference(float(value), low, high, bootstrap_p_value(differences))
    return found


def confidence_intervals(
    results: BootstrapResult, tracks: int, confidence: float = 0.95
) -> dict[str, tuple[float, float]]:
    """`bootstrap_intervals` of one run drawn before, over `tracks` tracks: metric -> (low, high)."""
    found = {}
    for name, values in results.replicates.items():
        low, high = percentile_interval(_centered(name, values, results.estimate[name]), confidence)
        if name in LEAST:
            low, high = max(low, LEAST[name]), min(high, 1.0) if name in UP_TO_ONE else high
        found[name] = (low, high) if high - low > 1e-9 else _degenerate_interval(name, low, tracks, confidence)
    return found


def seed_averaged_intervals(
    results: Sequence[BootstrapResult], seed: int = 0, confidence: float = 0.95
) -> dict[str, tuple[float, float, float]]:
    """Mean over seeds of runs drawn before, with an interval over tracks and seeds: metric -> (value, low, high)."""
    estimate, replicates = _average_over_seeds(results, np.random.default_rng([seed, 0]))
    bounds = {
        name: percentile_interval(_centered(name, replicates[name], estimate[name]), confidence) for name in replicates
    }
    return {name: (float(estimate[name]), *bounds[name]) for name in replicates}


def _average_over_seeds(
    results: Sequence[BootstrapResult], generator: np.random.Generator
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metric -> mean over the seeds; and over resamples that draw seeds too."""
    weights = _seed_weights(len(results), len(next(iter(results[0].replicates.values()))), generator)
    estimate = {name: np.mean([one.estimate[name] for one in results], axis=0) for name in results[0].estimate}
    replicates = {
        name: (weights * np.stack([one.replicates[name] for one in results])).sum(axis=0)
        for name in results[0].replicates
    }
    return estimate, replicates


def _seed_weights(seeds: int, n: int, generator: np.random.Generator) -> np.ndarray:
    """`[seeds, n]` by which to weight each seed in each resample; each column adds up to 1."""
    if seeds == 1:
        return np.ones((1, n))
    share = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=n).T / seeds
    found: np.ndarray = 1 / seeds + np.sqrt(seeds / (seeds - 1)) * (share - 1 / seeds)
    return found


def _centered(name: str, replicates: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Draws without NaN, those of macro averages, hubness and calibration about the value."""
    replicates = replicates[~np.isnan(replicates)]
    return replicates + (value - replicates.mean()) if name in CENTERED and len(replicates) else replicates


def _sums_by_track(
    logits: np.ndarray, target: np.ndarray, track: np.ndarray, distances: np.ndarray, supergenres: np.ndarray
) -> MetricSums:
    """A tally of each track, `[T]` and `[T, C]`."""
    tracks, place = np.unique(track, return_inverse=True)
    target = np.asarray(target, dtype=np.int64)
    count, classes = len(tracks), logits.shape[1]
    top = top_k_classes(logits, 5)
    prediction = top[:, 0]
    away = fill_unreachable(distances)[target, prediction]
    near = supergenres[top[:, :3]] == supergenres[target][:, None]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, weights=values, minlength=count)

    def by_genre(genre: np.ndarray, keep: np.ndarray) -> np.ndarray:
        found = np.bincount((place * classes + genre)[keep], minlength=count * classes)
        return found.reshape(count, classes).astype(np.float64)

    every = np.ones(len(target), dtype=bool)
    return MetricSums(
        support=by_genre(target, every),
        predicted=by_genre(prediction, every),
        correct=by_genre(target, prediction == target),
        distance=total(away),
        square=total(away**2),
        supergenre=total(near[:, 0]),
        top3=total((top[:, :3] == target[:, None]).any(axis=1)),
        top5=total((top == target[:, None]).any(axis=1)),
        supergenre_top3=total(near.any(axis=1)),
        nll=total(negative_log_likelihood(logits, target)),
    )


def _replicates(
    by_track: MetricSums, distances: np.ndarray, medoid: int | None, n: int, seed: int
) -> dict[str, np.ndarray]:
    """Metric -> `[n]`, its values over resamples. The same seed draws the same tracks."""
    finite = fill_unreachable(distances)
    parts = [
        scores_from_sums(_weighted_sums(by_track, w), finite, medoid)
        for w in track_weights(len(by_track.support), n, seed)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def track_weights(tracks: int, n: int, seed: int) -> Iterator[np.ndarray]:
    """How often each track is drawn, `[up to CHUNK, tracks]` at a time."""
    generator = np.random.default_rng(seed)
    for start in range(0, n, CHUNK):
        yield generator.multinomial(tracks, np.full(tracks, 1 / tracks), size=min(CHUNK, n - start)).astype(float)


def _weighted_sums(by_track: MetricSums, weights: np.ndarray | None = None) -> MetricSums:
    """Sum the tracks' tallies, each as often as it was drawn; once by default."""
    weights = np.ones(len(by_track.support)) if weights is None else weights
    return MetricSums(**{field.name: weights @ getattr(by_track, field.name) for field in fields(MetricSums)})

"""Bootstrap intervals, resampled by track: segments of one recording are not independent evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from genrelab.metrics.classification import Tally, reachable, scores_of, surprise, top_answers
from genrelab.metrics.confidence_intervals import percentile_interval, two_sided_p, wilson_at_zero
from genrelab.metrics.registry import CENTRED_DETAILS, CENTRED_LABELS

SHARES = ("accuracy", "top3", "top5", "supergenre_accuracy", "supergenre_top3", "top1", "subset_accuracy")
# Resamples see fewer different tracks than the sample: rare genres drop out of them, which moves macro averages,
# extremes and spreads of the answers as a whole. Their draws are moved back.
MACRO = ("balanced_accuracy", "precision_macro", "recall_macro", "f1_macro")
UP_TO_ONE = (*MACRO, *CENTRED_LABELS)
LEAST = {**dict.fromkeys(UP_TO_ONE, 0.0), "hub_share": 0.0, "effective_classes": 1.0, "never_predicted": 0.0}
CENTRED = (*LEAST, *CENTRED_DETAILS)
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


def intervals(
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
    draws = draw_scores(logits, target, track, distances, supergenres, medoid, n, seed)
    return intervals_of(draws, len(np.unique(track)), confidence)


def _of_equal(name: str, value: float, tracks: int, confidence: float) -> tuple[float, float]:
    """The interval where all resamples have one value: Wilson's for shares at their ends, else none."""
    if name not in (*SHARES, *MACRO) or not min(value, 1 - value) <= 1e-9:
        return float("nan"), float("nan")
    bound = wilson_at_zero(tracks, confidence)
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
        target: `[N]`; the other arguments as in `intervals`.

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
        target: `[N]`; the other arguments as in `intervals`.

    Returns:
        metric -> `Difference`, b minus a.

    Source: the two-level bootstrap of Davison and Hinkley (1997, section 3.8); crossed, since all seeds are tested
    on the same tracks.
    """
    common = (target, track, distances, supergenres, medoid, n, seed)
    a, b = ([draw_scores(one, *common) for one in logits] for logits in (logits_a, logits_b))
    return difference_of_draws(a, b, seed, confidence)


@dataclass(frozen=True)
class Draws:
    """The metrics of one run: `whole[metric]` its value, `drawn[metric]` `[n]` its values over resamples."""

    whole: Mapping[str, np.ndarray]
    drawn: Mapping[str, np.ndarray]


def draw_scores(
    logits: np.ndarray,
    target: np.ndarray,
    track: np.ndarray,
    distances: np.ndarray,
    supergenres: np.ndarray,
    medoid: int | None = None,
    n: int = 1000,
    seed: int = 0,
) -> Draws:
    """Score a run over resamples, to be kept where it is compared more than once; arguments as in `intervals`."""
    by_track = _tally_by_track(logits, target, track, distances, supergenres)
    whole = scores_of(_weighted(by_track), reachable(distances), medoid)
    return Draws(whole, _resampled(by_track, distances, medoid, n, seed))


def difference_of_draws(
    a: Sequence[Draws], b: Sequence[Draws], seed: int = 0, confidence: float = 0.95
) -> dict[str, Difference]:
    """`paired_difference_of_seeds` of runs drawn before, over the same rows and with the same seed."""
    (whole_a, drawn_a), (whole_b, drawn_b) = (
        _over_seeds(draws, np.random.default_rng([seed, number])) for number, draws in enumerate((a, b))
    )
    found = {}
    for name in drawn_a:
        value = np.asarray(whole_b[name] - whole_a[name])
        differences = _centred(name, drawn_b[name] - drawn_a[name], value)
        low, high = percentile_interval(differences, confidence)
        found[name] = Difference(float(value), low, high, two_sided_p(differences))
    return found


def intervals_of(draws: Draws, tracks: int, confidence: float = 0.95) -> dict[str, tuple[float, float]]:
    """`intervals` of one run drawn before, over `tracks` tracks: metric -> (low, high)."""
    found = {}
    for name, values in draws.drawn.items():
        low, high = percentile_interval(_centred(name, values, draws.whole[name]), confidence)
        if name in LEAST:
            low, high = max(low, LEAST[name]), min(high, 1.0) if name in UP_TO_ONE else high
        found[name] = (low, high) if high - low > 1e-9 else _of_equal(name, low, tracks, confidence)
    return found


def intervals_of_draws(
    draws: Sequence[Draws], seed: int = 0, confidence: float = 0.95
) -> dict[str, tuple[float, float, float]]:
    """Mean over seeds of runs drawn before, with an interval over tracks and seeds: metric -> (value, low, high)."""
    whole, drawn = _over_seeds(draws, np.random.default_rng([seed, 0]))
    ends = {name: percentile_interval(_centred(name, drawn[name], whole[name]), confidence) for name in drawn}
    return {name: (float(whole[name]), *ends[name]) for name in drawn}


def _over_seeds(draws: Sequence[Draws], generator: np.random.Generator) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metric -> mean over the seeds; and over resamples that draw seeds too."""
    weights = _seed_weights(len(draws), len(next(iter(draws[0].drawn.values()))), generator)
    whole = {name: np.mean([one.whole[name] for one in draws], axis=0) for name in draws[0].whole}
    drawn = {name: (weights * np.stack([one.drawn[name] for one in draws])).sum(axis=0) for name in draws[0].drawn}
    return whole, drawn


def _seed_weights(seeds: int, n: int, generator: np.random.Generator) -> np.ndarray:
    """`[seeds, n]` by which to weight each seed in each resample; each column adds up to 1."""
    if seeds == 1:
        return np.ones((1, n))
    share = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=n).T / seeds
    found: np.ndarray = 1 / seeds + np.sqrt(seeds / (seeds - 1)) * (share - 1 / seeds)
    return found


def _centred(name: str, drawn: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Draws without NaN, those of macro averages, hubness and calibration about the value."""
    drawn = drawn[~np.isnan(drawn)]
    return drawn + (value - drawn.mean()) if name in CENTRED and len(drawn) else drawn


def _tally_by_track(
    logits: np.ndarray, target: np.ndarray, track: np.ndarray, distances: np.ndarray, supergenres: np.ndarray
) -> Tally:
    """A tally of each track, `[T]` and `[T, C]`."""
    tracks, place = np.unique(track, return_inverse=True)
    target = np.asarray(target, dtype=np.int64)
    count, classes = len(tracks), logits.shape[1]
    top = top_answers(logits, 5)
    answer = top[:, 0]
    away = reachable(distances)[target, answer]
    near = supergenres[top[:, :3]] == supergenres[target][:, None]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, weights=values, minlength=count)

    def by_genre(genre: np.ndarray, keep: np.ndarray) -> np.ndarray:
        found = np.bincount((place * classes + genre)[keep], minlength=count * classes)
        return found.reshape(count, classes).astype(np.float64)

    every = np.ones(len(target), dtype=bool)
    return Tally(
        support=by_genre(target, every),
        predicted=by_genre(answer, every),
        correct=by_genre(target, answer == target),
        distance=total(away),
        square=total(away**2),
        supergenre=total(near[:, 0]),
        top3=total((top[:, :3] == target[:, None]).any(axis=1)),
        top5=total((top == target[:, None]).any(axis=1)),
        supergenre_top3=total(near.any(axis=1)),
        nll=total(surprise(logits, target)),
    )


def _resampled(by_track: Tally, distances: np.ndarray, medoid: int | None, n: int, seed: int) -> dict[str, np.ndarray]:
    """Metric -> `[n]`, its values over resamples. The same seed draws the same tracks."""
    finite = reachable(distances)
    parts = [scores_of(_weighted(by_track, w), finite, medoid) for w in track_weights(len(by_track.support), n, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def track_weights(tracks: int, n: int, seed: int) -> Iterator[np.ndarray]:
    """How often each track is drawn, `[up to CHUNK, tracks]` at a time."""
    generator = np.random.default_rng(seed)
    for start in range(0, n, CHUNK):
        yield generator.multinomial(tracks, np.full(tracks, 1 / tracks), size=min(CHUNK, n - start)).astype(float)


def _weighted(by_track: Tally, weights: np.ndarray | None = None) -> Tally:
    """Sum the tracks' tallies, each as often as it was drawn; once by default."""
    weights = np.ones(len(by_track.support)) if weights is None else weights
    return Tally(**{field.name: weights @ getattr(by_track, field.name) for field in fields(Tally)})

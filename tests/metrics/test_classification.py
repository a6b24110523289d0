"""Every metric against scikit-learn or a loop; intervals against simulation."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from genrelab.metrics import (
    DIRECTION,
    METRICS,
    baseline_scores,
    bootstrap_intervals,
    count_predictions,
    medoid_class,
    monitor_direction,
    paired_difference,
    paired_difference_of_seeds,
    scores,
    scores_from_counts,
    top_k_classes,
)
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID, RANDOM
from genrelab.postprocessing import aggregate_segments, track_targets
from genrelab.utils.errors import ConfigError


def line_of(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Genres on a line, three to a supergenre."""
    places = np.arange(classes)
    return np.abs(places[:, None] - places).astype(np.float32), places // 3


def some(classes: int, n: int, seed: int = 0, skill: float = 1.0):
    generator = np.random.default_rng(seed)
    target = generator.integers(0, classes, n)
    logits = generator.normal(size=(n, classes)).astype(np.float32)
    logits[np.arange(n), target] += skill
    return logits, target


def by_hand(logits, target, distances, supergenres, medoid) -> dict[str, float]:
    answer = logits.argmax(axis=1)
    best = np.argsort(-logits, axis=1, kind="stable")
    away = np.array([distances[t, a] for t, a in zip(target, answer, strict=True)], dtype=float)
    probs = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(axis=1, keepdims=True)
    share = np.bincount(answer, minlength=logits.shape[1]) / len(answer)
    macro = {"average": "macro", "zero_division": 0}
    return {
        "accuracy": sk.accuracy_score(target, answer),
        "top3": np.mean([t in row[:3] for t, row in zip(target, best, strict=True)]),
        "top5": np.mean([t in row[:5] for t, row in zip(target, best, strict=True)]),
        "balanced_accuracy": np.mean([np.mean(answer[target == c] == c) for c in set(target)]),
        "precision_macro": sk.precision_score(target, answer, **macro),
        "recall_macro": sk.recall_score(target, answer, **macro),
        "f1_macro": sk.f1_score(target, answer, **macro),
        "distance": away.mean(),
        "distance_sd": away.std(),
        "severity": away[answer != target].mean() if (answer != target).any() else 0.0,
        "distance_skill": 1 - away.mean() / distances[target, medoid].mean() if (target != medoid).any() else math.nan,
        "supergenre_accuracy": np.mean(supergenres[answer] == supergenres[target]),
        "supergenre_top3": np.mean(
            [supergenres[t] in supergenres[row[:3]] for t, row in zip(target, best, strict=True)]
        ),
        "hub_share": share.max(),
        "effective_classes": np.exp(-sum(p * np.log(p) for p in share if p)),
        "never_predicted": (share == 0).sum(),
        "nll": sk.log_loss(target, probs, labels=range(logits.shape[1])) if logits.shape[1] > 1 else 0.0,
    }


@pytest.mark.parametrize(("classes", "n", "skill"), [(3, 40, 1.0), (12, 300, 2.0), (248, 900, 0.5), (4, 1, 0.0)])
def test_every_metric_against_scikit_learn_and_loops(classes, n, skill):
    logits, target = some(classes, n, seed=classes, skill=skill)
    distances, supergenres = line_of(classes)
    found = scores(logits, target, distances, supergenres, medoid=classes // 2)
    expected = by_hand(logits, target, distances, supergenres, classes // 2)
    assert set(found) == set(METRICS) == set(DIRECTION) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6, nan_ok=True), name


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9), st.integers(1, 30), st.integers(0, 10_000), st.floats(0, 5))
def test_metrics_on_made_up_answers(classes, n, seed, skill):
    """Ties included: logits are rounded to halves."""
    logits, target = some(classes, n, seed, skill)
    logits = np.round(logits * 2) / 2
    distances, supergenres = line_of(classes)
    found = scores(logits, target, distances, supergenres, medoid=0)
    for name, value in by_hand(logits, target, distances, supergenres, 0).items():
        assert found[name] == pytest.approx(value, abs=1e-6, nan_ok=True), name
    assert found["top3"] <= found["top5"] and found["accuracy"] <= found["top3"]
    assert 1 - 1e-9 <= found["effective_classes"] <= classes + 1e-9


def test_counts_of_parts_add_up_to_the_whole():
    logits, target = some(12, 200)
    distances, supergenres = line_of(12)
    parts = [count_predictions(logits[i : i + 37], target[i : i + 37], supergenres) for i in range(0, 200, 37)]
    joined = type(parts[0])(
        confusion=sum(part.confusion for part in parts),
        hits={name: sum(part.hits[name] for part in parts) for name in parts[0].hits},
        nll=sum(part.nll for part in parts),
        n=sum(part.n for part in parts),
    )
    assert scores_from_counts(joined, distances, supergenres, 3) == pytest.approx(
        scores(logits, target, distances, supergenres, 3), rel=1e-12
    )


def test_a_perfect_answer_has_skill_one_and_the_medoid_none():
    distances, supergenres = line_of(7)
    target = np.repeat(np.arange(7), 4)
    perfect = scores(np.eye(7)[target], target, distances, supergenres, 3)
    assert perfect["accuracy"] == perfect["distance_skill"] == perfect["f1_macro"] == 1.0
    assert perfect["distance"] == perfect["severity"] == 0.0
    medoid = medoid_class(distances, np.bincount(target))
    assert medoid == 3
    constant = np.zeros((28, 7))
    constant[:, medoid] = 1
    for given_medoid in (medoid, None):
        assert scores(constant, target, distances, supergenres, given_medoid)["distance_skill"] == 0.0


def test_unreachable_genres_and_what_says_nothing():
    distances = np.array([[0, 1, np.inf], [1, 0, np.inf], [np.inf, np.inf, 0]], dtype=np.float32)
    found = scores(np.eye(3)[[2, 1]], np.array([0, 1]), distances, np.arange(3), 0)
    assert found["distance"] == 1.0 and found["severity"] == 2.0  # one more than the farthest with a path
    assert found["distance_skill"] == -1.0
    assert math.isnan(scores(np.eye(3)[[1]], np.array([0]), distances, np.arange(3), 0)["distance_skill"])
    assert all(math.isnan(v) for v in scores(np.zeros((0, 3)), np.zeros(0), distances, np.arange(3), 0).values())
    diverged = np.full((4, 3), np.nan)
    assert all(math.isnan(v) for v in scores(diverged, np.zeros(4), distances, np.arange(3), 0).values())


def test_top_answers_of_ties_are_the_first():
    assert top_k_classes(np.array([[1.0, 2.0, 2.0, 0.0]]), 3).tolist() == [[1, 2, 0]]
    assert top_k_classes(np.zeros((1, 2)), 5).tolist() == [[0, 1]]


def test_baselines_against_their_definitions():
    distances, supergenres = line_of(9)
    train = np.array([1, 1, 1, 1, 1, 6, 1, 1, 20])
    target = np.random.default_rng(0).integers(0, 9, 400)
    found = baseline_scores(target, train, distances, supergenres)
    assert found[MAJORITY]["accuracy"] == pytest.approx((target == 8).mean())
    assert found[MAJORITY]["top3"] == pytest.approx(np.isin(target, [8, 5, 0]).mean())
    medoid = medoid_class(distances, train)
    assert found[MEDOID]["distance"] == pytest.approx(distances[target, medoid].mean())
    assert found[MEDOID]["distance_skill"] == 0.0
    drawn = np.random.default_rng(1).normal(size=(200_000, 9))
    many = scores(drawn, np.tile(target, 500), distances, supergenres, medoid)
    for name, value in found[RANDOM].items():
        if name not in ("nll", "hub_share", "never_predicted"):
            assert value == pytest.approx(many[name], rel=0.02, abs=0.01), name
    assert found[RANDOM]["nll"] == pytest.approx(math.log(9))


# ---- intervals


def clustered(tracks: int, per_track: int, seed: int, rate: float = 0.6):
    """All segments of a track are right, or all are wrong."""
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 3, tracks)
    right = generator.random(tracks) < rate
    answer = np.where(right, target, (target + 1) % 3)
    track = np.repeat(np.arange(tracks), per_track)
    return np.eye(3)[answer[track]] * 4, target[track], track


def test_intervals_by_track_are_wider_where_segments_agree():
    distances, supergenres = line_of(3)
    logits, target, track = clustered(50, 20, seed=0)
    by_track = bootstrap_intervals(logits, target, track, distances, supergenres)["accuracy"]
    by_segment = bootstrap_intervals(logits, target, np.arange(len(target)), distances, supergenres)["accuracy"]
    wide, narrow = by_track[1] - by_track[0], by_segment[1] - by_segment[0]
    assert wide / narrow == pytest.approx(math.sqrt(20), rel=0.15)
    value = scores(logits, target, distances, supergenres)["accuracy"]
    assert by_track[0] < value < by_track[1]


def test_intervals_equal_those_of_a_plain_loop_over_resamples():
    distances, supergenres = line_of(6)
    generator = np.random.default_rng(5)
    logits, _ = some(6, 120, seed=5)
    of_track = generator.integers(0, 6, 25)
    track = generator.integers(0, 25, 120)
    target = of_track[track]
    logits[np.arange(120), target] += 1
    found = bootstrap_intervals(logits, target, track, distances, supergenres, 2, n=300, seed=9)
    names = np.unique(track)
    again = np.random.default_rng(9)
    drawn = []
    for size in (128, 128, 44):
        for row in again.multinomial(len(names), np.full(len(names), 1 / len(names)), size=size):
            chosen = np.concatenate([np.tile(np.flatnonzero(track == t), w) for t, w in zip(names, row, strict=True)])
            chosen = chosen.astype(int)
            drawn.append(scores(logits[chosen], target[chosen], distances, supergenres, 2))
    for name in ("accuracy", "distance", "severity", "distance_skill", "supergenre_top3", "nll"):
        expected = np.percentile([one[name] for one in drawn], [2.5, 97.5])
        assert found[name] == pytest.approx(tuple(expected), rel=1e-9), name
    shifted = np.array([one["f1_macro"] for one in drawn])
    shifted += scores(logits, target, distances, supergenres, 2)["f1_macro"] - shifted.mean()
    assert found["f1_macro"] == pytest.approx(tuple(np.percentile(shifted, [2.5, 97.5])), rel=1e-9)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    distances, supergenres = line_of(3)
    hits = 0
    for seed in range(150):
        logits, target, track = clustered(60, 3, seed)
        low, high = bootstrap_intervals(logits, target, track, distances, supergenres, n=200)["accuracy"]
        hits += low <= 0.6 <= high
    assert 0.88 <= hits / 150 <= 0.99


def test_many_genres_do_not_push_macro_scores_out_of_their_own_intervals():
    logits, target = some(100, 300, skill=2.0)
    distances, supergenres = line_of(100)
    value = scores(logits, target, distances, supergenres)
    for name, (low, high) in bootstrap_intervals(logits, target, np.arange(300), distances, supergenres, 50).items():
        assert low <= value[name] <= high or name == "distance_skill", name


def test_a_faultless_score_on_few_tracks_is_not_certain():
    distances, supergenres = line_of(3)
    logits, target, track = clustered(10, 4, 0, rate=1.0)
    low, high = bootstrap_intervals(logits, target, track, distances, supergenres)["accuracy"]
    assert high == 1.0 and low == pytest.approx(1 - 3.8415 / 13.8415, abs=1e-3)
    assert bootstrap_intervals(logits[:0], target[:0], track[:0], distances, supergenres) == {}


def test_paired_difference_sees_what_separate_intervals_do_not():
    distances, supergenres = line_of(3)
    logits, target, track = clustered(80, 1, seed=2)
    better = logits.copy()
    wrong = np.flatnonzero(logits.argmax(axis=1) != target)[:12]
    better[wrong] = np.eye(3)[target[wrong]] * 4
    separate = [bootstrap_intervals(one, target, track, distances, supergenres)["accuracy"] for one in (logits, better)]
    assert separate[0][1] > separate[1][0]  # they overlap
    difference = paired_difference(logits, better, target, track, distances, supergenres)["accuracy"]
    assert difference.value == pytest.approx(12 / 80) and difference.low > 0.05 and difference.p < 0.01
    same = paired_difference(logits, logits, target, track, distances, supergenres)["accuracy"]
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_track_scores_come_from_the_same_function():
    logits, target, track = clustered(20, 5, 0)
    of_track, _ = aggregate_segments(logits, track)
    distances, supergenres = line_of(3)
    found = scores(of_track, track_targets(target, track), distances, supergenres)
    assert found["accuracy"] == pytest.approx(scores(logits, target, distances, supergenres)["accuracy"])


# ---- names


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("val/track/distance", "min"),
        ("val/segment/accuracy", "max"),
        ("val/loss", "min"),
        ("train/loss", "min"),
        ("val/track/nll", "min"),
        ("val/track/distance_skill", "max"),
    ],
)
def test_direction_of_monitors(name, way):
    assert monitor_direction(name) == way


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("val/track/acuracy", "'val/track/acuracy'.*'val/track/accuracy'"),
        ("distance", "'distance'.*'val/track/distance'"),
        ("train/track/accuracy", "'train/track/accuracy'.*'val/track/accuracy'"),
        ("zzz", "'zzz'.*train/loss, val/loss, .*val/track/ .*accuracy, top3"),
        ("test/track/accuracy", r"\btest\b.*val/"),
    ],
)
def test_a_wrong_monitor_is_named_with_a_suggestion(name, text):
    with pytest.raises(ConfigError) as caught:
        monitor_direction(name)
    assert re.search(text, str(caught.value)) and "\n" not in str(caught.value)


def test_seeds_as_blocks_widen_a_difference_by_what_seeds_do():
    generator = np.random.default_rng(3)
    target, distances, supergenres = generator.integers(0, 3, 300), 1.0 - np.eye(3), np.arange(3)

    def run(share: float) -> np.ndarray:
        right = generator.random(300) < share
        return np.eye(3)[np.where(right, target, (target + 1) % 3)]

    a, b = [run(share) for share in (0.5, 0.6, 0.7)], [run(share) for share in (0.55, 0.66, 0.74)]
    common = (target, np.arange(300), distances, supergenres, 0)
    one = paired_difference_of_seeds(a[:1], b[:1], *common)
    assert one == paired_difference(a[0], b[0], *common)
    found = paired_difference_of_seeds(a, b, *common)["accuracy"]
    means = [np.mean([(one.argmax(axis=1) == target).mean() for one in runs]) for runs in (a, b)]
    assert found.value == pytest.approx(means[1] - means[0])
    # by hand: variance of the mean over seeds, and over tracks of each track's mean over seeds
    hit = np.array([[(one.argmax(axis=1) == target) for one in runs] for runs in (a, b)], dtype=float)
    by_track = (hit[1].mean(axis=0) - hit[0].mean(axis=0)).var() / 300
    by_seed = hit.mean(axis=2).var(axis=1, ddof=1).sum() / 3
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(by_track + by_seed), rel=0.15)
    assert found.low < 0 < found.high and found.p > 0.05


def test_intervals_of_hubness_cover_that_of_as_many_tracks():
    """The mean over test sets of 80 tracks lies in the interval about as often as it says."""
    distances, supergenres = line_of(12)

    def answers(seed):
        logits, target = some(12, 80, seed, skill=0.5)
        logits[:, 2] += 1.2  # a hub
        return logits, target

    found = [scores(*answers(seed), distances, supergenres) for seed in range(400)]
    for name in ("hub_share", "effective_classes"):
        truth, hits = np.mean([one[name] for one in found]), 0
        for seed in range(100):
            low, high = bootstrap_intervals(*answers(seed), np.arange(80), distances, supergenres, n=200)[name]
            hits += low <= truth <= high
        assert 85 <= hits <= 100, (name, hits)

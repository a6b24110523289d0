"""Distance at k, the tree, calibration, risk and coverage: each against loops, intervals against plain resampling."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genrelab.metrics import (
    EXTENDED_METRICS,
    HEDGED_METRICS,
    ClassHierarchy,
    HierarchicalPredictions,
    extended_differences,
    extended_scores,
    reliability_bins,
    risk_coverage_curve,
)

PLACES = np.arange(12)
TREE = ClassHierarchy(np.abs(PLACES[:, None] - PLACES).astype(np.float32), PLACES // 2, PLACES // 6)


def some(n, seed=0, skill=2.0, tracks=None, rounded=False):
    generator = np.random.default_rng(seed)
    track = generator.integers(0, tracks or n, n)
    target = generator.integers(0, 12, n)
    logits = generator.normal(size=(n, 12))
    logits[np.arange(n), target] += skill
    return (np.round(logits * 2) / 2 if rounded else logits), target, track


def by_hand(answers: HierarchicalPredictions, tree: ClassHierarchy) -> dict[str, float]:
    p = np.exp(answers.log_prob) / np.exp(answers.log_prob).sum(axis=1, keepdims=True)
    rows = range(len(p))
    first = [[int(answers.prediction[i]), *(k for k in np.argsort(-p[i], kind="stable") if k != answers.prediction[i])]
             for i in rows]  # fmt: skip
    sure = [round(float(p[i, answers.prediction[i]]), 12) for i in rows]
    right = [answers.prediction[i] == answers.target[i] for i in rows]
    levels = [PLACES, tree.supergenres, tree.clusters]
    held = said = 0
    holds = []
    for i in rows:
        t, h, g = answers.target[i], answers.level[i], answers.index[i]
        truth = {(level, levels[level][t]) for level in range(3)}
        member = int(np.flatnonzero(levels[h] == g)[0]) if h < 3 else 0
        answered = {(level, levels[level][member]) for level in range(h, 3)}
        held, said = held + len(truth & answered), said + len(answered)
        holds.append(h < 3 and (h, g) in truth)
    named = [i for i in rows if answers.level[i] == 0]
    ece = 0.0
    for number in range(15):
        inside = [i for i in rows if number < round(sure[i] * 15, 9) <= number + 1 or (number == 0 and sure[i] == 0)]
        if inside:
            ece += abs(sum(sure[i] for i in inside) - sum(right[i] for i in inside)) / len(p)
    risks = [np.mean([not right[j] for j in rows if sure[j] >= sure[i]]) for i in rows]
    away = tree.distances.astype(float)
    return {
        "distance_at_3": np.mean([away[answers.target[i], first[i][:3]].mean() for i in rows]),
        "distance_at_5": np.mean([away[answers.target[i], first[i][:5]].mean() for i in rows]),
        "cluster_accuracy": np.mean(tree.clusters[answers.prediction] == tree.clusters[answers.target]),
        "cluster_top3": np.mean([tree.clusters[answers.target[i]] in tree.clusters[first[i][:3]] for i in rows]),
        "hierarchical_precision": held / said if said else math.nan,
        "hierarchical_recall": held / (3 * len(p)),
        "hierarchical_f": 2 * held / (said + 3 * len(p)),
        "centrality_gap": np.mean(away.mean(axis=1)[answers.target] - away.mean(axis=1)[answers.prediction]),
        "brier": np.mean(((p - np.eye(12)[answers.target]) ** 2).sum(axis=1)),
        "ece": ece,
        "aurc": np.mean(risks),
        "coverage": len(named) / len(p),
        "selective_accuracy": np.mean([right[i] for i in named]) if named else math.nan,
        "answered": np.mean(answers.level < 3),
        "answered_accuracy": sum(holds) / (answers.level < 3).sum() if (answers.level < 3).any() else math.nan,
    }


@given(st.integers(1, 40), st.integers(0, 9999), st.floats(0, 5), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_metric_against_loops(n, seed, skill, rounded, hedged):
    logits, target, track = some(n, seed, skill, rounded=rounded)
    generator = np.random.default_rng(seed)
    given_answers = {}
    if hedged:
        answer = generator.integers(0, 12, n)
        height = generator.integers(0, 4, n)
        levels = np.stack([PLACES, TREE.supergenres, TREE.clusters, np.full(12, -1)])
        given_answers = {"prediction": answer, "level": height, "index": levels[height, generator.integers(0, 12, n)]}
        given_answers["index"][height == 0] = answer[height == 0]
    answers = HierarchicalPredictions(logits, target, track, **given_answers)
    found = extended_scores(answers, TREE, n=0)
    expected = by_hand(answers, TREE)
    assert set(found) == set(expected) == {*EXTENDED_METRICS, *HEDGED_METRICS}
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value, abs=1e-9, nan_ok=True), name
    if not hedged:
        assert found["hierarchical_precision"][0] == pytest.approx(found["hierarchical_f"][0])
        assert found["coverage"][0] == found["answered"][0] == 1


def test_levels_that_tell_nothing_are_no_ancestors():
    logits, target, track = some(200)
    flat = ClassHierarchy(TREE.distances, PLACES, np.zeros(12, dtype=int))
    found = extended_scores(HierarchicalPredictions(logits, target, track), flat, n=0)
    accuracy = np.mean(logits.argmax(axis=1) == target)
    assert found["hierarchical_f"][0] == pytest.approx(accuracy)
    assert found["cluster_accuracy"][0] == 1


def test_intervals_equal_those_of_a_plain_loop_over_resamples():
    logits, _, track = some(90, 3, tracks=20)
    target = np.random.default_rng(3).integers(0, 12, 20)[track]
    logits[np.arange(90), target] += 2
    found = extended_scores(HierarchicalPredictions(logits, target, track), TREE, n=200, seed=4)
    names = np.unique(track)
    generator = np.random.default_rng(4)
    drawn = []
    for size in (128, 72):
        for row in generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=size):
            chosen = np.concatenate([np.tile(np.flatnonzero(track == t), w) for t, w in zip(names, row, strict=True)])
            chosen = chosen.astype(int)
            drawn.append(
                extended_scores(HierarchicalPredictions(logits[chosen], target[chosen], track[chosen]), TREE, n=0)
            )
    for name in ("distance_at_3", "brier", "aurc", "ece", "hierarchical_f"):
        values = np.array([one[name][0] for one in drawn])
        if name == "ece":
            values += found["ece"][0] - values.mean()
        assert found[name][1:] == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])), rel=1e-9), name


def test_differences_pair_the_same_tracks():
    logits, target, track = some(300)
    sharper = HierarchicalPredictions(3 * logits, target, track)
    plain = HierarchicalPredictions(logits, target, track)
    found = extended_differences(plain, sharper, TREE, n=300)
    values = [extended_scores(one, TREE, n=0) for one in (plain, sharper)]
    for name, one in found.items():
        assert one.value == pytest.approx(values[1][name][0] - values[0][name][0], abs=1e-12), name
    assert found["ece"].p < 0.02 and found["ece"].low < found["ece"].value < found["ece"].high
    assert found["distance_at_3"].value == 0 and found["distance_at_3"].p == 1
    same = extended_differences(plain, plain, TREE, n=100)
    assert all((one.value, one.p) == (0, 1) for one in same.values())


def test_no_rows_and_one_row():
    logits, target, track = some(1)
    assert extended_scores(HierarchicalPredictions(logits[:0], target[:0], track[:0]), TREE) == {}
    value, low, high = extended_scores(HierarchicalPredictions(logits, target, track), TREE)["brier"]
    assert math.isfinite(value) and math.isnan(low) and math.isnan(high)
    assert risk_coverage_curve(HierarchicalPredictions(logits[:0], target[:0], track[:0])) == []


def test_calibrated_probabilities_have_nearly_no_gap():
    generator = np.random.default_rng(0)
    logits = 2 * generator.normal(size=(20_000, 12))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = (p.cumsum(axis=1) < generator.random((20_000, 1))).sum(axis=1)
    track = np.arange(20_000)
    assert extended_scores(HierarchicalPredictions(logits, target, track), TREE, n=0)["ece"][0] < 0.012
    assert extended_scores(HierarchicalPredictions(3 * logits, target, track), TREE, n=0)["ece"][0] > 0.1
    bins = reliability_bins(HierarchicalPredictions(logits, target, track))
    assert sum(one["count"] for one in bins) == 20_000
    assert all(one["low"] < one["confidence"] <= one["high"] for one in bins)
    assert all(abs(one["confidence"] - one["accuracy"]) < 0.06 for one in bins if one["count"] > 500)


def test_risk_grows_to_the_share_of_wrong_answers():
    logits, target, track = some(500)
    points = risk_coverage_curve(HierarchicalPredictions(logits, target, track), 51)
    assert len(points) <= 51 and points[-1] == (1.0, pytest.approx(np.mean(logits.argmax(axis=1) != target)))
    assert points[5][1] < points[-1][1]
    equal = risk_coverage_curve(HierarchicalPredictions(np.zeros((4, 12)), np.array([0, 0, 1, 2]), PLACES[:4]))
    assert equal == [(1.0, 0.5)] * 4  # tied answers are kept or dropped together

"""Decisions after training: each against a loop or its limits, all fitted on val alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genrelab.config import conf_dir
from genrelab.postprocessing import aggregate_segments
from genrelab.postprocessing.registry import DECISIONS
from genrelab.postprocessing.temperature_scaling import fit_temperature, log_softmax
from genrelab.utils.errors import ConfigError
from naming import naming

PLACES = np.arange(12)
TREE = {
    "distances": np.abs(PLACES[:, None] - PLACES).astype(float),
    "supergenres": PLACES // 2,
    "clusters": PLACES // 6,
}


def build(kind, **params):
    return DECISIONS.build(kind, params, **TREE)


def some(n=200, seed=0, skill=1.5, scale=1.0):
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 12, n)
    logits = generator.normal(size=(n, 12))
    logits[np.arange(n), target] += skill
    return scale * logits, target


def test_every_kind_has_an_option_with_its_defaults():
    import inspect

    import yaml

    options = [yaml.safe_load(path.read_text()) for path in (conf_dir() / "decision").glob("*.yaml")]
    assert sorted(option["kind"] for option in options) == sorted(DECISIONS.kinds())
    for option in options:
        kind = option.pop("kind")
        signature = inspect.signature(DECISIONS.get(kind)).parameters
        assert option == {name: one.default for name, one in signature.items() if name not in (*TREE, "prior")}


@pytest.mark.parametrize("kind", [kind for kind in DECISIONS.kinds() if not DECISIONS.marked(kind, "multi_label")])
def test_every_kind_gives_probabilities_and_answers(kind):
    logits, target = some()
    decision = build(kind)
    decision.fit(*some(seed=1))
    found = decision.decide(logits)
    np.testing.assert_allclose(np.exp(found.log_prob).sum(axis=1), 1)
    assert found.prediction.shape == found.level.shape == found.index.shape == target.shape
    assert (found.ranking_scores.argmax(axis=1) == found.prediction).all()
    assert all(isinstance(value, float) for value in decision.fitted.values())
    again = decision.decide(logits[::-1])  # an answer knows nothing of its neighbors
    assert (again.prediction[::-1] == found.prediction).all()


@given(st.integers(0, 999), st.floats(0.1, 8))
@settings(max_examples=30, deadline=None)
def test_temperature_is_the_likeliest_and_undoes_a_scale(seed, scale):
    logits, target = some(300, seed)
    alone = fit_temperature(logits, target)
    assert fit_temperature(scale * logits, target) == pytest.approx(scale * alone, rel=1e-6)

    def likelihood(t):
        log_p = log_softmax(logits / t)
        return 300 / 301 * log_p[np.arange(300), target].mean() + log_p.mean() / 301

    assert likelihood(alone) >= max(likelihood(alone * 1.01), likelihood(alone / 1.01))
    assert likelihood(alone) >= likelihood(1.0)


def test_temperature_keeps_the_answers():
    logits, _ = some(scale=5)
    decision = build("temperature")
    decision.fit(*some(seed=1, scale=5))
    found = decision.decide(logits)
    assert decision.fitted["temperature"] > 3
    assert (found.prediction == logits.argmax(axis=1)).all()
    few = fit_temperature(np.eye(3) * 9, np.arange(3))  # all right: as sure as three tracks allow
    assert np.exp(log_softmax(np.eye(3) * 9 / few))[0, 0] == pytest.approx(3 / 4 + 1 / 4 / 3)
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=int)) == 1.0


@given(st.integers(0, 999), st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([None, 1.5, 4.0]))
@settings(max_examples=30, deadline=None)
def test_crm_is_the_least_expected_cost_in_loops(seed, power, truncate):
    logits, _ = some(20, seed)
    found = build("crm", power=power, truncate=truncate, calibrate=False).decide(logits)
    for row, answer in zip(np.exp(log_softmax(logits)), found.prediction, strict=True):
        costs = [sum(p * min(abs(k - j), truncate or 99) ** power for j, p in enumerate(row)) for k in range(12)]
        assert costs[answer] == pytest.approx(min(costs), abs=1e-6)


def test_crm_leaves_the_order_behind_the_first_answer_alone():
    logits, _ = some(400, skill=0.5)
    found = build("crm", calibrate=False).decide(logits)
    assert (found.prediction != logits.argmax(axis=1)).mean() > 0.1
    np.testing.assert_allclose(found.log_prob, log_softmax(logits))
    for row, ranked, answer in zip(logits, found.ranking_scores, found.prediction, strict=True):
        rest = [k for k in np.argsort(-row, kind="stable") if k != answer]
        assert np.argsort(-ranked, kind="stable").tolist() == [answer, *rest]


def test_crm_limits_that_are_argmax():
    logits, _ = some(300, skill=0.5)
    best = logits.argmax(axis=1)
    assert (build("crm", truncate=1.0, calibrate=False).decide(logits).prediction == best).all()
    flat = DECISIONS.build("crm", {"calibrate": False}, **{**TREE, "distances": 1 - np.eye(12)})
    assert (flat.decide(logits).prediction == best).all()
    assert (
        build("crm", power=30.0, calibrate=False).decide(logits).prediction % 11 != 0
    ).all()  # the middle of the line


def test_crm_of_what_is_unsure_is_the_middle_and_of_unreachable_genres_finite():
    assert set(build("crm", calibrate=False).decide(np.zeros((3, 12))).prediction) <= {5, 6}
    far = TREE["distances"].copy()
    far[:6, 6:] = far[6:, :6] = math.inf
    found = DECISIONS.build("crm", {}, **{**TREE, "distances": far}).decide(some()[0])
    assert np.isfinite(found.log_prob).all()


def test_crm_lowers_the_distance_of_calibrated_answers():
    generator = np.random.default_rng(0)
    logits = 2 * generator.normal(size=(5000, 12))
    p = np.exp(log_softmax(logits))
    target = (p.cumsum(axis=1) < generator.random((5000, 1))).sum(axis=1)
    away = [np.abs(build(kind).decide(logits).prediction - target).mean() for kind in ("argmax", "crm")]
    assert away[1] < 0.97 * away[0]


def test_hub_correction_answers_a_hub_less():
    logits, target = some(2000)
    logits[:, 3] += 1.5  # a hub
    val, test = slice(0, 1000), slice(1000, 2000)
    decision = build("prior_correction")
    decision.fit(logits[val], target[val])
    answers = [build("argmax").decide(logits[test]).prediction, decision.decide(logits[test]).prediction]
    share = [(answer == 3).mean() for answer in answers]
    right = [(answer == target[test]).mean() for answer in answers]
    assert share[0] > 0.25 and abs(share[1] - 1 / 12) < 0.05
    assert right[1] > right[0] + 0.05
    none = build("prior_correction", strength=0.0)
    none.fit(logits[val], target[val])
    np.testing.assert_allclose(none.decide(logits).log_prob, log_softmax(logits))


@pytest.mark.parametrize("coverage", [0.0, 0.3, 0.8, 1.0])
def test_hedging_keeps_its_coverage_on_val_and_backs_off_in_loops(coverage):
    logits, target = some(500, skill=2.5)
    decision = build("hedge", coverage=coverage, calibrate=False)
    decision.fit(logits, target)
    found = decision.decide(logits)
    assert (found.level == 0).mean() == pytest.approx(coverage, abs=1 / 500)
    p = np.exp(log_softmax(logits))
    for row, height, group in zip(p, found.level, found.index, strict=True):
        by_super = [row[TREE["supergenres"] == g].sum() for g in range(6)]
        by_cluster = [row[TREE["clusters"] == g].sum() for g in range(2)]
        levels = [row.tolist(), by_super, by_cluster]
        expected = next((h for h in range(3) if max(levels[h]) >= decision.tau), 3)
        assert height == expected
        assert group == (int(np.argmax(levels[expected])) if expected < 3 else -1)


def test_hedged_answers_hold_more_often():
    logits, target = some(3000, skill=2.0)
    decision = build("hedge", coverage=0.5)
    decision.fit(logits[:1500], target[:1500])
    found = decision.decide(logits[1500:])
    sure = found.level == 0
    right = found.prediction == target[1500:]
    assert right[sure].mean() > right.mean() + 0.1
    assert abs(sure.mean() - 0.5) < 0.05


@pytest.mark.parametrize(
    ("kind", "params", "data"),
    [
        ("crm", {"power": 0.0}, ["decision.power", "0.0", "0"]),
        ("crm", {"truncate": -1.0}, ["decision.truncate", "-1.0", "0"]),
        ("prior_correction", {"strength": -1.0}, ["decision.strength", "-1.0", "0"]),
        ("hedge", {"coverage": 1.5}, ["decision.coverage", "1.5", "[0, 1]"]),
        ("crmm", {}, ["'crmm'", "'crm'"]),
    ],
)
def test_out_of_range(kind, params, data):
    with pytest.raises(ConfigError, match=naming(*data)):
        build(kind, **params)


def test_confidence_weights_segments_by_their_certainty():
    sure, unsure = np.array([4.0, 0, 0]), np.array([0.0, 0.1, 0])
    logits, track = np.stack([sure, unsure, unsure, unsure]), np.zeros(4)
    assert aggregate_segments(logits, track, "vote")[0].argmax() == 1
    found, _ = aggregate_segments(logits, track, "confidence")
    assert found.argmax() == 0
    log_p = log_softmax(logits)
    weight = 1 + (np.exp(log_p) * log_p).sum(axis=1) / np.log(3)
    np.testing.assert_allclose(found[0], (weight[:, None] * log_p).sum(axis=0) / weight.sum(), rtol=1e-6)
    assert np.isfinite(aggregate_segments(np.zeros((2, 3)), np.zeros(2), "confidence")[0]).all()

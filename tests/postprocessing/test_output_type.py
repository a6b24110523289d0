"""How logits are read, and which of several genres are answered."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from genrelab.metrics import ClassHierarchy
from genrelab.postprocessing import MULTICLASS, MULTILABEL, PerClassThresholds, get_output_type
from genrelab.postprocessing.thresholds import best_f1_threshold, prevalence_matched_threshold
from genrelab.utils.errors import ConfigError

DRAW = np.random.default_rng(0)
LOGITS = DRAW.normal(size=(30, 4)) * 3
TRACK = np.repeat(np.arange(10), 3)
HIERARCHY = ClassHierarchy(1.0 - np.eye(4), np.arange(4), np.zeros(4, int), 0, np.array([[0, 1]]))


@pytest.mark.parametrize("output_type", [MULTICLASS, MULTILABEL])
def test_probabilities_lead_back_to_logits_and_are_the_modules(output_type):
    p = output_type.probabilities(LOGITS)
    np.testing.assert_allclose(output_type.probabilities(output_type.logits(p)), p)
    np.testing.assert_allclose(output_type.tensor_probabilities(torch.tensor(LOGITS)).numpy(), p)
    np.testing.assert_allclose(output_type.probabilities(LOGITS, 2.0), output_type.probabilities(LOGITS / 2))
    np.testing.assert_allclose(
        output_type.probabilities(output_type.log_probs_or_logits(LOGITS + 1.0)),
        output_type.probabilities(LOGITS + 1.0),
    )
    assert np.isfinite(output_type.logits(np.array([[0.0, 1.0]]))).all()
    assert (np.abs(p.sum(axis=1) - 1) < 1e-9).all() == (not output_type.multilabel)
    assert get_output_type(output_type.multilabel) is output_type


def test_tracks_are_joined_by_log_probability_or_by_probability():
    p = np.array([[0.9, 0.1], [0.5, 0.5]])
    geometric = np.sqrt(p[0] * p[1])
    joined, _ = MULTICLASS.aggregate(MULTICLASS.logits(p), np.zeros(2))
    np.testing.assert_allclose(MULTICLASS.probabilities(joined)[0], geometric / geometric.sum())
    joined, tracks = MULTILABEL.aggregate(MULTILABEL.logits(p), np.zeros(2))
    np.testing.assert_allclose(MULTILABEL.probabilities(joined)[0], p.mean(axis=0))
    assert tracks.tolist() == [0]


def test_how_unsure_and_how_much_is_found():
    assert MULTILABEL.entropy(np.array([[0.5, 0.5], [0.0, 1.0]])) == pytest.approx([1, 0], abs=1e-9)
    assert MULTILABEL.energy(np.array([[0.0, -1000.0]])) == pytest.approx(np.log(2))


@pytest.mark.parametrize("output_type", [MULTICLASS, MULTILABEL])
def test_metrics_of_a_run_and_over_resamples(output_type):
    target = DRAW.random((30, 4)) < 0.4 if output_type.multilabel else DRAW.integers(0, 4, 30)
    found = output_type.scores(LOGITS, target, HIERARCHY)
    assert set(found) == set(output_type.metrics) and {output_type.primary_metric, output_type.selection_metric} <= set(
        output_type.direction
    )
    result = output_type.bootstrap(LOGITS, target, TRACK, HIERARCHY, n=50)
    assert float(result.estimate[output_type.primary_metric]) == pytest.approx(found[output_type.primary_metric])
    assert len(result.replicates[output_type.primary_metric]) == 50


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=12))
def test_no_threshold_has_a_better_f1(rows):
    p = np.array([value / 6 for value, _ in rows])
    target = np.array([hit for _, hit in rows])
    target[0] = True
    found = f1_score(target, p >= best_f1_threshold(p, target))
    assert found >= max(f1_score(target, p >= limit) for limit in p) - 1e-12


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20, unique=True), st.floats(0, 1))
def test_a_genre_is_answered_as_often_as_it_is_there(values, share):
    p = np.array(values)
    assert (p >= prevalence_matched_threshold(p, share)).sum() == round(share * len(p))


def test_rare_genres_are_answered_by_their_share_and_others_by_f1():
    p = np.linspace(0.01, 0.4, 40)
    logits = MULTILABEL.logits(np.stack([p, p], axis=1))
    target = np.zeros((40, 2), dtype=bool)
    target[30:, 0] = target[39, 1] = True
    decision = PerClassThresholds(prior=np.array([0.5, 0.25]), min_positives=5)
    decision.fit(logits, target)
    assert decision.decide(logits).sum(axis=0).tolist() == [10, 10]  # the best F1; a quarter of 40
    without = PerClassThresholds(min_positives=5)
    without.fit(logits, target)
    assert without.decide(logits).sum(axis=0).tolist() == [10, 1]
    assert set(decision.fitted) == {"lowest", "median", "highest"}


def test_half_learns_nothing():
    decision = PerClassThresholds(rule="half")
    decision.fit(LOGITS, LOGITS > 1)
    np.testing.assert_array_equal(decision.decide(LOGITS), LOGITS >= 0)
    assert decision.fitted == {}
    with pytest.raises(ConfigError, match="negative"):
        PerClassThresholds(min_positives=-1)

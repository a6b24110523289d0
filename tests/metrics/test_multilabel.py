"""Scores where a track has several genres, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score

from genrelab.metrics import monitor_direction, paired_difference_of_results
from genrelab.metrics.bootstrap import confidence_intervals
from genrelab.metrics.multilabel import (
    MultilabelPredictions,
    aggregate_multilabel_segments,
    auc,
    bootstrap_multilabel_scores,
    enforce_hierarchy,
    multilabel_scores,
    per_class_auc,
    prior_logits,
    sigmoid,
)
from genrelab.utils.errors import ConfigError

PAIRS = np.array([[0, 1], [0, 2], [1, 2], [3, 4]])


@pytest.fixture
def answers():
    generator = np.random.default_rng(0)
    target = generator.random((60, 6)) < [0.5, 0.3, 0.2, 0.4, 0.1, 0.0]
    logits = np.round(generator.normal(size=(60, 6)) + 1.5 * target, 1)  # rounded: with ties
    return MultilabelPredictions(logits, target, np.repeat(np.arange(20), 3))


def test_areas_are_scikit_learns_with_weights_and_ties(answers):
    weights = np.random.default_rng(1).integers(0, 4, size=(5, 60)).astype(float)
    roc, pr = auc(answers.logits, answers.target, weights)
    for row, own in enumerate(weights):
        for genre in range(5):
            given = answers.target[:, genre], answers.logits[:, genre]
            assert roc[row, genre] == pytest.approx(roc_auc_score(*given, sample_weight=own))
            assert pr[row, genre] == pytest.approx(average_precision_score(*given, sample_weight=own))
    assert np.isnan(roc[:, 5]).all() and np.isnan(pr[:, 5]).all()


def test_scores_are_what_they_say(answers):
    found = multilabel_scores(answers, PAIRS)
    said = answers.logits > 0
    there = answers.target[:, :5]
    assert found["roc_auc"] == pytest.approx(roc_auc_score(there, answers.logits[:, :5], average="macro"))
    assert found["pr_auc"] == pytest.approx(average_precision_score(there, answers.logits[:, :5], average="macro"))
    assert found["f1_micro"] == pytest.approx(f1_score(answers.target, said, average="micro"))
    assert found["f1_macro"] == pytest.approx(f1_score(there, said[:, :5], average="macro"))
    assert found["subset_accuracy"] == (said == answers.target).all(axis=1).mean()
    losses = [log_loss(answers.target[:, g], sigmoid(answers.logits[:, g]), labels=[False, True]) for g in range(6)]
    assert found["bce"] == pytest.approx(np.mean(losses))
    held = [[row[a] >= row[d] for a, d in PAIRS] for row in answers.logits]
    assert found["consistency"] == pytest.approx(np.mean(held))
    assert np.isnan(multilabel_scores(answers)["consistency"])


def test_propagation_makes_all_pairs_consistent_and_lowers_nothing(answers):
    raised = enforce_hierarchy(answers.logits, PAIRS)
    assert multilabel_scores(MultilabelPredictions(raised, answers.target, answers.track), PAIRS)["consistency"] == 1
    assert (raised >= answers.logits).all() and (raised[:, [2, 4, 5]] == answers.logits[:, [2, 4, 5]]).all()


def test_a_constant_answer_scores_chance(answers):
    constant = np.tile(prior_logits(answers.target.sum(axis=0), 60), (60, 1))
    found = per_class_auc(MultilabelPredictions(constant, answers.target, answers.track))
    assert np.allclose(found["roc_auc"][:5], 0.5)
    assert np.allclose(found["pr_auc"][:5], answers.target[:, :5].mean(axis=0))
    assert (np.diff(prior_logits(np.array([0, 1, 30, 59, 60]), 60)) > 0).all()


def label_intervals(answers, pairs=None, n=1000):
    return confidence_intervals(bootstrap_multilabel_scores(answers, pairs, n), len(np.unique(answers.track)))


def test_intervals_hold_the_value_and_widen_where_rows_are_of_few_tracks(answers):
    few, whole = label_intervals(answers, PAIRS, n=300), multilabel_scores(answers, PAIRS)
    many = label_intervals(MultilabelPredictions(answers.logits, answers.target, np.arange(60)), PAIRS, n=300)
    assert all(low <= whole[name] <= high for name, (low, high) in few.items())
    assert set(few) == set(many)


def test_where_all_resamples_are_alike_shares_have_wilsons_bound():
    right = np.eye(3, dtype=bool)[np.arange(12) % 3]
    found = label_intervals(MultilabelPredictions(np.where(right, 5.0, -5.0), right, np.arange(12)), n=50)
    assert found["subset_accuracy"] == found["top1"] == (pytest.approx(0.757, abs=1e-3), 1.0)
    assert np.isnan(found["bce"]).all()


def test_rows_of_one_track_are_drawn_together():
    """Copies of each row within its track tell nothing new: the interval is that of the tracks."""
    generator = np.random.default_rng(2)
    target = generator.random((30, 3)) < 0.4
    logits = generator.normal(size=(30, 3)) + target
    once = label_intervals(MultilabelPredictions(logits, target, np.arange(30)), n=200)
    tenfold = MultilabelPredictions(
        np.repeat(logits, 10, axis=0), np.repeat(target, 10, axis=0), np.repeat(np.arange(30), 10)
    )
    assert label_intervals(tenfold, n=200)["roc_auc"] == pytest.approx(once["roc_auc"])


def test_a_difference_to_itself_is_nothing_and_to_noise_is_something(answers):
    own = bootstrap_multilabel_scores(answers, n=200)
    same = paired_difference_of_results([own], [own])
    assert same["pr_auc"].value == 0 and same["pr_auc"].p == 1
    noise = MultilabelPredictions(np.random.default_rng(3).normal(size=(60, 6)), answers.target, answers.track)
    assert paired_difference_of_results([bootstrap_multilabel_scores(noise, n=200)], [own])["pr_auc"].p < 0.05


def test_macro_averages_stay_between_0_and_1():
    generator = np.random.default_rng(4)
    target = generator.random((12, 3)) < 0.3
    nearly = MultilabelPredictions(target + generator.normal(0, 0.45, (12, 3)), target, np.arange(12))
    found = label_intervals(nearly, n=200)
    assert all(0 <= low < high <= 1 for low, high in (found[name] for name in ("pr_auc", "roc_auc", "f1_macro")))


def test_tracks_get_the_mean_probability():
    logits = np.array([[0.0, 2.0], [1.0, -2.0], [30.0, -40.0]])
    joined, tracks = aggregate_multilabel_segments(logits, np.array(["b", "b", "a"]))
    assert tracks.tolist() == ["a", "b"]
    assert np.allclose(joined[0], logits[2])
    assert np.allclose(sigmoid(joined[1]), sigmoid(logits[:2]).mean(axis=0))


def test_their_monitors_have_a_direction():
    assert monitor_direction("val/track/pr_auc") == "max" and monitor_direction("val/segment/bce") == "min"
    with pytest.raises(ConfigError, match=r"'pr_auc'.*'val/track/pr_auc'"):
        monitor_direction("pr_auc")

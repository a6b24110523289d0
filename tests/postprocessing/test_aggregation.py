"""Joining segments to tracks."""

import numpy as np
import pytest
import torch

from genrelab.postprocessing import aggregate_segments, track_targets
from naming import naming

RULES = ["mean_log_prob", "mean_prob", "vote", "max"]  # "confidence": test_decide_kinds


@pytest.fixture
def segments():
    generator = np.random.default_rng(0)
    track = generator.integers(0, 9, 60)
    return generator.normal(0, 3, (60, 5)).astype(np.float32), track


def by_hand(logits, rule):
    log_prob = torch.log_softmax(torch.tensor(logits, dtype=torch.float64), dim=1).numpy()
    if rule == "mean_log_prob":
        return log_prob.mean(axis=0)
    if rule == "mean_prob":
        return np.log(np.exp(log_prob).mean(axis=0))
    if rule == "max":
        return log_prob.max(axis=0)
    return np.bincount(log_prob.argmax(axis=1), minlength=logits.shape[1]) / len(logits)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_agrees_with_a_loop_over_tracks(segments, rule):
    logits, track = segments
    found, tracks = aggregate_segments(logits, track, rule)
    assert tracks.tolist() == sorted(set(track.tolist()))
    expected = np.stack([by_hand(logits[track == t], rule) for t in tracks])
    if rule == "vote":
        np.testing.assert_allclose(np.exp(found), expected, atol=1e-3)
    else:
        np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_one_segment_keeps_its_answer_and_extremes_stay_finite(rule):
    logits = np.array([[0.0, 900.0, -900.0], [1e4, -1e4, 0.0]])
    found, _ = aggregate_segments(logits, np.array([0, 1]), rule)
    assert np.isfinite(found).all()
    assert found.argmax(axis=1).tolist() == [1, 0]


def test_equal_votes_are_decided_by_probability():
    logits = np.log(np.array([[0.40, 0.35, 0.25], [0.05, 0.05, 0.90]]))
    found, _ = aggregate_segments(logits, np.array([7, 7]), "vote")
    assert found.argmax(axis=1).tolist() == [2]


def test_names_serve_as_tracks_and_order_of_segments_does_not_matter(segments):
    logits, track = segments
    names = np.array([f"track-{t}" for t in track], dtype=object)
    found, tracks = aggregate_segments(logits, names)
    shuffled = np.random.default_rng(1).permutation(len(names))
    again, same = aggregate_segments(logits[shuffled], names[shuffled])
    np.testing.assert_allclose(found, again, atol=1e-12)
    assert tracks.tolist() == same.tolist() == sorted(set(names))


def test_no_segments_give_no_tracks():
    found, tracks = aggregate_segments(np.zeros((0, 4)), np.zeros(0, dtype=int))
    assert found.shape == (0, 4) and len(tracks) == 0


def test_what_cannot_be_joined_is_refused(segments):
    logits, track = segments
    with pytest.raises(ValueError, match=naming(60, 59)):
        aggregate_segments(logits, track[1:])
    with pytest.raises(ValueError, match=naming("'median'", "mean_prob")):
        aggregate_segments(logits, track, "median")


def test_targets_of_tracks():
    track = np.array(["b", "a", "b", "c"], dtype=object)
    assert track_targets(np.array([4, 2, 4, 0]), track).tolist() == [2, 4, 0]
    with pytest.raises(ValueError, match="'b'"):
        track_targets(np.array([4, 2, 3, 0]), track)

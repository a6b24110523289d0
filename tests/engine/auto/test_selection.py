"""The one-standard-error rule and the stack, on arrays whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from genrelab.engine.auto.selection import answer, choose, one_standard_error

ALONE = np.arange(40)


def losses(*rows):
    rng = np.random.default_rng(0)
    shared = rng.normal(1, 0.5, len(ALONE))  # hard tracks are hard for all
    return np.stack([shared + mean + rng.normal(0, spread, len(ALONE)) for mean, spread in rows])


def test_the_simplest_within_one_standard_error_is_chosen():
    far, near, best = (0.5, 0.1), (0.005, 0.3), (0.0, 0.3)
    found = losses(far, near, best)
    found[1] += found[2].mean() - found[1].mean() + 0.01
    assert one_standard_error(found, ALONE)[:2] == (1, 2)
    assert one_standard_error(found, ALONE)[2].tolist() == [False, True, True]


def test_the_error_is_that_of_the_paired_difference():
    # Means differ by less than the spread over tracks, and every track agrees on which is better.
    found = losses((0.0, 0.0), (0.0, 0.0))
    found[0] = found[1] + 0.05 + np.where(ALONE % 2, 0.01, -0.01)
    assert found[0].mean() - found[1].mean() < found[1].std() / np.sqrt(len(ALONE))
    assert one_standard_error(found, ALONE)[0] == 1


def test_tracks_of_one_artist_are_no_independent_evidence():
    found = np.zeros((2, 40))
    found[0] = np.where(ALONE < 20, 0.5, -0.3)  # worse on one artist's tracks, better on the other's
    assert one_standard_error(found, ALONE)[0] == 1
    assert one_standard_error(found, ALONE // 20)[0] == 0


def logs(target, right, seed):
    """Log-probabilities of three genres that favor the target in `right` of the rows."""
    rng = np.random.default_rng(seed)
    guess = np.where(rng.random(len(target)) < right, target, rng.integers(0, 3, len(target)))
    p = np.full((len(target), 3), 0.1)
    p[np.arange(len(target)), guess] = 0.8
    return np.log(p / p.sum(axis=1, keepdims=True))


def test_a_stack_of_models_that_fail_on_different_tracks_is_chosen_over_each():
    target = np.arange(300) % 3
    each = [logs(target, 0.5, 1), logs(target, 0.5, 2), logs(target, 0.5, 3)]
    choice = choose(each, target, np.arange(300), np.arange(300))
    assert choice.index == choice.best == 3
    assert (choice.weights > 0.2).all()
    chosen, stacked = answer(choice, each)
    assert (chosen == stacked).all()
    expected = np.tensordot(choice.weights, np.stack(each), axes=1)
    assert stacked - stacked[:, :1] == pytest.approx(expected - expected[:, :1])
    assert (stacked.argmax(1) == target).mean() > max((one.argmax(1) == target).mean() for one in each)

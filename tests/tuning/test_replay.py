"""The replay of benchmarks/pruning.py, on made-up curves."""

import importlib.util
import sys

import optuna
import pytest

from paths import REPOSITORY


@pytest.fixture(scope="module")
def pruning():
    sys.path.append(str(REPOSITORY / "benchmarks"))  # as Python does for a script
    spec = importlib.util.spec_from_file_location("pruning", REPOSITORY / "benchmarks" / "pruning.py")
    module = sys.modules["pruning"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["pruning"]
    sys.path.remove(str(REPOSITORY / "benchmarks"))


class PruneAt(optuna.pruners.BasePruner):
    """Prunes trials at or above a value, at an epoch."""

    def __init__(self, epoch, value):
        self.epoch, self.value = epoch, value

    def prune(self, study, trial):
        return trial.last_step == self.epoch and trial.intermediate_values[self.epoch] >= self.value


CURVES = [[4.0, 3.0, 2.0, 2.5], [9.0, 8.0, 7.0, 6.0], [5.0, 5.0, 1.0, 1.0]]


def test_epochs_are_counted_and_the_best_epoch_is_the_value(pruning):
    found = pruning.replay(CURVES, PruneAt(1, 7.0))
    assert (found.saved, found.lost, found.pruned) == (pytest.approx(2 / 12), 0.0, 1)


def test_a_pruned_trial_cannot_win(pruning):
    found = pruning.replay(CURVES, PruneAt(0, 5.0))
    assert (found.saved, found.lost, found.pruned) == (pytest.approx(6 / 12), 1.0, 2)


def test_a_score_may_have_to_grow(pruning):
    grown = [[-value for value in curve] for curve in CURVES]
    assert pruning.replay(grown, pruning.build({"kind": "none"}), "maximize") == pruning.Replayed(0.0, 0.0, 0)
    assert pruning.replay(grown, PruneAt(0, -8.0), "maximize").lost == 5.0  # -6 is left of -1


def test_median_prunes_by_the_trials_before(pruning):
    good, bad = [1.0] * 10, [2.0] * 10
    median = {"kind": "median", "startup_trials": 2, "warmup_epochs": 4, "at_least": 1}
    assert pruning.replay([good, good, bad], pruning.build(median)).saved == pytest.approx(5 / 30)  # after epoch 5
    assert pruning.replay([bad, bad, good], pruning.build(median)).saved == 0


def test_orders_hold_every_curve_once(pruning):
    orders = pruning.shuffled(CURVES, 20)
    assert all(sorted(order) == sorted(CURVES) for order in orders)
    assert len({str(order) for order in orders}) > 1


def test_every_shipped_pruner_can_be_replayed(pruning):
    assert set(pruning.shipped()) == {"none", "median", "hyperband", "successive_halving", "patient"}
    for option in pruning.shipped().values():
        assert 0 <= pruning.replay(CURVES * 3, pruning.build(option)).saved < 1

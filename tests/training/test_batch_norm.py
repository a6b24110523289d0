import json
import math
from functools import partial

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from genrelab.datamodules import Batch, BatchLoader
from genrelab.models.registry import MODELS
from genrelab.training.batch_norm import (
    StatisticsGap,
    dropout_precedes_batch_norm,
    measure_gap,
    recompute_batch_norm_statistics,
)
from genrelab.utils.errors import GenrelabError
from tiny_task import make_task


class LateDropout(nn.Module):
    """Registers dropout last and runs it first."""

    def __init__(self):
        super().__init__()
        self.norm, self.dropout = nn.BatchNorm1d(3), nn.Dropout(0.5)

    def forward(self, x):
        return self.norm(self.dropout(x))


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (nn.Sequential(nn.Dropout(0.3), nn.Linear(3, 3), nn.BatchNorm1d(3)), True),
        (nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.3), nn.Linear(3, 2)), False),
        (nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.3), nn.BatchNorm1d(3)), True),
        (nn.Sequential(nn.Dropout(0.0), nn.BatchNorm1d(3)), False),
        (nn.Sequential(nn.Dropout(0.3), nn.LayerNorm(3)), False),
        (LateDropout(), True),
    ],
)
def test_dropout_precedes_batch_norm_follows_execution_order(net, expected):
    net.eval()
    assert dropout_precedes_batch_norm(net, lambda: net(torch.ones(2, 3))) is expected


def test_recompute_statistics_equals_mean_and_variance_of_the_rows():
    rows = torch.tensor([[1.0, 10.0], [3.0, 10.0], [5.0, 40.0], [7.0, 40.0]])
    net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2))
    net[1].running_mean.fill_(99.0)
    recompute_batch_norm_statistics(net, [lambda: net(rows)])
    assert net[1].running_mean.tolist() == [4.0, 25.0]
    assert net[1].running_var.tolist() == pytest.approx([20 / 3, 300.0])
    recompute_batch_norm_statistics(net, [lambda: net(rows[:2]), lambda: net(rows[2:])])
    assert net[1].running_mean.tolist() == [4.0, 25.0]
    assert net[1].running_var.tolist() == [2.0, 0.0]
    assert net[1].momentum == 0.1
    assert not net.training
    assert not net[1].training


def test_recompute_statistics_restores_the_layers_after_an_exception():
    net = nn.Sequential(nn.BatchNorm1d(2))
    with pytest.raises(RuntimeError):
        recompute_batch_norm_statistics(net, [lambda: net(torch.ones(2, 5))])
    assert net[0].momentum == 0.1
    assert not net[0].training


class FrozenPart(nn.Module):
    """Keeps a part in eval mode, as frozen encoders do."""

    def __init__(self):
        super().__init__()
        self.frozen, self.norm = nn.BatchNorm1d(2), nn.BatchNorm1d(2)

    def train(self, mode=True):
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, x):
        return self.norm(self.frozen(x))


def test_statistics_of_a_frozen_part_stay():
    net = FrozenPart()
    recompute_batch_norm_statistics(net, [lambda: net(torch.tensor([[2.0, 4.0], [4.0, 8.0]]))])
    assert net.frozen.running_mean.tolist() == [0.0, 0.0]
    assert net.norm.running_mean.tolist() == pytest.approx([3.0, 6.0], rel=1e-4)


def test_a_network_without_batch_norm_is_not_run():
    recompute_batch_norm_statistics(nn.Sequential(nn.Linear(2, 2)), [lambda: pytest.fail("run for nothing")])


def test_measure_gap_compares_both_modes_and_changes_nothing():
    net = nn.Sequential(nn.Dropout(0.9), nn.BatchNorm1d(1, affine=False))
    net[1].running_mean.fill_(1.0)
    rows = torch.tensor([[2.0], [4.0]])
    before = {name: value.clone() for name, value in net.state_dict().items()}
    gap = measure_gap(net, [lambda: (net(rows).square().mean(), len(rows))] * 2)
    assert gap.eval_loss == pytest.approx((1 + 9) / 2, rel=1e-4)
    assert gap.batch_loss == pytest.approx(1.0, rel=1e-4)
    assert gap.n_rows == 4
    assert gap.too_wide
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("eval_loss", "batch_loss", "too_wide"),
    [
        (1.5, 1.0, True),
        (1.25, 1.0, False),
        (4.4, 4.0, False),
        (0.5, 1.0, False),
        (math.nan, 1.0, True),
        (math.inf, 1.0, True),
        (math.nan, math.nan, False),
    ],
)
def test_gap_is_too_wide_from_nats_and_share(eval_loss, batch_loss, too_wide):
    assert StatisticsGap(eval_loss, batch_loss, 256).too_wide is too_wide


def test_gap_that_is_not_finite_can_be_written_as_json():
    assert json.dumps(StatisticsGap(math.nan, math.inf, 4).to_dict(), allow_nan=False)
    assert StatisticsGap(1.5, 1.0, 4).to_dict() == {"eval_loss": 1.5, "batch_loss": 1.0, "n_rows": 4}


SHAPE = (32, 64)
NETWORKS = {  # kind, parameters, strength of the classes' bands, training steps: enough to learn something, not all
    "cnn": ("cnn", {"width": 16, "dropout": 0.6}, 1.4, 100),
    "cnn_regularised": (
        "conv_stack",
        {"channels": [8, 16, 16], "head": "flatten", "batch_norm": True, "dropout": 0.5},
        0.4,
        50,
    ),
    "conv_stack": ("conv_stack", {"channels": [8, 16, 16, 32], "batch_norm": True, "dropout": 0.6}, 0.6, 120),
    "block_dropout": (
        "resnet",
        {"depth": 18, "width": 8, "block_dropout": 0.8, "window": 1, "hidden": [], "dropout": 0.0},
        1.2,
        80,
    ),
    "resnet18flex_dual": ("resnet18flex_dual", {"width": 8}, 0.4, 40),
}


def train(name, seed=0):
    """Train on pictures of four classes that differ by the rows of a band.

    Returns:
        the network, a function that lists its losses for `measure_gap`, and its forwards for
        `recompute_batch_norm_statistics`.
    """
    torch.manual_seed(seed)
    kind, params, band, steps = NETWORKS[name]
    n_inputs = 2 if name.endswith("dual") else 1
    net = MODELS.build(kind, params, in_shapes=[SHAPE] * n_inputs, n_classes=4)
    target = torch.arange(256) % 4
    pictures = torch.randn(256, *SHAPE)
    for genre in range(4):
        pictures[target == genre, 8 * genre : 8 * genre + 3] += band
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)

    def forward(first, n_rows):
        return net(*[pictures[first : first + n_rows]] * n_inputs)

    def loss(first, n_rows):
        return nn.functional.cross_entropy(forward(first, n_rows), target[first : first + n_rows]), n_rows

    for step in range(steps):
        optimizer.zero_grad()
        loss(step * 32 % 256, 32)[0].backward()
        optimizer.step()
    losses = [partial(loss, first, 64) for first in range(0, 256, 64)]
    return net, losses, [partial(forward, first, 32) for first in range(0, 128, 32)]


@pytest.mark.parametrize(
    "name", [pytest.param("cnn", marks=pytest.mark.slow), "cnn_regularised", "conv_stack", "block_dropout"]
)
def test_gap_of_running_statistics_behind_dropout_closes_when_recomputed(name):
    net, losses, forwards = train(name)
    assert measure_gap(net, losses).too_wide
    recompute_batch_norm_statistics(net, forwards)
    gap = measure_gap(net, losses)
    assert not gap.too_wide
    assert dropout_precedes_batch_norm(net, forwards[0])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_gap_of_a_network_without_dropout_is_narrow(seed):
    net, losses, forwards = train("resnet18flex_dual", seed)
    assert not measure_gap(net, losses).too_wide
    assert not dropout_precedes_batch_norm(net, forwards[0])


@pytest.mark.parametrize("statistics", ["auto", "recomputed"])
def test_task_fits_with_a_loader_of_ones_own(statistics):
    rows = Batch((torch.randn(8, 4),), torch.arange(8) % 2, torch.arange(8), torch.zeros(8, dtype=torch.int64))
    task = make_task(nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2)), bn_statistics=statistics)
    options = {"enable_progress_bar": False, "enable_checkpointing": False, "enable_model_summary": False}
    trainer = pl.Trainer(accelerator="cpu", max_epochs=1, logger=False, **options)
    if statistics == "recomputed":
        with pytest.raises(GenrelabError, match="bn_statistics"):
            trainer.fit(task, BatchLoader(rows, lambda: torch.arange(8), 4))
        return
    trainer.fit(task, BatchLoader(rows, lambda: torch.arange(8), 4))
    assert task.bn_statistics == "running" and trainer.current_epoch == 1

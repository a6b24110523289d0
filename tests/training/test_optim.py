"""Optimizers and schedules: torch's, with checked values and plain states."""

import io
import math

import pytest
import torch

from genrelab.training.registry import OPTIMIZERS, SCHEDULERS
from genrelab.utils.errors import ConfigError


def parameters():
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(3))]


def make(kind, mode="min", epochs=10, lr=1.0, **params):
    optimizer = torch.optim.SGD(parameters(), lr=lr)
    return optimizer, SCHEDULERS.build(kind, params, optimizer=optimizer, epochs=epochs, mode=mode)


def rates(optimizer, schedule, epochs, values=None):
    found = []
    for epoch in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.scheduler.step(*([values[epoch]] if schedule.needs_metric else []))
    return found


@pytest.mark.parametrize(
    ("kind", "cls", "given"),
    [
        ("adam", torch.optim.Adam, {"lr": 1e-3, "weight_decay": 1e-4, "betas": (0.9, 0.999)}),
        ("adamw", torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 1e-2, "betas": (0.9, 0.999)}),
        ("sgd", torch.optim.SGD, {"lr": 1e-2, "weight_decay": 1e-4, "momentum": 0.9, "nesterov": True}),
    ],
)
def test_optimizers_are_torchs_with_the_published_values(kind, cls, given):
    optimizer = OPTIMIZERS.build(kind, {}, parameters=parameters())
    assert type(optimizer) is cls
    assert {key: optimizer.param_groups[0][key] for key in given} == given


def test_optimizers_take_the_values_of_a_configuration():
    optimizer = OPTIMIZERS.build("adam", {"lr": 0.5, "betas": [0.8, 0.9]}, parameters=parameters())
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"]) == (0.5, (0.8, 0.9))


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("adam", {"lr": -1.0}, r"optimizer: .*learning rate: -1\.0"),
        ("adamw", {"weight_decay": -1.0}, r"optimizer: .*weight_decay.* -1\.0"),
        ("adam", {"betas": [0.9]}, r"optimizer\.betas: \[0\.9\] "),
        ("sgd", {"momentum": 0.0}, "optimizer: Nesterov"),
        ("sgd", {"momentun": 0.0}, r"optimizer\.momentun: .*'momentum'"),
    ],
)
def test_optimizer_values_out_of_range(kind, params, message):
    with pytest.raises(ConfigError, match=message):
        OPTIMIZERS.build(kind, params, parameters=parameters())


@pytest.mark.parametrize(("mode", "sign"), [("min", 1), ("max", -1)])
def test_plateau_halves_where_the_monitor_gets_no_better_in_its_own_direction(mode, sign):
    optimizer, schedule = make("plateau", mode=mode)
    assert schedule.needs_metric
    values = [sign * value for value in (5, 4, 3, 3, 3, 3, 3, 2, 1)]
    assert rates(optimizer, schedule, 9, values) == [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5]


def test_plateau_keeps_a_least_rate():
    optimizer, schedule = make("plateau", factor=0.1, patience=0, min_lr=0.05)
    assert rates(optimizer, schedule, 5, [1.0] * 5)[-1] == 0.05


def test_cosine_equals_torchs():
    optimizer, schedule = make("cosine", epochs=12, lr=0.3)
    twin = torch.optim.SGD(parameters(), lr=0.3)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(twin, T_max=12)
    expected = []
    for _ in range(12):
        expected.append(twin.param_groups[0]["lr"])
        twin.step()
        reference.step()
    assert rates(optimizer, schedule, 12) == pytest.approx(expected)
    assert not schedule.needs_metric


def test_cosine_rises_first_and_ends_where_told():
    optimizer, schedule = make("cosine", epochs=8, warmup_epochs=3, final_factor=0.1)
    found = rates(optimizer, schedule, 8)
    assert found[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert found[6] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * 3 / 5)))
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def test_exponential_and_none():
    optimizer, schedule = make("exponential", gamma=0.5)
    assert rates(optimizer, schedule, 4) == [1, 0.5, 0.25, 0.125]
    assert make("none")[1].scheduler is None


@pytest.mark.parametrize("kind", ["plateau", "cosine", "exponential"])
def test_states_are_plain_and_resume(kind):
    values = [3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 1.0, 1.0]
    whole = rates(*make(kind, epochs=8), 8, values)
    optimizer, schedule = make(kind, epochs=8)
    first = rates(optimizer, schedule, 3, values)
    file = io.BytesIO()
    torch.save([optimizer.state_dict(), schedule.scheduler.state_dict()], file)
    file.seek(0)
    states = torch.load(file, weights_only=True)
    optimizer, schedule = make(kind, epochs=8)
    schedule.scheduler.load_state_dict(states[1])
    optimizer.load_state_dict(states[0])
    assert first + rates(optimizer, schedule, 5, values[3:]) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("plateau", {"factor": 1.0}, r"scheduler\.factor: 1\.0 .*\b0\b.*\b1\b"),
        ("plateau", {"patience": -1}, r"scheduler\.patience: -1 .*\b0\b"),
        ("cosine", {"warmup_epochs": 10}, r"scheduler\.warmup_epochs: 10 .*\[0, trainer\.max_epochs=10\)"),
        ("cosine", {"final_factor": 2.0}, r"scheduler\.final_factor: 2\.0 .*\[0, 1\]"),
        ("exponential", {"gamma": 0.0}, r"scheduler\.gamma: 0\.0 .*\b0\b.*\b1\b"),
    ],
)
def test_schedule_values_out_of_range(kind, params, message):
    with pytest.raises(ConfigError, match=message):
        make(kind, **params)

"""Optimizers and learning rate schedules, stepped once an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR, ReduceLROnPlateau

from genrelab.training.registry import OPTIMIZERS, SCHEDULERS
from genrelab.utils.errors import ConfigError

Parameters = Iterable[nn.Parameter]

MIN_DELTA = 1e-4  # of a metric, that counts as better


@dataclass(frozen=True)
class Schedule:
    """A learning rate schedule that is stepped at the end of every epoch.

    Args:
        scheduler: torch's, or None where the rate stays. Its `step` takes the monitored metric if `needs_metric`.
        needs_metric: whether it is stepped with the monitored metric.
    """

    scheduler: Any
    needs_metric: bool = False


# ---- optimizers


@OPTIMIZERS.register("adam")
def adam(
    parameters: Parameters, lr: float = 0.001, weight_decay: float = 0.0001, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    """Adam with an L2 penalty (Kingma and Ba 2015; A28's values).

    Args:
        parameters: of the network; supplied by code.
        lr: learning rate.
        weight_decay: factor of the penalty in the gradient.
        betas: decay of the running means of gradient and squared gradient.

    Raises:
        ConfigError: a value out of range.
    """
    return _build_optimizer(lambda: torch.optim.Adam(parameters, lr, _pair(betas), weight_decay=weight_decay))


@OPTIMIZERS.register("adamw")
def adamw(
    parameters: Parameters, lr: float = 0.001, weight_decay: float = 0.01, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Args:
        parameters: of the network; supplied by code.
        lr: learning rate.
        weight_decay: share of the weights taken off in each step, times lr.
        betas: decay of the running means of gradient and squared gradient.

    Raises:
        ConfigError: a value out of range.
    """
    return _build_optimizer(lambda: torch.optim.AdamW(parameters, lr, _pair(betas), weight_decay=weight_decay))


@OPTIMIZERS.register("sgd")
def sgd(
    parameters: Parameters,
    lr: float = 0.01,
    weight_decay: float = 0.0001,
    momentum: float = 0.9,
    nesterov: bool = True,
) -> torch.optim.Optimizer:
    """Stochastic gradient descent with momentum.

    Args:
        parameters: of the network; supplied by code.
        lr: learning rate.
        weight_decay: factor of the L2 penalty in the gradient.
        momentum: of the running gradient.
        nesterov: look ahead along the momentum; needs one.

    Raises:
        ConfigError: a value out of range.
    """
    return _build_optimizer(
        lambda: torch.optim.SGD(parameters, lr, momentum, weight_decay=weight_decay, nesterov=nesterov)
    )


def _build_optimizer(make: Callable[[], torch.optim.Optimizer]) -> torch.optim.Optimizer:
    try:
        return make()
    except ValueError as error:  # torch checks the ranges, and names parameter and value
        raise ConfigError([f"optimizer: {error}"]) from error


def _pair(betas: tuple[float, float]) -> tuple[float, float]:
    if len(betas) != 2:
        raise ConfigError([f"optimizer.betas: {list(betas)} is not two numbers"])
    return (float(betas[0]), float(betas[1]))


# ---- schedules


@SCHEDULERS.register("plateau")
def plateau(
    optimizer: torch.optim.Optimizer,
    mode: Literal["min", "max"],
    factor: float = 0.5,
    patience: int = 2,
    min_lr: float = 0.0,
) -> Schedule:
    """Multiply the rate by `factor` when the monitored metric is no better (by 1e-4) for more than `patience` epochs.

    The published system fed it a metric of the other direction (A28); here code passes the metric's own.

    Args:
        optimizer: supplied by code.
        mode: direction of the monitored metric; supplied by code.
        factor: in (0, 1).
        patience: epochs.
        min_lr: the rate falls no lower.

    Raises:
        ConfigError: a value out of range.
    """
    _check_factor("factor", factor)
    if patience < 0:
        raise ConfigError([f"scheduler.patience: {patience} is below 0"])
    # torch's relative threshold takes an equal value for a better one where "max" metrics are negative (skills can be).
    scheduler = ReduceLROnPlateau(
        optimizer, mode, factor, patience, threshold=MIN_DELTA, threshold_mode="abs", min_lr=min_lr
    )
    return Schedule(scheduler, needs_metric=True)


@SCHEDULERS.register("cosine")
def cosine(
    optimizer: torch.optim.Optimizer, epochs: int, warmup_epochs: int = 0, final_factor: float = 0.0
) -> Schedule:
    """Half a cosine from the full rate down (Loshchilov and Hutter 2017), after a linear rise.

    Args:
        optimizer: supplied by code.
        epochs: of the whole run; supplied by code.
        warmup_epochs: epochs of the rise; the k-th has k / (warmup_epochs + 1) of the full rate.
        final_factor: share of the full rate that the cosine ends in, reached after the last epoch.

    Raises:
        ConfigError: a value out of range, or no epoch left after the rise.
    """
    if not 0 <= warmup_epochs < epochs:
        raise ConfigError([f"scheduler.warmup_epochs: {warmup_epochs} is not in [0, trainer.max_epochs={epochs})"])
    if not 0 <= final_factor <= 1:
        raise ConfigError([f"scheduler.final_factor: {final_factor} is not in [0, 1]"])

    def share(epoch: int) -> float:
        if epoch < warmup_epochs:
            return (epoch + 1) / (warmup_epochs + 1)
        done = min(1.0, (epoch - warmup_epochs) / (epochs - warmup_epochs))
        return final_factor + (1 - final_factor) * 0.5 * (1 + math.cos(math.pi * done))

    return Schedule(LambdaLR(optimizer, share))


@SCHEDULERS.register("exponential")
def exponential(optimizer: torch.optim.Optimizer, gamma: float = 0.9) -> Schedule:
    """Multiply the rate by `gamma` every epoch.

    Args:
        optimizer: supplied by code.
        gamma: in (0, 1).

    Raises:
        ConfigError: out of range.
    """
    _check_factor("gamma", gamma)
    return Schedule(ExponentialLR(optimizer, gamma))


@SCHEDULERS.register("none")
def none() -> Schedule:
    """Leave the rate as it is."""
    return Schedule(None)


def replay(optimizer: torch.optim.Optimizer, rates: Sequence[float]) -> Schedule:
    """Repeat the learning rates of an earlier training, whatever schedule made them.

    Args:
        optimizer: at its full rate.
        rates: of each epoch, of the first parameter group; the other groups keep their ratio to it.
    """
    full = float(optimizer.param_groups[0]["lr"])
    return Schedule(LambdaLR(optimizer, lambda epoch: rates[min(epoch, len(rates) - 1)] / full))


def _check_factor(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ConfigError([f"scheduler.{name}: {value} is not between 0 and 1"])

"""Samplers and pruners by kind, Optuna's with the parameters one sets."""

from __future__ import annotations

from typing import Literal

from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from genrelab.utils.registry import Registry

SAMPLERS = Registry("sampler", "genrelab.tuning.samplers")
PRUNERS = Registry("pruner", "genrelab.tuning.samplers")
Halving = Literal["median", "hyperband", "successive_halving", "none"]


@SAMPLERS.register("tpe")
def tpe(
    worker_seed: int | None, seed: int | None = None, startup_trials: int = 10, multivariate: bool = False
) -> BaseSampler:
    """Tree-structured Parzen estimator (Bergstra et al. 2011); it takes running trials for bad ones ("constant liar").

    Args:
        worker_seed: supplied by code: `seed`, the worker and the study's length together.
        seed: null draws one.
        startup_trials: drawn at random before the model is trusted.
        multivariate: model the parameters jointly.
    """
    from optuna.samplers import TPESampler

    return TPESampler(n_startup_trials=startup_trials, multivariate=multivariate, constant_liar=True, seed=worker_seed)


@SAMPLERS.register("random")
def random(worker_seed: int | None, seed: int | None = None) -> BaseSampler:
    """Independent draws."""
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=worker_seed)


@SAMPLERS.register("grid")
def grid(worker_seed: int | None) -> BaseSampler:
    """Every point once, in order; the study queues them itself (see `storage`), so nothing is left to draw."""
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=worker_seed)


@SAMPLERS.register("cmaes")
def cmaes(worker_seed: int | None, seed: int | None = None, startup_trials: int = 1) -> BaseSampler:
    """CMA-ES (Hansen and Ostermeier 2001) over numbers; listed values are drawn at random."""
    from optuna.samplers import CmaEsSampler

    return CmaEsSampler(n_startup_trials=startup_trials, seed=worker_seed, warn_independent_sampling=False)


@SAMPLERS.register("nsga2")
def nsga2(worker_seed: int | None, seed: int | None = None, population: int = 20) -> BaseSampler:
    """NSGA-II (Deb et al. 2002), for several objectives."""
    from optuna.samplers import NSGAIISampler

    return NSGAIISampler(population_size=population, seed=worker_seed)


@PRUNERS.register("none")
def none() -> BasePruner:
    """Every trial runs to its end."""
    from optuna.pruners import NopPruner

    return NopPruner()


@PRUNERS.register("median")
def median(startup_trials: int = 5, warmup_epochs: int = 3, at_least: int = 1) -> BasePruner:
    """Prune what is worse than the median of earlier trials at the same epoch.

    Args:
        startup_trials: that run to their end.
        warmup_epochs: of each trial that are not judged.
        at_least: earlier trials that have come to this epoch.
    """
    from optuna.pruners import MedianPruner

    return MedianPruner(startup_trials, warmup_epochs, n_min_trials=at_least)


@PRUNERS.register("hyperband")
def hyperband(min_epochs: int = 2, max_epochs: int | None = None, reduction: int = 3) -> BasePruner:
    """Hyperband (Li et al. 2018): successive halving at several rates. `max_epochs` null: learnt from the trials."""
    from optuna.pruners import HyperbandPruner

    return HyperbandPruner(min_epochs, max_epochs or "auto", reduction)


@PRUNERS.register("successive_halving")
def successive_halving(min_epochs: int = 2, reduction: int = 3) -> BasePruner:
    """Asynchronous successive halving (Li et al. 2020): the best 1 / `reduction` go on at each rung."""
    from optuna.pruners import SuccessiveHalvingPruner

    return SuccessiveHalvingPruner(min_epochs, reduction)


@PRUNERS.register("patient")
def patient(patience: int = 3, min_delta: float = 0.0, then: Halving = "none") -> BasePruner:
    """Wait until a trial has not improved for `patience` epochs, then ask another pruner; "none": prune at once.

    Args:
        patience: epochs.
        min_delta: least change that counts as an improvement.
        then: the pruner to ask, with its defaults.
    """
    from optuna.pruners import PatientPruner

    return PatientPruner(None if then == "none" else PRUNERS.build(then), patience, min_delta)

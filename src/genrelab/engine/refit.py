"""Refit: training once more on train and val, after every choice was made on val; or on all tracks of folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping

from genrelab.config.schema import TrainerSpec
from genrelab.datamodules import GenreDataModule
from genrelab.datasets.index import SplitName
from genrelab.datasets.splits import Split, SplitError, split_folds
from genrelab.datasets.splits.stratified_group import assign
from genrelab.engine import build
from genrelab.engine.build import Config, Dataset
from genrelab.engine.sklearn_fit import ROWS, train_vectors, write_weights
from genrelab.engine.validate_config import is_clusterer, split_name_and_params
from genrelab.metrics import monitor_direction
from genrelab.models.classical import Estimator
from genrelab.postprocessing.temperature_scaling import fit_temperature
from genrelab.runs.checkpoint import REFIT, load_checkpoint
from genrelab.training.callbacks import EpochProgress, StopAfterEpochs
from genrelab.training.callbacks.swa import EpochWeightAveraging
from genrelab.training.registry import CALLBACKS
from genrelab.training.task import GenreTask
from genrelab.training.trainer import make_trainer

INNER_FOLDS = (5, 4, 3, 2)  # as many as artists allow
LAST = "refit-last.ckpt"  # of a refit that is not finished
Trainee = Callable[[Split], tuple[GenreTask, GenreDataModule]]  # an untrained task and the data of a split


def refits(config: Config) -> bool:
    """Return whether the configured run, or each of its folds, is trained once more on train and val.

    "auto" means yes for what scikit-learn fits from genres, which takes seconds, and no for networks and clusterings;
    "final" means yes where there are no folds.
    """
    asked = config.get("refit", False)  # runs of before the key did not
    if asked == "final":
        return not _several_folds(config)
    if asked != "auto":
        return bool(asked)
    return build.is_fitted(config) and not is_clusterer(config)


def refits_on_all(config: Config) -> bool:
    """Return whether the configured run is trained once more on all its tracks when its folds are tested."""
    return _several_folds(config) and (config.get("refit") == "final" or refits(config))


def _several_folds(config: Config) -> bool:
    return len(split_folds(config["split"])) > 1


@dataclass(frozen=True)
class Choices:
    """What val chose in a training.

    Args:
        epochs: of the best checkpoint, or of all where an average over epochs was kept; 0 for what has none.
        rates: learning rate of each epoch.
        averaged: whether an average of the epochs' weights was kept.
        params: parameters that were "auto", by name.
        temperature: that logits were divided by.
    """

    epochs: int = 0
    rates: tuple[float, ...] = ()
    averaged: bool = False
    params: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0

    @classmethod
    def read(cls, folder: Path, record: Mapping[str, Any]) -> Choices:
        """Read the choices of a trained run from its folder and record."""
        fitted = record["model"].get("fitted")
        if fitted is not None:
            params = {name: fitted[name] for name in fitted.get("candidates", {})}
            return cls(params=params, temperature=fitted.get("temperature", 1.0))
        curves = pd.read_csv(folder / "metrics.csv", float_precision="round_trip")
        averaged = bool((record.get("swa") or {}).get("kept"))
        monitor = record["monitor"]
        epochs = monitor["epochs"] if averaged else monitor["best_epoch"] + 1
        return cls(epochs, tuple(curves["lr"].tolist()), averaged)


def middle(choices: Sequence[Choices]) -> int:
    """Return the place of the choices in the middle, by epochs and then parameters; the lower of two."""
    order = sorted(range(len(choices)), key=lambda at: (choices[at].epochs, *choices[at].params.values()))
    return order[(len(order) - 1) // 2]


def refit_network(
    task: GenreTask, data: GenreDataModule, config: Config, spec: TrainerSpec, choices: Choices, folder: Path
) -> None:
    """Train an untrained task for a fixed number of epochs, and write `checkpoints/refit.ckpt`.

    Each epoch has the learning rate that it had in the first training, and more steps, since there are more rows.

    Args:
        task: untrained, of the tracks to train on, with the schedule of `choices.rates`.
        data: whose train part holds all tracks to train on; there is no val.
        config: of the run.
        spec: of the trainer.
        choices: of the first training.
        folder: of the run; an interrupted refit goes on from its last epoch.
    """
    mode = monitor_direction(spec.monitor)
    named = (split_name_and_params(option) for option in (config["callbacks"] or {}).values())
    chosen = [CALLBACKS.build(*pair, monitor=spec.monitor, mode=mode) for pair in named]
    chosen = [one for one in chosen if not isinstance(one, EarlyStopping)]
    chosen = [one for one in chosen if choices.averaged or not isinstance(one, EpochWeightAveraging)]
    last = folder / "checkpoints" / LAST
    progress = EpochProgress("train/loss", "min", spec.enable_progress_bar, choices.epochs)
    trainer = make_trainer(
        spec, config["accelerator"], folder, [], [*chosen, progress, StopAfterEpochs(choices.epochs, last)]
    )
    trainer.limit_val_batches = 0
    task.trainer = trainer
    state = load_checkpoint(last) if last.exists() else None
    if state is not None and state["epoch"] + 1 >= choices.epochs:  # stopped after its last epoch
        task.load_weights(state)
        for callback in chosen:
            if callback.state_key in state["callbacks"]:
                callback.load_state_dict(state["callbacks"][callback.state_key])
        task.choose_bn_statistics(data, len(data.train_dataloader()))
    else:
        trainer.fit(task, data, ckpt_path=None if state is None else last, weights_only=None if state is None else True)
        task.keep_average()
    averages = [one for one in chosen if isinstance(one, EpochWeightAveraging)]
    for average in averages:
        average.apply(task, data)
    if task.bn_statistics == "recomputed" and not averages:
        task.recompute_bn_statistics(data)
    write_weights(task, folder / "checkpoints" / REFIT)
    last.unlink(missing_ok=True)


def refit_estimator(
    task: GenreTask, data: GenreDataModule, choices: Choices, limit: int | None, device: torch.device, path: Path
) -> None:
    """Fit what scikit-learn fits once more, with the parameters that val chose, and write its checkpoint.

    Args:
        task: whose network is an unfitted `Estimator`.
        data: whose train part holds all tracks to fit on.
        choices: of the first fit; its temperature is that of the held-out logits.
        limit: of rows, drawn by the seed; None: all.
        device: where to do what torch does.
        path: of the checkpoint.
    """
    _fit(task, data, choices, limit, device)
    net = task.net
    assert isinstance(net, Estimator)
    net.temperature = torch.tensor(choices.temperature)
    net.found |= {**choices.params, **({"temperature": choices.temperature} if net.scaled_on_val else {})}
    task.checkpoint_metadata["model"] |= {"fitted": net.found}
    write_weights(task, path)


def _fit(task: GenreTask, data: GenreDataModule, choices: Choices, limit: int | None, device: torch.device) -> None:
    net = task.net
    assert isinstance(net, Estimator)
    net.set_params(**choices.params)
    net.fit(*train_vectors(task, data, net, limit), task.seed, device)


def inner_splits(dataset: Dataset, joined: Split) -> list[Split]:
    """Cut the train part of a split into folds, each of which is held out once as val.

    Artists are kept apart wherever the split did not ignore them.

    Args:
        dataset: with the tracks' genres and artists.
        joined: whose train part is cut.

    Returns:
        One split a fold; none where a genre has too few artists, or where segments, not tracks, were split.
    """
    if joined.unsafe:
        return []
    index = dataset.index.only(list(joined.tracks("train")))
    for group_by in ("artist", None) if joined.artists == "ignored" else ("artist",):
        for folds in INNER_FOLDS:
            try:
                place = assign(index, np.full(folds, 1 / folds), joined.seed or 0, group_by, "folds")
            except SplitError:
                continue
            tracks = index.tracks["track_id"].to_numpy()
            splits = []
            for fold in range(folds):
                moved: dict[str, SplitName] = dict.fromkeys(tracks[place == fold], "val")
                splits.append(replace(joined, assignment={**joined.assignment, **moved}))
            return splits
    return []


@torch.no_grad()
def val_logits(task: GenreTask, data: GenreDataModule) -> torch.Tensor:
    """Return the logits `[N, C]` of val's rows, in their order, by a fitted task on the CPU."""
    batch = data.full_batch("val")
    rows = torch.split(torch.arange(len(batch.target)), ROWS)
    logits = [task.net(*task.normalizer([feature[chosen] for feature in batch.features])) for chosen in rows]
    return torch.cat(logits)


def out_of_fold(
    trainee: Trainee, splits: list[Split], choices: Choices, limit: int | None, device: torch.device
) -> tuple[dict[str, np.ndarray], float]:
    """Answer for each fold's tracks by an estimator that was fitted on the others (cross-fitting).

    Args:
        trainee: makes an unfitted task and the data of a split.
        splits: of `inner_splits`.
        choices: of the first fit.
        limit: of rows to fit, see `refit_estimator`.
        device: where to do what torch does.

    Returns:
        `logits`, `target`, `track` and `segment` of all rows, like `GenreTask.predictions`; and the temperature that
        the logits were divided by, fitted on them, where the estimator's are no log-probabilities.
    """
    columns: list[tuple[torch.Tensor, ...]] = []
    for split in splits:
        task, data = trainee(split)
        _fit(task, data, choices, limit, device)
        batch = data.full_batch("val")
        columns.append((val_logits(task, data), batch.target, batch.track, batch.segment))
    names = ("logits", "target", "track", "segment")
    found = {name: torch.cat(column).numpy() for name, column in zip(names, zip(*columns, strict=True), strict=True)}
    temperature = 1.0
    if isinstance(task.net, Estimator) and task.net.scaled_on_val:
        temperature = round(float(fit_temperature(found["logits"], found["target"])), 4)
        found["logits"] = found["logits"] / temperature
    return found, temperature

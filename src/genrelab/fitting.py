"""The training of what is fitted at once (model=knn, svm, ...): the place of epochs in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from genrelab.assemble import Config
from genrelab.checkpoint import load_checkpoint
from genrelab.classical import Estimator, check_memory
from genrelab.config.schema import TrainerSpec
from genrelab.data import GenreDataModule
from genrelab.decide.calibrate import fit_temperature
from genrelab.files import atomic_path
from genrelab.metrics import monitor_direction
from genrelab.record import Record
from genrelab.task import GenreTask
from genrelab.trainer import make_trainer

ROWS = 256  # normalised at a time
# What the command line may ask of training and nothing here heeds.
WITHOUT_EFFECT = (
    *("loss", "beta", "graph", "optimizer", "scheduler", "callbacks"),
    *(f"trainer.{name}" for name in ("epochs", "gradient_clip", "accumulate", "profiler")),
    *(f"data.{name}" for name in ("roll_time", "mask_bands", "mask_frames", "mixup")),
)
WITHOUT = {"kind": "none"}


def ignored(overrides: Sequence[str]) -> list[str]:
    """The overrides that ask for what only training by gradient has."""
    plain = [text.lstrip("+~") for text in overrides]
    return [
        text
        for text in plain
        if any(text.startswith((f"{key}=", f"{key}.", f"{key}@")) or text == key for key in WITHOUT_EFFECT)
    ]


def tell_fitted(record: Record, config: Config) -> None:
    """Say in the record that there is no loss, and what of the command line has no effect."""
    record.data["model"]["parameters"] = None
    record.data["loss"] = {**WITHOUT, "beta": None, "effective_beta": None}
    record.data |= {"optimizer": WITHOUT, "scheduler": WITHOUT}
    asked = ignored(record.data["overrides"])
    if config["data"]["copies"] != "all":
        asked += [text for text in record.data["overrides"] if text.startswith("augment=") and text != "augment=none"]
    if asked:
        kind = config["model"]["kind"]
        record.warn(f"model {kind!r} is fitted at once, without loss and epochs: no effect has {', '.join(asked)}")


def fit_at_once(
    task: GenreTask,
    data: GenreDataModule,
    spec: TrainerSpec,
    accelerator: Mapping[str, Any],
    record: Record,
    loggers: list[Any],
    resuming: bool,
) -> Any:
    """Fit on train, score on val, and leave `best.ckpt`, `metrics.csv` and the record as a training does.

    Args:
        task: whose network is an `Estimator`.
        data: prepared.
        spec: its `limit_batches` leaves that many batches of train rows, drawn by the seed.
        accelerator: of the configuration; the precision is float32 whatever it says.
        record: of the run.
        loggers: of the trainer.
        resuming: take the checkpoint that is there, if there is one.

    Returns:
        Lightning's trainer, for the test.
    """
    net = task.net
    assert isinstance(net, Estimator)
    trainer = make_trainer(spec, {**accelerator, "precision": "32-true"}, record.folder, loggers, [])
    device = trainer.strategy.root_device
    record.data["hardware"] |= {"device": str(device), "devices": 1, "precision": "32-true"}
    path = record.folder / "checkpoints" / "best.ckpt"
    if resuming and path.exists():
        state = load_checkpoint(path)
        net.load_state_dict(state["state_dict"])
        net.found = state["genrelab"]["model"]["fitted"]
    else:
        rows = None if spec.limit_batches is None else spec.limit_batches * data.batch_size
        net.fit(*train_vectors(task, data, net, rows), task.seed, device)
        if net.scaled_on_val:
            trainer.validate(task, data, verbose=False)
            net.temperature = torch.tensor(fit_temperature(task.predicted["logits"], task.predicted["target"]))
            net.found["temperature"] = round(float(net.temperature), 4)
        task.content["model"] |= {"fitted": net.found}
        with atomic_path(path) as part:
            torch.save({"genrelab": task.content, "state_dict": net.cpu().state_dict()}, part)
    record.data["model"]["fitted"] = net.found
    trainer.validate(task, data, verbose=False)
    values = {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
    with atomic_path(record.folder / "metrics.csv") as part:
        pd.DataFrame([{"epoch": 0, **values}]).to_csv(part, index=False)
    _score(record, spec.monitor, values[spec.monitor])
    return trainer


def train_vectors(task: GenreTask, data: GenreDataModule, net: Estimator, limit: int | None) -> tuple[Tensor, Tensor]:
    """`[N, D]` vectors of train's rows, normalised, and `[N]` their genres; at most `limit` rows, drawn by the seed."""
    batch = data.batch("train")
    order = torch.arange(len(batch.target))
    if limit is not None:
        order = torch.from_numpy(np.random.default_rng([abs(task.seed), 0]).permutation(len(order))[:limit])
    check_memory(len(order), net.width)
    x = torch.empty(len(order), net.width)
    for at in range(0, len(order), ROWS):
        chosen = order[at : at + ROWS]
        x[at : at + ROWS] = net.vectors(*task.normaliser([feature[chosen] for feature in batch.features]))
    return x, batch.target[order]


def _score(record: Record, metric: str, value: float) -> None:
    """What a training tells of its epochs, of which there are none."""
    mode = monitor_direction(metric)
    record.data["monitor"] = {"metric": metric, "mode": mode, "best": value, "best_epoch": None, "epochs": 0}
    record.data["objective"] = value
    record.write()

"""What a run leaves on disk while it trains: one line of metrics an epoch, the best and the last checkpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import pandas as pd
from lightning.pytorch.callbacks import Checkpoint

from genrelab.training.callbacks.early_stopping import is_better
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path


class MetricsCSVWriter(Checkpoint):
    """Writes `metrics.csv`, one row an epoch, anew after every epoch.

    A `Checkpoint` by type, so that Lightning calls it after the task has logged the epoch. On resuming, rows
    of epochs that will be trained again are dropped.

    Args:
        path: of the CSV file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[Any, Any]] = []
        self._started = time.perf_counter()
        self._rate = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the epoch's clock; take up the rows of a run that is resumed."""
        self._started = time.perf_counter()
        self._rate = trainer.optimizers[0].param_groups[0]["lr"]  # before the schedule steps
        if not self.rows and trainer.current_epoch > 0 and self.path.exists():
            table = pd.read_csv(self.path, float_precision="round_trip")
            self.rows = table[table["epoch"] < trainer.current_epoch].to_dict("records")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the epoch's row."""
        metrics = {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
        seconds = round(time.perf_counter() - self._started, 3)
        self.rows.append({"epoch": trainer.current_epoch, "lr": self._rate, "seconds": seconds, **metrics})
        if trainer.is_global_zero:
            with atomic_path(self.path) as part:
                pd.DataFrame(self.rows).to_csv(part, index=False)


def save_checkpoint(trainer: pl.Trainer, path: Path, weights_only: bool) -> None:
    """Write a checkpoint by the first process; all take part in collecting the states."""
    if trainer.is_global_zero:
        with atomic_path(path) as part:
            trainer.save_checkpoint(part, weights_only=weights_only)
    else:
        trainer.save_checkpoint(path, weights_only=weights_only)
    trainer.strategy.barrier()  # nobody reads it before it is there


class BestLastCheckpoint(Checkpoint):
    """Writes `best.ckpt` (weights) when the monitored metric improves, and `last.ckpt` (all) after every epoch.

    Both are written beside the old file and then put in its place, so a kill leaves a sound one.

    Args:
        dirpath: where they go.
        monitor: a logged metric.
        mode: whether lower or higher is better.
    """

    @property
    def state_key(self) -> str:
        """The name under which `last.ckpt` holds its state."""
        return "Checkpoints"

    def __init__(self, dirpath: Path, monitor: str, mode: Literal["min", "max"]) -> None:
        self.dirpath = dirpath
        self.monitor = monitor
        self.mode = mode
        self.best_score: float | None = None
        self.best_epoch = -1
        self.epochs = 0
        self.stopped = False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write what is due."""
        if self.monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(trainer.callback_metrics))
            raise GenrelabError(f"trainer.monitor: no metric {self.monitor!r} was logged; there is: {known}")
        self.epochs = trainer.current_epoch + 1
        self.stopped = bool(trainer.should_stop)  # early stopping has had its say before
        value = float(trainer.callback_metrics[self.monitor])
        if is_better(value, self.best_score, self.mode):
            self.best_score, self.best_epoch = value, trainer.current_epoch
            self.save_checkpoint(trainer, "best.ckpt", weights_only=True)
        self.save_checkpoint(trainer, "last.ckpt", weights_only=False)

    def save_checkpoint(self, trainer: pl.Trainer, name: str, weights_only: bool) -> None:
        """Write a checkpoint under `name`."""
        save_checkpoint(trainer, self.dirpath / name, weights_only)

    def state_dict(self) -> dict[str, Any]:
        """Best value and its epoch, epochs trained, whether early stopping ended it: for resuming."""
        return {"best": self.best_score, "best_epoch": self.best_epoch, "epochs": self.epochs, "stopped": self.stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        self.best_score, self.best_epoch = state_dict["best"], state_dict["best_epoch"]
        self.epochs, self.stopped = state_dict["epochs"], state_dict["stopped"]

    def training_finished(self, checkpoint: dict[str, Any], epochs: int) -> bool:
        """Whether the training that wrote `checkpoint` (a `last.ckpt`) had come to its end."""
        state = checkpoint["callbacks"][self.state_key]
        return bool(state["stopped"]) or int(state["epochs"]) >= epochs


class StopAfterEpochs(Checkpoint):
    """Ends a training after a number of epochs, and writes a checkpoint after each to resume from.

    The trainer keeps its own `max_epochs`, which schedules and losses that change with the epochs are told.

    Args:
        epochs: to train.
        path: of the checkpoint.
    """

    def __init__(self, epochs: int, path: Path) -> None:
        self.epochs = epochs
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the checkpoint; after the last epoch, stop."""
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs
        save_checkpoint(trainer, self.path, weights_only=False)

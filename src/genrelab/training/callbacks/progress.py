"""What one sees while training: a bar on a terminal, one line an epoch everywhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from genrelab.training.callbacks.early_stopping import is_better

REFRESH_SECONDS = 0.2  # redrawing at every step would slow small networks down


SHOWN = {
    "train/loss": "train loss",
    "val/loss": "val loss",
    "val/track/accuracy": "val track accuracy",
    "val/track/distance": "val track distance",
    "val/track/roc_auc": "val track ROC-AUC",
    "val/track/pr_auc": "val track PR-AUC",
}


class EpochProgress(Checkpoint):
    """One line an epoch: losses, accuracy and distance of tracks, the monitored metric (a star where it improved).

    A `Checkpoint` by type, so that Lightning calls it after the task has logged the epoch.

    Args:
        monitor: a logged metric.
        mode: whether lower or higher is better.
        bar: draw a bar over the epoch's batches too, where the output is a terminal.
        epochs: to train, where that is fewer than the trainer's `max_epochs`.
    """

    def __init__(self, monitor: str, mode: Literal["min", "max"], bar: bool = True, epochs: int | None = None) -> None:
        self.monitor = monitor
        self.mode = mode
        self.epochs = epochs
        self._best: float | None = None
        self._console = Console(stderr=False, highlight=False)
        self._bar: RichProgress | None = None
        self._wanted = bar and sys.stdout.isatty()
        self._task: Any = None
        self._shown = self._started = self._rate = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the bar."""
        self._started = time.perf_counter()
        self._rate = trainer.optimizers[0].param_groups[0]["lr"]  # before the schedule steps
        if self._wanted and trainer.is_global_zero:
            columns = (
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(),
                TextColumn("{task.completed}/{task.total}"),
            )
            self._bar = RichProgress(
                *columns, TimeRemainingColumn(), console=self._console, transient=True, auto_refresh=False
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=trainer.num_training_batches, epoch=trainer.current_epoch + 1)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Move the bar, a few times a second."""
        if self._bar is not None and time.perf_counter() - self._shown > REFRESH_SECONDS:
            self._shown = time.perf_counter()
            self._bar.update(self._task, completed=batch_idx + 1, refresh=True)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the bar away."""
        self._stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Leave the terminal as it was."""
        self._stop()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how the epoch went."""
        if not trainer.is_global_zero:
            return
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        labels = {**SHOWN, self.monitor: SHOWN.get(self.monitor, self.monitor)}
        parts = [f"{label} {metrics[name]:.3f}" for name, label in labels.items() if name in metrics]
        improved = is_better(metrics.get(self.monitor, float("nan")), self._best, self.mode)
        self._best = metrics[self.monitor] if improved else self._best
        seconds = time.perf_counter() - self._started
        star = " *" if improved else ""
        epoch = f"epoch {trainer.current_epoch + 1:3d}/{self.epochs or trainer.max_epochs}"
        line = "  ".join([epoch, *parts, f"lr {self._rate:.1e}", f"{seconds:.1f} s{star}"])
        self._console.print(line, markup=False, soft_wrap=True)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

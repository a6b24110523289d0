"""Reports each epoch to the trial of a sweep that the training belongs to."""

from __future__ import annotations

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from genrelab.training.trial_context import TRIAL, RunningTrial


class TrialReport(Checkpoint):
    """Reports to a running trial, which may end the training with `Pruned`.

    A `Checkpoint` by type, so that Lightning calls it after the task has logged the epoch.

    Args:
        trial: see `genrelab.training.trial_context`.
        monitor: the metric to report where the trial names none.
    """

    def __init__(self, trial: RunningTrial, monitor: str) -> None:
        self.trial = trial
        self.monitor = monitor

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the epoch."""
        self.trial.after_epoch(self.monitor, trainer.callback_metrics, trainer.current_epoch)


def trial_report(monitor: str) -> list[TrialReport]:
    """The callback where a trial is running, else nothing."""
    trial = TRIAL.get()
    return [TrialReport(trial, monitor)] if trial else []

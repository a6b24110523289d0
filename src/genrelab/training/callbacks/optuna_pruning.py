"""Reports each epoch to the trial of a sweep that the training belongs to."""

from __future__ import annotations

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from genrelab.training.trial_context import CURRENT_TRIAL, TrialReporter


class TrialPruning(Checkpoint):
    """Reports to a running trial, which may end the training with `Pruned`.

    A `Checkpoint` by type, so that Lightning calls it after the task has logged the epoch.

    Args:
        trial: see `genrelab.training.trial_context`.
        monitor: the metric to report where the trial names none.
    """

    def __init__(self, trial: TrialReporter, monitor: str) -> None:
        self.trial = trial
        self.monitor = monitor

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the epoch."""
        self.trial.report_epoch(self.monitor, trainer.callback_metrics, trainer.current_epoch)


def trial_pruning(monitor: str) -> list[TrialPruning]:
    """The callback where a trial is running, else nothing."""
    trial = CURRENT_TRIAL.get()
    return [TrialPruning(trial, monitor)] if trial else []

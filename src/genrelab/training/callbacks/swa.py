"""Stochastic weight averaging (Izmailov et al. 2018, arXiv 1803.05407) as it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from genrelab.datamodules import GenreDataModule
from genrelab.training.callbacks.checkpointing import BestLastCheckpoint
from genrelab.training.callbacks.early_stopping import is_better
from genrelab.training.registry import CALLBACKS
from genrelab.training.task import GenreTask
from genrelab.utils.io import atomic_path


class EpochWeightAveraging(pl.Callback):
    """Averages the weights over the ends of epochs; `apply` puts the average in place.

    Lightning's `StochasticWeightAveraging` swaps weights after the last validation and replaces the
    schedule; here training is left alone, and the run scores the average on val and keeps the better one.

    Args:
        start_epoch: first epoch that counts, from 0 (the published recipe: 5).
    """

    @property
    def state_key(self) -> str:
        """The name under which `last.ckpt` holds its state."""
        return "WeightAverage"

    def __init__(self, start_epoch: int) -> None:
        self.start_epoch = start_epoch
        self.count = 0
        self.mean: dict[str, Tensor] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the epoch's weights into the running mean."""
        if trainer.current_epoch < self.start_epoch:
            return
        self.count += 1
        for name, weight in _named_weights(pl_module):
            value = weight.detach().float().cpu()
            old = self.mean.get(name)
            self.mean[name] = value.clone() if old is None else old + (value - old) / self.count

    @torch.no_grad()
    def apply(self, task: GenreTask, data: GenreDataModule) -> None:
        """Replace the task's weights by the mean; batch norm's statistics, which no average has, are recomputed."""
        for name, weight in _named_weights(task):
            weight.copy_(self.mean[name])
        task.recompute_bn_statistics(data)

    def state_dict(self) -> dict[str, Any]:
        """Running mean, for resuming."""
        return {"count": self.count, "mean": self.mean}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        self.count, self.mean = state_dict["count"], state_dict["mean"]


def _named_weights(task: pl.LightningModule) -> Iterator[tuple[str, Tensor]]:
    """Parameters by the names that `last.ckpt` holds, where auxiliary heads are called `heads`."""
    return ((name.removeprefix("aux_"), weight) for name, weight in task.named_parameters())


def keep_better(
    average: EpochWeightAveraging,
    task: GenreTask,
    data: GenreDataModule,
    trainer: pl.Trainer,
    checkpoints: BestLastCheckpoint,
) -> dict[str, Any]:
    """Score an average of weights on val, write it as `swa.ckpt`, and as `best.ckpt` where it is better.

    Args:
        average: of a finished training.
        task: that was trained; holds the average afterwards.
        data: whose val part scores it.
        trainer: of the training.
        checkpoints: of the training; takes the average's score where it wins.

    Returns:
        `value` of the monitored metric, whether it was `kept`, and `epochs` averaged.
    """
    average.apply(task, data)
    trainer.validate(task, data, verbose=False)
    value = float(trainer.callback_metrics[checkpoints.monitor])
    checkpoints.save_checkpoint(trainer, "swa.ckpt", weights_only=True)
    best = checkpoints.best_score
    wins = is_better(value, best, checkpoints.mode)
    print(
        f"average of {average.count} epochs' weights: {checkpoints.monitor} {value:.3f}, "
        f"best epoch {best:.3f}: {'kept' if wins else 'not kept'}",
        flush=True,
    )
    if wins:
        checkpoints.best_score = value
        if trainer.is_global_zero:
            with atomic_path(checkpoints.dirpath / "best.ckpt") as part:
                part.write_bytes((checkpoints.dirpath / "swa.ckpt").read_bytes())
        trainer.strategy.barrier()
    return {"value": value, "kept": wins, "epochs": average.count}


@CALLBACKS.register("swa")
def swa(start_epoch: int = 5) -> EpochWeightAveraging:
    """Average weights from `start_epoch` on (A28); batch norm is measured anew; kept where val says it is better."""
    return EpochWeightAveraging(start_epoch)

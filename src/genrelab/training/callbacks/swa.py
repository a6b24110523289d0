"""Stochastic weight averaging (Izmailov et al. 2018, arXiv 1803.05407) as it is meant."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from genrelab.datamodules import GenreDataModule
from genrelab.training.registry import CALLBACKS
from genrelab.training.task import GenreTask


class WeightAverage(pl.Callback):
    """Averages the weights over the ends of epochs; `apply` puts the average in place.

    Lightning's `StochasticWeightAveraging` swaps weights after the last validation and replaces the
    schedule; here training is left alone, and the run scores the average on val and keeps the better one.

    Args:
        start_epoch: first epoch that counts, from 0 (the published recipe: 5).
    """

    def __init__(self, start_epoch: int) -> None:
        self.start_epoch = start_epoch
        self.count = 0
        self.mean: dict[str, Tensor] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the epoch's weights into the running mean."""
        if trainer.current_epoch < self.start_epoch:
            return
        self.count += 1
        for name, weight in pl_module.named_parameters():
            value = weight.detach().float().cpu()
            old = self.mean.get(name)
            self.mean[name] = value.clone() if old is None else old + (value - old) / self.count

    @torch.no_grad()
    def apply(self, task: GenreTask, data: GenreDataModule) -> None:
        """Replace the task's weights by the mean; batch norm's statistics, which no average has, are recomputed."""
        for name, weight in task.named_parameters():
            weight.copy_(self.mean[name])
        task.recompute_bn_statistics(data)

    def state_dict(self) -> dict[str, Any]:
        """Running mean, for resuming."""
        return {"count": self.count, "mean": self.mean}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        self.count, self.mean = state_dict["count"], state_dict["mean"]


@CALLBACKS.register("swa")
def swa(start_epoch: int = 5) -> WeightAverage:
    """Average weights from `start_epoch` on (A28); batch norm is measured anew; kept where val says it is better."""
    return WeightAverage(start_epoch)

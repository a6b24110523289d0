"""A task of two classes on vectors, and an error in place of a kill between epochs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from genrelab.datamodules.normalizer import Normalizer
from genrelab.training.optim import Schedule
from genrelab.training.task import GenreTask


def make_task(net: nn.Module, **options) -> GenreTask:
    """Return an untrained task with cross-entropy and SGD at a learning rate of 0.1."""
    return GenreTask(
        net=net,
        loss=nn.CrossEntropyLoss(),
        normalizer=Normalizer([{"mean": [0.0], "std": [1.0]}]),
        distances=1 - np.eye(2, dtype=np.float32),
        supergenres=np.arange(2),
        medoid=0,
        make_optimizer=lambda parameters: torch.optim.SGD(parameters, 0.1),
        make_schedule=lambda optimizer: Schedule(None),
        monitor="train/loss",
        **options,
    )


def fail_at_epoch(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Raise RuntimeError at the start of an epoch (counted from 0), until `monkeypatch.undo()`."""
    started = GenreTask.on_train_epoch_start

    def fail(self):
        if self.current_epoch == epoch:
            raise RuntimeError("pulled the plug")
        started(self)

    monkeypatch.setattr(GenreTask, "on_train_epoch_start", fail)

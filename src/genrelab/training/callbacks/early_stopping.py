"""Early stopping on any logged metric, with the direction that the metric has."""

from __future__ import annotations

import math
from typing import Literal

import lightning.pytorch as pl
from lightning.pytorch.callbacks import EarlyStopping

from genrelab.training.registry import CALLBACKS


@CALLBACKS.register("early_stopping")
def early_stopping(
    monitor: str, mode: Literal["min", "max"], patience: int = 10, min_delta: float = 0.0
) -> pl.Callback:
    """Stop after `patience` epochs without a better `monitor`.

    Args:
        monitor: a logged metric; supplied by code, as is its direction.
        mode: whether lower or higher is better.
        patience: epochs.
        min_delta: least change that counts as better.
    """
    return EarlyStopping(
        monitor,
        mode=mode,
        patience=patience,
        min_delta=min_delta,
        check_on_train_epoch_end=True,
        check_finite=False,
    )


def is_better(value: float, best: float | None, mode: str) -> bool:
    """Whether `value` beats `best`; a NaN beats nothing, anything finite beats None."""
    if math.isnan(value):
        return False
    return best is None or (value < best if mode == "min" else value > best)

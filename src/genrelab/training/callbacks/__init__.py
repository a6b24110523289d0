"""Callbacks: early stopping, weight averaging and unfreezing by choice; history, checkpoints and progress always."""

from genrelab.training.callbacks.checkpointing import BestLastCheckpoint, MetricsCSVWriter, StopAfterEpochs
from genrelab.training.callbacks.gradual_unfreezing import GradualUnfreezing, unfreeze
from genrelab.training.callbacks.progress import EpochProgress

__all__ = [
    "BestLastCheckpoint",
    "EpochProgress",
    "GradualUnfreezing",
    "MetricsCSVWriter",
    "StopAfterEpochs",
    "unfreeze",
]

"""Callbacks: early stopping, weight averaging and unfreezing by choice; history, checkpoints and progress always."""

from genrelab.training.callbacks.checkpointing import Checkpoints, History
from genrelab.training.callbacks.gradual_unfreezing import Unfreezing, unfreeze
from genrelab.training.callbacks.progress import Progress

__all__ = ["Checkpoints", "History", "Progress", "Unfreezing", "unfreeze"]

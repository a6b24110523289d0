"""Callbacks: early stopping, weight averaging and unfreezing by choice; history, checkpoints and progress always."""

from genrelab.training.callbacks.checkpointing import Checkpoints, History
from genrelab.training.callbacks.early_stopping import early_stopping
from genrelab.training.callbacks.gradual_unfreezing import Unfreezing, unfreeze
from genrelab.training.callbacks.progress import Progress
from genrelab.training.callbacks.swa import swa

__all__ = ["Checkpoints", "History", "Progress", "Unfreezing", "early_stopping", "swa", "unfreeze"]

"""Callbacks: early stopping, weight averaging and unfreezing by choice; history, checkpoints and progress always."""

from genrelab.callbacks.averaging import swa
from genrelab.callbacks.progress import Progress
from genrelab.callbacks.records import Checkpoints, History
from genrelab.callbacks.stopping import early_stopping
from genrelab.callbacks.unfreezing import Unfreezing, unfreeze

__all__ = ["Checkpoints", "History", "Progress", "Unfreezing", "early_stopping", "swa", "unfreeze"]

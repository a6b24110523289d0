"""Callbacks: early stopping and weight averaging by choice; history, checkpoints and progress always."""

from genrelab.callbacks.averaging import swa
from genrelab.callbacks.progress import Progress
from genrelab.callbacks.records import Checkpoints, History
from genrelab.callbacks.stopping import early_stopping

__all__ = ["Checkpoints", "History", "Progress", "early_stopping", "swa"]

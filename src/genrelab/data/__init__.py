"""Store and split become whole batches, normalised by what the train split says."""

from genrelab.data.batches import Batch, BatchLoader
from genrelab.data.changes import BatchChanges
from genrelab.data.module import GenreDataModule
from genrelab.data.normalise import Normaliser

__all__ = ["Batch", "BatchChanges", "BatchLoader", "GenreDataModule", "Normaliser"]

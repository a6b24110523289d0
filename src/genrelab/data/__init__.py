"""Store and split become whole batches, normalised by what the train split says."""

from typing import TYPE_CHECKING, Any

from genrelab.data.batches import Batch, BatchLoader
from genrelab.data.changes import BatchChanges
from genrelab.data.normalise import Normaliser
from genrelab.data.online import StepFeatures

if TYPE_CHECKING:
    from genrelab.data.module import GenreDataModule

__all__ = ["Batch", "BatchChanges", "BatchLoader", "GenreDataModule", "Normaliser", "StepFeatures"]


def __getattr__(name: str) -> Any:
    """`GenreDataModule` when asked for: it needs Lightning, which takes seconds and which predicting does without."""
    if name == "GenreDataModule":
        from genrelab.data.module import GenreDataModule

        return GenreDataModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

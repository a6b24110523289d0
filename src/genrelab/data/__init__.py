"""Store and split become whole batches, normalised by what the train split says."""

from typing import TYPE_CHECKING, Any

from genrelab.data.batches import Batch, BatchLoader
from genrelab.data.changes import BatchChanges
from genrelab.data.normalise import Normaliser

if TYPE_CHECKING:
    from genrelab.data.module import GenreDataModule
    from genrelab.data.online import StepFeatures

__all__ = ["Batch", "BatchChanges", "BatchLoader", "GenreDataModule", "Normaliser", "StepFeatures"]


def __getattr__(name: str) -> Any:
    """`GenreDataModule` and `StepFeatures` when asked for: Lightning and pandas take time that predicting saves."""
    if name == "GenreDataModule":
        from genrelab.data.module import GenreDataModule

        return GenreDataModule
    if name == "StepFeatures":
        from genrelab.data.online import StepFeatures

        return StepFeatures
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

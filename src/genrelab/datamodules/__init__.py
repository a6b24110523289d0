"""Store and split become whole batches, normalised by what the train split says."""

from typing import TYPE_CHECKING, Any

from genrelab.datamodules.batch_transforms import BatchChanges
from genrelab.datamodules.loader import Batch, BatchLoader
from genrelab.datamodules.normalizer import Normaliser

if TYPE_CHECKING:
    from genrelab.datamodules.genre_datamodule import GenreDataModule
    from genrelab.datamodules.on_the_fly_features import StepFeatures

__all__ = ["Batch", "BatchChanges", "BatchLoader", "GenreDataModule", "Normaliser", "StepFeatures"]


def __getattr__(name: str) -> Any:
    """`GenreDataModule` and `StepFeatures` when asked for: Lightning and pandas take time that predicting saves."""
    if name == "GenreDataModule":
        from genrelab.datamodules.genre_datamodule import GenreDataModule

        return GenreDataModule
    if name == "StepFeatures":
        from genrelab.datamodules.on_the_fly_features import StepFeatures

        return StepFeatures
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Store and split become whole batches, normalized by what the train split says."""

from typing import TYPE_CHECKING, Any

from genrelab.datamodules.batch_transforms import BatchAugmentation
from genrelab.datamodules.loader import Batch, BatchLoader
from genrelab.datamodules.normalizer import Normalizer

if TYPE_CHECKING:
    from genrelab.datamodules.genre_datamodule import GenreDataModule
    from genrelab.datamodules.on_the_fly_features import OnTheFlyFeatures

__all__ = ["Batch", "BatchAugmentation", "BatchLoader", "GenreDataModule", "Normalizer", "OnTheFlyFeatures"]


def __getattr__(name: str) -> Any:
    """`GenreDataModule` and `OnTheFlyFeatures` when asked for: Lightning and pandas take time that predicting saves."""
    if name == "GenreDataModule":
        from genrelab.datamodules.genre_datamodule import GenreDataModule

        return GenreDataModule
    if name == "OnTheFlyFeatures":
        from genrelab.datamodules.on_the_fly_features import OnTheFlyFeatures

        return OnTheFlyFeatures
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

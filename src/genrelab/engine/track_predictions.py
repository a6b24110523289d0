"""A task's answers as the rows of `predictions.parquet`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genrelab.datamodules import GenreDataModule
from genrelab.engine.build import Dataset
from genrelab.runs.predictions import Predictions


def make_predictions(
    split: str, found: Mapping[str, np.ndarray], data: GenreDataModule, dataset: Dataset
) -> Predictions:
    """Return the rows of one part.

    Args:
        split: the part's name.
        found: `logits`, `target`, `track` and `segment`, see `GenreTask.predictions`.
        data: whose rows were answered.
        dataset: dataset index and taxonomy.
    """
    tracks = np.array(data.track_ids, dtype=object)
    several = found["target"] > 0 if data.multilabel_targets is not None else None
    foremost = (
        [data.targets[track] for track in tracks[found["track"]]]
        if data.multilabel_targets is not None
        else found["target"]
    )
    return Predictions(
        split=np.full(len(found["target"]), split, dtype=object),
        track_id=tracks[found["track"]],
        segment_id=found["segment"].astype(np.int32),
        target=np.asarray(foremost).astype(np.int16),
        logits=found["logits"].astype(np.float32),
        genres=dataset.taxonomy.genres,
        taxonomy_hash=dataset.taxonomy.hash,
        targets=several,
    )

"""What a checkpoint holds in addition to weights: all that a predictor needs to load and serve them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genrelab.audio.content_detection import ContentThresholds
from genrelab.config.schema import model_options
from genrelab.datamodules import GenreDataModule
from genrelab.datamodules.auxiliary_targets import AuxiliaryTargets
from genrelab.datamodules.normalizer import Normalizer
from genrelab.datasets.splits import Split
from genrelab.engine.build import Config, Dataset
from genrelab.engine.validate_config import crop_ratio
from genrelab.runs.checkpoint import CHECKPOINT_FORMAT, caveats_of, without_weights
from genrelab.runs.run_record import RunRecord


def checkpoint_metadata(
    config: Config,
    record: RunRecord,
    dataset: Dataset,
    split: Split,
    data: GenreDataModule,
    normalizer: Normalizer,
    labels: AuxiliaryTargets | None,
    sound: ContentThresholds | None,
) -> dict[str, Any]:
    """Return a checkpoint's plain data, see `genrelab.runs.checkpoint`.

    Args:
        config: Configuration of the run.
        record: Record of the run.
        dataset: Dataset index and taxonomy.
        split: Split of the tracks.
        data: Data module of the split.
        normalizer: Fitted normalizer of the features.
        labels: Auxiliary targets; None where there are none.
        sound: Limits of silence, noise and speech; None where audio was not analyzed.
    """
    taxonomy = dataset.taxonomy
    kind, params, _ = model_options(config)
    return {
        "format": CHECKPOINT_FORMAT,
        "genres": list(taxonomy.genres),
        "taxonomy": taxonomy.to_dict(),
        "taxonomy_hash": taxonomy.hash,
        "model": {
            "kind": kind,
            "params": without_weights(params),
            "in_shapes": [list(shape) for shape in data.shapes],
            **({"crop_ratio": ratio} if (ratio := crop_ratio(config)) < 1 else {}),
        },
        "preprocessing": {
            "audio": data.feature_cache.audio.to_dict() if data.feature_cache.audio else None,
            "features": [_plain(spec.to_dict()) for spec in data.feature_cache.specs],
            "normalize": normalizer.to_list(),
            "online": bool(config["data"]["on_the_fly"]),
        },
        "split_hash": split.hash,
        "run_id": record.data["run_id"],
        "marks": caveats_of(record.data),
        **({} if data.multilabel_targets is None else {"target": "multi_label"}),
        **({} if labels is None else {"labels": _plain(labels.classes)}),
        **({} if sound is None else {"sound": sound.to_dict()}),
    }


def _plain(value: Any) -> Any:
    """Return tuples as lists and mappings as dictionaries."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value

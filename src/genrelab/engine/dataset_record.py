"""What a run's data are: counts, fingerprints and warnings in its record, and the files beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from genrelab.audio.spec import fingerprint
from genrelab.datamodules import GenreDataModule
from genrelab.datamodules.auxiliary_targets import AuxiliaryTargets
from genrelab.datamodules.genre_datamodule import SplitName
from genrelab.datasets import DatasetIndex
from genrelab.datasets.splits import Split
from genrelab.engine.build import Config, Dataset
from genrelab.engine.duplicates import duplicate_lines, record_duplicates
from genrelab.features.cache import PrepareReport
from genrelab.runs.run_record import RunRecord
from genrelab.runs.training_tracks import TRACKS, same_recordings, write_training_tracks
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import write_json

SPLIT_NAMES: tuple[SplitName, ...] = ("train", "val", "test")
# What a run is not resumed without, as one calls it.
WHAT = {
    "data": "the audio files or the split",
    "targets": "the tracks' genres",
    "taxonomy": "the taxonomy",
    "labels": "the tracks' further labels",
}


def record_dataset(
    record: RunRecord,
    config: Config,
    dataset: Dataset,
    split: Split,
    report: PrepareReport,
    data: GenreDataModule,
    labels: AuxiliaryTargets | None,
) -> None:
    """Fill the record with what the data are, write the split beside it, and say what a reader must know.

    Args:
        record: of the run.
        config: of the run.
        dataset: dataset index and taxonomy.
        split: its parts.
        report: what preparing the store found.
        data: what is served.
        labels: that tracks have beside the genre.

    Raises:
        GenrelabError: a genre has no train track, or a resumed run's data are not those it began with.
    """
    dataset_index, taxonomy = dataset.index, dataset.taxonomy
    rows = _rows(split, data)
    counts = count_train_targets(data, len(taxonomy.genres))
    if missing := [taxonomy.genres[i] for i in np.flatnonzero(counts == 0)]:
        raise GenrelabError(f"no usable train track in {', '.join(missing)}; add tracks, or leave the genre out")
    prints = check_unchanged(record, dataset, split, data, labels)
    record.data["dataset"] = {
        "name": dataset_index.name,
        "stand_in": bool(dataset_index.stand_in),
        "notes": list(dataset_index.notes),
        "tracks": {part: int(rows[part]["track_id"].nunique()) for part in rows},
        "segments": {part: int((rows[part]["augment"] == "none").sum()) for part in rows},
        "train_targets": counts.tolist(),
        "rejected": [[str(path), reason] for path, reason in report.rejected],
        **report.counts(),
    }
    record.data["taxonomy"] = {"name": taxonomy.name, "hash": taxonomy.hash, "source": taxonomy.source}
    record.data["fingerprints"] = prints
    record.data["split"] = {key: value for key, value in split.to_dict().items() if key != "parts"}
    record.data["duplicates"] = record_duplicates(config, dataset_index, split)
    record.data["features"] = [spec.name for spec in data.feature_cache.specs]
    if labels is not None:
        record.data["labels"] = labels.to_dict()
    if record.is_rank_zero:
        write_json(record.folder / "split.json", split.to_dict())
        write_training_tracks(record.folder / TRACKS, dataset_index, split)
        write_json(record.folder / "taxonomy.json", taxonomy.to_dict())
    copies = duplicate_lines(record.data["duplicates"], dataset_index, split)
    _warn(record, [*dataset_index.notes, *(labels.notes if labels else ()), *copies], split)
    record.write()


def check_unchanged(
    record: RunRecord, dataset: Dataset, split: Split, data: GenreDataModule, labels: AuxiliaryTargets | None
) -> dict[str, str]:
    """Return the fingerprints of a run's data; those in its record must be the same.

    Args:
        record: of the run, which may have begun before.
        dataset: dataset index and taxonomy.
        split: its parts.
        data: what is served.
        labels: that tracks have beside the genre.

    Raises:
        GenrelabError: the data are not those that the run began with; names what changed.
    """
    prints = _fingerprints(_rows(split, data), dataset, data, labels)
    began = record.data.get("fingerprints", prints)
    differing = [name for name in prints if began.get(name) != prints[name]]
    if "data" in differing and _moved(record, dataset.index, split):
        differing.remove("data")
    if differing:
        changed = [WHAT.get(name, f"the feature {name}") for name in differing]
        raise GenrelabError(
            f"{record.folder}: {' and '.join(changed)} changed since this run began; start a new run instead"
        )
    return prints


def _moved(record: RunRecord, dataset_index: DatasetIndex, split: Split) -> bool:
    """Whether files only have other dates: the split is that of the record, and the recordings are those it kept."""
    began = (record.data.get("split") or {}).get("hash")
    return began == split.hash and same_recordings(record.folder / TRACKS, dataset_index, split)


def _rows(split: Split, data: GenreDataModule) -> dict[SplitName, pd.DataFrame]:
    """Rows of each part that has tracks: of a model that is fitted on all tracks, train."""
    return {part: data.rows(part) for part in SPLIT_NAMES if split.tracks(part)}


def count_train_targets(data: GenreDataModule, classes: int) -> np.ndarray:
    """Count train's tracks of each genre, `[C]`; a track of several genres counts in each."""
    train = data.rows("train")
    all_of = data.multilabel_targets or {track: [target] for track, target in data.targets.items()}
    return np.bincount([one for track in train["track_id"].unique() for one in all_of[track]], minlength=classes)


def _fingerprints(
    rows: Any, dataset: Dataset, data: GenreDataModule, labels: AuxiliaryTargets | None
) -> dict[str, str]:
    """Of all that a run may not lose before it is resumed."""
    genres = dataset.taxonomy.genres
    columns = ["track_id", "source", "segment", "augment"]
    targets: dict[str, Any] = (
        {track: genres[data.targets[track]] for track in data.track_ids}
        if data.multilabel_targets is None
        else {track: [genres[i] for i in data.multilabel_targets[track]] for track in data.track_ids}
    )
    prints = {
        "data": fingerprint([rows[part][columns].values.tolist() for part in rows]),
        "targets": fingerprint(targets),
        "taxonomy": dataset.taxonomy.fingerprint,
        **{spec.name: spec.fingerprint for spec in data.feature_cache.specs},
    }
    if labels is not None:
        prints["labels"] = fingerprint([labels.to_dict(), labels.truth.tolist()])
    return prints


def _warn(record: RunRecord, notes: list[str], split: Split) -> None:
    for text in notes:
        record.warn(text)
    if split.unsafe:
        record.warn("UNSAFE: segments of one track stand in train and in test; these scores are no evidence")
    elif split.artist_leak:
        record.warn("artists appear on both sides of the split: scores are too high for new artists (artist_leak)")
    elif split.artists == "unknown":
        record.warn("artists are unknown: one artist may stand on both sides of the split")
    if count := len(record.data["dataset"]["rejected"]):
        record.warn(f"{count} file{'s were' if count > 1 else ' was'} left out; run.json lists them with reasons")

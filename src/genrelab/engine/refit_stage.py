"""The stage that trains once more: on train and val, or on all tracks of a run of folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from genrelab.audio import Augment
from genrelab.config.schema import TrainerSpec, read_fields
from genrelab.datamodules import GenreDataModule
from genrelab.datamodules.auxiliary_targets import read_auxiliary_targets
from genrelab.datamodules.genre_datamodule import SplitName
from genrelab.datasets.splits import Split
from genrelab.engine import build
from genrelab.engine.build import Dataset
from genrelab.engine.dataset_record import check_unchanged, count_train_targets
from genrelab.engine.refit import Choices, inner_splits, middle, out_of_fold, refit_estimator, refit_network
from genrelab.engine.track_predictions import make_predictions
from genrelab.engine.trainees import Trainees
from genrelab.features.cache import AnyFeatureCache
from genrelab.models.classical import Estimator
from genrelab.runs.checkpoint import REFIT, load_checkpoint, run_checkpoint
from genrelab.runs.predictions import OUT_OF_FOLD, read_predictions, write_predictions
from genrelab.runs.run_record import RunRecord
from genrelab.runs.training_tracks import TRACKS, write_training_tracks
from genrelab.training.task import GenreTask
from genrelab.training.trainer import make_trainer, raise_interrupts


def refit_on_all(trainees: Trainees, folds: Sequence[RunRecord]) -> None:
    """Train once more on all tracks of a k-fold run, by the choices of the fold in the middle.

    Leaves what a refitted run leaves: `checkpoints/refit.ckpt`, `out_of_fold.parquet` (the folds' answers for their
    test tracks, which calibrate it), `tracks.parquet`, and in the record `refit` and the tracks of the split.

    Args:
        trainees: of the run of folds.
        folds: the finished records of all folds, already pooled into this run's folder and record.

    Raises:
        GenrelabError: tracks, audio or genres are not those that the folds were trained on.
    """
    config, record = trainees.config, trainees.record
    choices = [Choices.read(one.folder, one.data) for one in folds]
    fold = middle(choices)
    fitted = load_checkpoint(run_checkpoint(folds[fold].folder))["genrelab"]["model"].get("fitted") or {}
    chosen = replace(choices[fold], temperature=fitted.get("temperature", 1.0))
    record.data["model"] = folds[fold].data["model"]
    tested = read_predictions(record.folder / "predictions.parquet").only("test")
    held_out = replace(tested, split=np.full(len(tested), "val", dtype=object))
    write_predictions(record.folder / OUT_OF_FOLD, held_out)
    dataset = build.read_dataset(config)
    split = build.make_split(config, dataset.index, fold)
    joined = split.joined("val", "test")
    feature_cache, augments = build.make_feature_cache(config, dataset.index), build.make_augments(config)
    build.prepare(feature_cache, dataset, split, augments, backend=config["data"]["feature_backend"])
    of_fold = build.make_data(config, dataset, split, feature_cache, augments)
    check_unchanged(folds[fold], dataset, split, of_fold, read_auxiliary_targets(dataset.index, split))
    trainees.labels = read_auxiliary_targets(dataset.index, joined)
    trainees.sound = build.content_thresholds(dataset, split.tracks("val"), feature_cache)
    spec = read_fields(TrainerSpec, config["trainer"], "trainer")
    trainer = make_trainer(spec, config["accelerator"], record.folder, [], [])
    refit(trainees, dataset, split, ["val", "test"], feature_cache, augments, trainer, chosen, len(folds))
    record.data["split"] |= {"train": list(joined.tracks("train")), "val": [], "test": []}
    write_training_tracks(record.folder / TRACKS, dataset.index, joined)
    record.write()


def refit(
    trainees: Trainees,
    dataset: Dataset,
    split: Split,
    joined: list[SplitName],
    feature_cache: AnyFeatureCache,
    augments: Sequence[Augment],
    trainer: Any,
    choices: Choices,
    tested_folds: int = 0,
) -> tuple[GenreTask, GenreDataModule]:
    """Train once more on train and further parts, by what val chose; see `genrelab.engine.refit`.

    Args:
        trainees: makes the task.
        dataset: dataset index and taxonomy.
        split: of the first training.
        joined: the parts that join train.
        feature_cache: of all tracks.
        augments: of train's copies.
        trainer: of the first training.
        choices: made on val.
        tested_folds: whose answers for their test tracks calibrate it (`out_of_fold.parquet`); 0: what is fitted at
            once is cross-fitted for such answers, and networks are calibrated on val's.

    Returns:
        The task that answers, and its data.
    """
    config, record = trainees.config, trainees.record
    spec = read_fields(TrainerSpec, config["trainer"], "trainer")
    split = split.joined(*joined)
    path = record.folder / "checkpoints" / REFIT
    limit = None if spec.limit_train_batches is None else spec.limit_train_batches * config["data"]["batch_size"]
    with record.timed_stage("refit"), raise_interrupts(trainer):
        if augments:
            build.prepare(feature_cache, dataset, split, augments, backend=config["data"]["feature_backend"])
        make = partial(trainees.make, dataset, feature_cache, augments, choices.rates)
        task, data = make(split)
        tracks = data.rows("train")["track_id"].nunique()
        found = {
            "parts": ["train", *joined],
            "tracks": tracks,
            "train_targets": count_train_targets(data, len(dataset.taxonomy.genres)).tolist(),
            "epochs": choices.epochs or None,
            "held_out": "val",
        }
        if not path.exists():
            epochs = f", {choices.epochs} epoch{'s' * (choices.epochs > 1)}" if choices.epochs else ""
            where = "all tracks" if "test" in joined else "train and val"
            print(f"refit on {where}: {tracks} tracks{epochs}", flush=True)
        fitted = isinstance(task.net, Estimator)
        folds = inner_splits(dataset, split) if fitted and not tested_folds else []
        if count := tested_folds or len(folds):
            found["held_out"] = f"{count} folds"
        if fitted:
            if not path.exists():
                device = trainer.strategy.root_device
                if folds:
                    rows, temperature = out_of_fold(make, folds, choices, limit, device)
                    choices = replace(choices, temperature=temperature)
                    write_predictions(record.folder / OUT_OF_FOLD, make_predictions("val", rows, data, dataset))
                refit_estimator(task, data, choices, limit, device, path)
        elif not path.exists():
            refit_network(task, data, config, spec, choices, record.folder)
        task.load_weights(load_checkpoint(path))
    record.data["refit"] = found
    record.write()
    return task, data

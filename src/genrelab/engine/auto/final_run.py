"""The run that a race leaves: fitted on all tracks, scored by the outer folds, calibrated by the inner ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import yaml

from genrelab.config.schema import model_options
from genrelab.datasets.splits import Split
from genrelab.engine import build
from genrelab.engine.auto.candidates import Candidate, needed_features
from genrelab.engine.auto.networks import train_network
from genrelab.engine.auto.outcome import STACK, Outcome, Results, stack_members
from genrelab.engine.auto.race import FULL, RaceData
from genrelab.engine.refit import Choices, refit_estimator
from genrelab.engine.sklearn_fit import WITHOUT, write_weights
from genrelab.engine.trainees import Trainees
from genrelab.engine.validate_config import crop_ratio
from genrelab.evaluation.report import choose_examples, write_report
from genrelab.features.cache import AnyFeatureCache
from genrelab.models.classical import Estimator
from genrelab.models.stack import Stack
from genrelab.runs.checkpoint import REFIT
from genrelab.runs.predictions import Predictions, concatenate, write_predictions
from genrelab.runs.run_record import RunRecord
from genrelab.training.task import GenreTask
from genrelab.utils.io import write_text

COMPARED = 3  # other candidates that the run's own report compares it with
Config = dict[str, Any]


def write_final_run(
    record: RunRecord,
    configure: Callable[[Candidate, Mapping[str, float]], Config],
    dataset: build.Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    results: Results,
    data: RaceData,
    outcome: Outcome,
) -> None:
    """Fit what was chosen on all tracks, and fill the run's folder.

    `predictions.parquet` has every track twice: as test, answered by what the other outer folds chose, and as val,
    answered out of fold by what was chosen from all; `checkpoints/refit.ckpt` is fitted on all tracks.

    Args:
        record: Of the run, the dataset recorded.
        configure: Makes the configuration of a candidate with values of its grid.
        dataset: Dataset index and taxonomy.
        split: All tracks in train.
        candidates: By title.
        results: Of the race.
        data: Rows and folds.
        outcome: Choices.
    """
    title = outcome.chosen
    checkpoint = record.folder / "checkpoints" / REFIT
    with record.timed_stage("refit"):
        if title == STACK:
            members = stack_members(outcome)
            chosen = [(candidates[name], results[name][FULL].chosen) for name in members]
            trainees, cache = _fit_stack(record, configure, dataset, split, chosen, list(members.values()), checkpoint)
        else:
            config = configure(candidates[title], results[title][FULL].chosen)
            trainees, cache, _ = _fit(record, config, dataset, split, checkpoint)
    write_text(record.folder / "config.yaml", yaml.safe_dump(trainees.config, sort_keys=False, allow_unicode=True))
    _record(record, outcome, data, cache)
    held_out = {outcome.titles[number]: results[outcome.titles[number]][FULL].log_p for number in range(len(results))}
    answers = _rows(outcome.final.held_out, outcome.nested, data, dataset)
    write_predictions(record.folder / "predictions.parquet", answers)
    order = np.argsort(outcome.final.nll[:-1], kind="stable")
    others = [number for number in order.tolist() if number != outcome.final.index][:COMPARED]
    record.data["baselines"] = {}
    for number in others:
        name = outcome.titles[number]
        file = f"baselines/{candidates[name].slug}.parquet"
        write_predictions(record.folder / file, _rows(held_out[name], outcome.outer[number], data, dataset))
        record.data["baselines"][name] = {"predictions": file}
    record.write()
    with record.timed_stage("report"):
        rows = cache.rows(list(data.track_ids))
        write_report(record.folder, choose_examples(record.folder, cache, rows))


def _fit(
    record: RunRecord, config: Config, dataset: build.Dataset, split: Split, path: Path
) -> tuple[Trainees, AnyFeatureCache, GenreTask]:
    """Fit one candidate on all tracks, and write its checkpoint."""
    trainees = Trainees(config, record)
    cache = build.make_feature_cache(config, dataset.index)
    trainees.sound = build.content_thresholds(
        dataset, split.tracks("train")[:: max(1, len(split.assignment) // 200)], cache
    )
    if build.is_fitted(config):
        task, data = trainees.make(dataset, cache, (), (), split)
        refit_estimator(task, data, Choices(), None, torch.device("cpu"), path)
        assert isinstance(task.net, Estimator)
        trainees.record_model(task)
        record.data["model"]["fitted"] = task.net.found
    else:
        task, _ = train_network(trainees, dataset, cache, split, path.parents[1])
        trainees.record_model(task)
    return trainees, cache, task


def _fit_stack(
    record: RunRecord,
    configure: Callable[[Candidate, Mapping[str, float]], Config],
    dataset: build.Dataset,
    split: Split,
    members: Sequence[tuple[Candidate, Mapping[str, float]]],
    weights: Sequence[float],
    path: Path,
) -> tuple[Trainees, AnyFeatureCache]:
    """Fit each member on all tracks, join them, and write the checkpoint of the whole."""
    names = needed_features([candidate for candidate, _ in members])
    config = configure(Candidate(STACK, STACK, tuple(names)), {})
    option, tasks = [], []
    for candidate, chosen in members:
        own = configure(candidate, chosen)
        folder = record.folder / "auto" / "members" / candidate.slug
        tasks.append(_fit(record, own, dataset, split, folder / "checkpoints" / REFIT)[2])
        kind, params, _ = model_options(own)
        places = [names.index(name) for name in candidate.features] or [0]
        option.append({"kind": kind, "params": params, "inputs": places, "crop_ratio": crop_ratio(own)})
    config["model"] |= {"members": option, "member_weights": [round(weight, 4) for weight in weights]}
    trainees = Trainees(config, record)
    cache = build.make_feature_cache(config, dataset.index)
    trainees.sound = build.content_thresholds(
        dataset, split.tracks("train")[:: max(1, len(split.assignment) // 200)], cache
    )
    task, _ = trainees.make(dataset, cache, (), (), split)
    stack = cast("Stack", task.net)
    for member, own_task in zip(stack.members, tasks, strict=True):
        member.load_state_dict(own_task.net.state_dict())
    write_weights(task, path)
    trainees.record_model(task)
    return trainees, cache


def _record(record: RunRecord, outcome: Outcome, data: RaceData, cache: AnyFeatureCache) -> None:
    tracks = len(data.track_ids)
    value = round(float(outcome.final.nll[outcome.final.index]), 4)
    record.data["dataset"]["tracks"] |= {"val": tracks, "test": tracks}
    record.data["features"] = [spec.name for spec in cache.specs]
    record.data["monitor"] = {
        **{"metric": "val/track/nll", "mode": "min", "best": value},
        **{"best_epoch": None, "epochs": 0},
    }
    record.data["objective"] = value
    record.data |= {"optimizer": WITHOUT, "scheduler": WITHOUT}
    record.data["refit"] = {
        "parts": ["train", "val", "test"],
        "tracks": tracks,
        "train_targets": np.bincount(data.target, minlength=data.n_classes).tolist(),
        "epochs": None,
        "held_out": f"{int(data.inner[FULL].max()) + 1} folds",
    }


def _rows(val: np.ndarray, test: np.ndarray, data: RaceData, dataset: build.Dataset) -> Predictions:
    """All rows twice: as val and as test."""
    ids = np.array(data.track_ids, dtype=object)[data.track]
    parts = [
        Predictions(
            split=np.full(len(ids), name, dtype=object),
            track_id=ids,
            segment_id=data.segment,
            target=data.row_target.astype(np.int16),
            logits=np.asarray(log_p, dtype=np.float32),
            genres=dataset.taxonomy.genres,
            taxonomy_hash=dataset.taxonomy.hash,
        )
        for name, log_p in (("val", val), ("test", test))
    ]
    return concatenate(parts)

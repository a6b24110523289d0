"""Answers of finished runs joined to one (D13): `genrelab tools ensemble`. Only a stacking is fitted, on val."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from genrelab.config.composition import launch_id
from genrelab.evaluation.report import write_report
from genrelab.metrics import monitor_direction
from genrelab.postprocessing.stacking import fit_stacking
from genrelab.runs.predictions import Predictions, concatenate, write_predictions
from genrelab.runs.run_dir import LevelName, Part, RunDir, predictions_at_level, state
from genrelab.runs.run_record import RunRecord
from genrelab.utils.errors import GenrelabError, suggest
from genrelab.utils.io import shown

EnsembleMethod = Literal["mean", "mean_log", "stack"]
SPLITS: tuple[Part, ...] = ("val", "test")
MAX_COMPARED_MEMBERS = 3  # members that the report compares the ensemble with; of more the best on val


def ensemble(folders: Sequence[Path], method: str = "mean", out: Path | None = None) -> Path:
    """Join the answers of finished runs of one split, and write them as a run of its own.

    "mean" averages probabilities, "mean_log" their logarithms (or log-odds, of several genres a track), "stack" (of one
    genre a track) weighs the logarithms of each member as fits val best (see `genrelab.postprocessing.stacking`); its
    own scores on val are those of tracks left out. Members are joined segment by segment, or, where their segments
    differ, track by track.

    Args:
        folders: of at least two runs.
        method: how.
        out: folder to write; by default one of the launch's name below outputs/runs.

    Returns:
        the folder, with `predictions.parquet`, `run.json` (its members by name), `metrics.json` and `report/`.

    Raises:
        GenrelabError: fewer than two runs, runs that do not fit each other (which tracks or genres), an unknown method,
            or stacking of k-fold runs.
    """
    if method not in get_args(EnsembleMethod):
        raise GenrelabError(f"--method {method}: no such method{suggest(method, get_args(EnsembleMethod))}")
    members = [RunDir.read(folder, allow_multilabel=True) for folder in folders]
    check_members(members)
    if method == "stack" and members[0].multi_label:
        raise GenrelabError("--method stack: of runs of one genre a track; of several use --method mean or mean_log")
    if method == "stack" and (both := set.intersection(*(_track_ids(members[0], split) for split in SPLITS))):
        raise GenrelabError(
            f"{members[0].path}: {len(both)} tracks stand in val and in test, as folds have it: stacking would learn "
            "from what is tested; use --method mean"
        )
    folder = out or Path("outputs") / "runs" / launch_id()
    record = RunRecord.start(folder, {"ensemble": {"method": method, "members": [str(path) for path in folders]}}, [])
    with record.status():
        _record_ensemble(record, members, method, folders)
        with record.timed_stage("test"):
            level, found, weights = combine_predictions(members, method)
            write_predictions(folder / "predictions.parquet", found)
        record.data["model"] |= {"fitted": {"method": method, "joined": f"{level} by {level}"}}
        for member, weight in zip(record.data["members"], weights, strict=False):
            member["weight"] = weight
        (folder / "taxonomy.json").write_bytes((members[0].path / "taxonomy.json").read_bytes())
        _record_objective(record, members[0], found)
        _copy_member_predictions(record, members)
        record.write()
        with record.timed_stage("report"):
            write_report(folder)
    return folder


def check_members(members: Sequence[RunDir]) -> None:
    """Refuse runs whose answers cannot be joined, or not be trusted joined.

    Each run keeps its own val and test apart from its train. Where all have the same val and test, no member has
    trained on what another is tested on.

    Raises:
        GenrelabError: the first misfit, named.
    """
    if len(members) < 2:
        raise GenrelabError(f"ensemble: {len(members)} run; name the folders of 2 or more")
    paths = [member.path.resolve() for member in members]
    for place, one in enumerate(members):
        if paths[place] in paths[:place]:
            raise GenrelabError(f"{one.path}: named 2 times; an ensemble joins different runs of one split")
    first = members[0]
    for one in members:
        if one.record.get("status", "finished") != "finished":
            raise GenrelabError(f"{one.path}: this run {state(one.path, one.record)}; an ensemble joins finished runs")
        if missing := [split for split in SPLITS if split not in one.parts]:
            raise GenrelabError(f"{one.path}: has no predictions of {' and '.join(missing)}")
        if one.multi_label != first.multi_label:
            many = "several genres" if one.multi_label else "one genre"
            raise GenrelabError(f"{one.path}: names {many} a track, unlike {first.path}; join runs of one target")
        if one.taxonomy.hash != first.taxonomy.hash:
            raise GenrelabError(f"{one.path}: knows other genres than {first.path}; join runs over the same genres")
        for split in SPLITS:
            own, other = _track_ids(one, split), _track_ids(first, split)
            if own != other:
                lone = sorted(own ^ other)
                raise GenrelabError(
                    f"{one.path}: its {split} has other tracks than that of {first.path} ({len(lone)} stand in one "
                    f"alone, as {lone[0]}); join runs of one split"
                )
            if (wrong := _first_differing_track(one, first, split)) is not None:
                raise GenrelabError(
                    f"{one.path}: {wrong} has another genre than in {first.path}; join runs of one dataset"
                )


def combine_predictions(members: Sequence[RunDir], method: str) -> tuple[LevelName, Predictions, list[float]]:
    """At which level, the joined predictions of val and test, and the weights of stacking."""
    tables = [_sort_rows(member.predictions) for member in members]
    level: LevelName = "segment" if all(_same_rows(tables[0], one) for one in tables[1:]) else "track"
    if level == "track":
        tables = [_to_tracks(table) for table in tables]
    output_type, weights = members[0].output_type, np.empty(0)
    logs = np.stack([output_type.log_probs_or_logits(table.logits) for table in tables])  # [M, N, C]
    if method == "mean":
        joined = output_type.logits(output_type.probabilities(logs).mean(axis=0))
    elif method == "mean_log":
        joined = logs.mean(axis=0)
    else:
        joined, weights = fit_stacking(
            logs, tables[0].target.astype(np.int64), tables[0].track_id, tables[0].split == "val"
        )
    return level, replace(tables[0], logits=joined.astype(np.float32)), [round(float(one), 4) for one in weights]


# ---- rows


def _sort_rows(predictions: Predictions) -> Predictions:
    """Rows by part, track and segment."""
    keys = (predictions.segment_id, predictions.track_id.astype(str), predictions.split.astype(str))
    order = np.lexsort(keys)
    return predictions.take(order)


def _same_rows(a: Predictions, b: Predictions) -> bool:
    return len(a) == len(b) and all(
        bool((getattr(a, name) == getattr(b, name)).all()) for name in ("split", "track_id", "segment_id")
    )


def _to_tracks(predictions: Predictions) -> Predictions:
    """One row a track, as reports join segments."""
    parts = []
    for split in SPLITS:
        only = predictions.only(split)
        rows = predictions_at_level(only, "track")
        first = only.take(np.unique(only.track_id, return_index=True)[1])
        parts.append(replace(first, segment_id=np.zeros(len(rows), np.int32), logits=rows.logits.astype(np.float32)))
    return _sort_rows(concatenate(parts))


def _track_ids(run: RunDir, split: Part) -> set[str]:
    """The tracks of a part; of a split that parts segments of tracks, the segments."""
    only = run.predictions.only(split)
    if not (run.record.get("split") or {}).get("unsafe"):
        return set(only.track_id)
    return {f"{track}, segment {segment}" for track, segment in zip(only.track_id, only.segment_id, strict=True)}


def _first_differing_track(a: RunDir, b: RunDir, split: Part) -> str | None:
    """The first track that is not of the same genre in both."""
    rows, others = (run.at_level(split, "track") for run in (a, b))  # each track once, sorted
    wrong = (rows.target != others.target).reshape(len(rows), -1).any(axis=1)
    return next(iter(rows.track[wrong].tolist()), None)


# ---- the record


def _record_ensemble(record: RunRecord, members: Sequence[RunDir], method: str, folders: Sequence[Path]) -> None:
    """What a reader must know, from the members' records."""
    first, records = members[0].record, [member.record for member in members]
    none = {"kind": "none"}
    record.data |= {
        "kind": "ensemble",
        "command": shlex.join(["genrelab", "tools", "ensemble", *map(str, folders), "--method", method]),
        "members": [_member(member) for member in members],
        "model": {"kind": "ensemble", "parameters": None, "fitted": {}},
        "loss": {**none, "beta": None, "effective_beta": None},
        "optimizer": none,
        "scheduler": none,
        "features": list(dict.fromkeys(name for one in records for name in one.get("features") or ())),
        **{name: first[name] for name in ("dataset", "taxonomy", "fingerprints") if name in first},
    }
    split = dict(first.get("split") or {})
    for flag in ("unsafe", "artist_leak"):
        split[flag] = any((one.get("split") or {}).get(flag) for one in records)
    record.data["split"] = split
    if len({(one.get("split") or {}).get("hash") for one in records}) > 1:
        record.warn("members trained on different tracks, though val and test are the same")
    if any((one.get("dataset") or {}).get("stand_in") for one in records):
        record.data["dataset"] = {**record.data["dataset"], "stand_in": True}


def _member(run: RunDir) -> dict[str, Any]:
    record = run.record
    return {
        "run_id": record.get("run_id", run.path.name),
        "folder": shown(run.path.resolve()),
        "model": (record.get("model") or {}).get("kind"),
        "features": record.get("features"),
        "objective": record.get("objective"),
    }


def _record_objective(record: RunRecord, first: RunDir, found: Predictions) -> None:
    """The val metric that runs are chosen by."""
    value, metric = _val_score(first, found), f"val/track/{first.output_type.selection_metric}"
    mode = monitor_direction(metric)
    record.data["monitor"] = {"metric": metric, "mode": mode, "best": value, "best_epoch": None, "epochs": 0}
    record.data["objective"] = value


def _copy_member_predictions(record: RunRecord, members: Sequence[RunDir]) -> None:
    """Copy members' predictions, so that the report compares the ensemble with each on the same tracks."""
    output_type = members[0].output_type
    sign = 1 if output_type.direction[output_type.selection_metric] == "min" else -1
    titled = sorted(
        zip(_member_titles(members), members, strict=True),
        key=lambda one: sign * _val_score(one[1], one[1].predictions),
    )
    names: dict[str, Any] = {}
    for title, member in titled[:MAX_COMPARED_MEMBERS]:
        file = f"baselines/member-{len(names)}.parquet"
        write_predictions(record.folder / file, member.predictions)
        names[title] = {"predictions": file}
    record.data["baselines"] = names


def _member_titles(members: Sequence[RunDir]) -> list[str]:
    """What tells members apart, as short as it can: the model, with its features, or with its run."""
    kinds = [str((member.record.get("model") or {}).get("kind") or "run") for member in members]
    for behind in (
        [""] * len(members),
        [f" on {'+'.join(member.record.get('features') or ())}" for member in members],
        [f" {member.record.get('run_id', member.path.name)}" for member in members],
    ):
        titles = [kind + more for kind, more in zip(kinds, behind, strict=True)]
        if len(set(titles)) == len(titles):
            return titles
    return [f"{title}, {number}" for number, title in enumerate(titles, start=1)]


def _val_score(run: RunDir, predictions: Predictions) -> float:
    """The val metric that runs are chosen by."""
    rows, output_type = predictions_at_level(predictions.only("val"), "track"), run.output_type
    return float(output_type.scores(rows.logits, rows.target, run.hierarchy)[output_type.selection_metric])

"""Answers of finished runs joined to one (D13): `genrelab ensemble`. Nothing is trained but, on val, a stacking."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from genrelab.config.compose import launch_id
from genrelab.decide import aggregate, target_of_tracks
from genrelab.decide.calibrate import log_softmax
from genrelab.decide.stacking import stack
from genrelab.errors import GenrelabError, suggest
from genrelab.files import shown
from genrelab.metrics import monitor_direction, scores
from genrelab.predictions import Predictions, concatenate, write_predictions
from genrelab.record import Record
from genrelab.report import write_report
from genrelab.report.folder import LevelName, Part, RunFolder, level_of, state

Method = Literal["mean", "mean_log", "stack"]
PARTS: tuple[Part, ...] = ("val", "test")
METRIC = "val/track/distance"
TINY = 1e-12
MOST_SHOWN = 3  # members that the report compares the ensemble with; of more the best on val


def ensemble(folders: Sequence[Path], method: str = "mean", out: Path | None = None) -> Path:
    """Join the answers of finished runs of one split, and write them as a run of its own.

    "mean" averages probabilities, "mean_log" their logarithms, "stack" weighs the logarithms of each member as fits
    val best (see `genrelab.decide.stacking`); its own scores on val are those of tracks left out. Members are joined
    segment by segment, or, where their segments differ, track by track.

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
    if method not in get_args(Method):
        raise GenrelabError(f"--method {method}: no such method{suggest(method, get_args(Method))}")
    members = [RunFolder.read(folder) for folder in folders]
    check_members(members)
    if method == "stack" and (both := set.intersection(*(_tracks(members[0], part) for part in PARTS))):
        raise GenrelabError(
            f"{members[0].path}: {len(both)} tracks stand in val and in test, as folds have it: stacking would learn "
            "from what is tested; use --method mean"
        )
    folder = out or Path("outputs") / "runs" / launch_id()
    record = Record.start(folder, {"ensemble": {"method": method, "members": [str(path) for path in folders]}}, [])
    with record.status():
        _fill(record, members, method, folders)
        with record.stage("test"):
            level, found, weights = join(members, method)
            write_predictions(folder / "predictions.parquet", found)
        record.data["model"] |= {"fitted": {"method": method, "joined": f"{level} by {level}"}}
        for member, weight in zip(record.data["members"], weights, strict=False):
            member["weight"] = weight
        (folder / "taxonomy.json").write_bytes((members[0].path / "taxonomy.json").read_bytes())
        _score(record, members[0], found)
        _keep_members(record, members)
        record.write()
        with record.stage("report"):
            write_report(folder)
    return folder


def check_members(members: Sequence[RunFolder]) -> None:
    """Refuse runs whose answers cannot be joined, or not be trusted joined.

    Each run keeps its own val and test apart from its train. Where all have the same val and test, no member has
    trained on what another is tested on.

    Raises:
        GenrelabError: the first misfit, named.
    """
    if len({member.path.resolve() for member in members}) < 2:
        raise GenrelabError("an ensemble needs two runs or more; name their folders")
    first = members[0]
    for one in members:
        if one.record.get("status", "finished") != "finished":
            raise GenrelabError(f"{one.path}: this run {state(one.record)}; an ensemble joins finished runs")
        if missing := [part for part in PARTS if part not in one.parts]:
            raise GenrelabError(f"{one.path}: has no predictions of {' and '.join(missing)}")
        if one.taxonomy.hash != first.taxonomy.hash:
            raise GenrelabError(f"{one.path}: knows other genres than {first.path}; join runs over the same genres")
        for part in PARTS:
            own, other = _tracks(one, part), _tracks(first, part)
            if own != other:
                lone = sorted(own ^ other)
                raise GenrelabError(
                    f"{one.path}: its {part} has other tracks than that of {first.path} ({len(lone)} stand in one "
                    f"alone, as {lone[0]}); join runs of one split"
                )
            if (wrong := _differing(one, first, part)) is not None:
                raise GenrelabError(
                    f"{one.path}: {wrong} has another genre than in {first.path}; join runs of one dataset"
                )


def join(members: Sequence[RunFolder], method: str) -> tuple[LevelName, Predictions, list[float]]:
    """At which level, the joined predictions of val and test, and the weights of stacking."""
    tables = [_sorted(member.predictions) for member in members]
    level: LevelName = "segment" if all(_same_rows(tables[0], one) for one in tables[1:]) else "track"
    if level == "track":
        tables = [_to_tracks(table) for table in tables]
    logs = np.stack([log_softmax(table.logits) for table in tables])  # [M, N, C]
    weights = np.empty(0)
    if method == "mean":
        joined = np.log(np.exp(logs).mean(axis=0).clip(min=TINY))
    elif method == "mean_log":
        joined = logs.mean(axis=0)
    else:
        joined, weights = stack(logs, tables[0].target.astype(np.int64), tables[0].track_id, tables[0].split == "val")
    return level, replace(tables[0], logits=joined.astype(np.float32)), [round(float(one), 4) for one in weights]


# ---- rows


def _sorted(predictions: Predictions) -> Predictions:
    """Rows by part, track and segment."""
    keys = (predictions.segment_id, predictions.track_id.astype(str), predictions.split.astype(str))
    order = np.lexsort(keys)
    columns = {
        name: getattr(predictions, name)[order] for name in ("split", "track_id", "segment_id", "target", "logits")
    }
    return replace(predictions, **columns)


def _same_rows(a: Predictions, b: Predictions) -> bool:
    return len(a) == len(b) and all(
        bool((getattr(a, name) == getattr(b, name)).all()) for name in ("split", "track_id", "segment_id")
    )


def _to_tracks(predictions: Predictions) -> Predictions:
    """One row a track, as reports join segments."""
    parts = []
    for part in PARTS:
        only = predictions.only(part)
        logits, tracks = aggregate(only.logits, only.track_id)
        parts.append(
            replace(
                only,
                split=np.full(len(tracks), part, dtype=object),
                track_id=tracks,
                segment_id=np.zeros(len(tracks), dtype=np.int32),
                target=target_of_tracks(only.target, only.track_id).astype(np.int16),
                logits=logits.astype(np.float32),
            )
        )
    return _sorted(concatenate(parts))


def _tracks(run: RunFolder, part: Part) -> set[str]:
    """The tracks of a part; of a split that parts segments of tracks, the segments."""
    only = run.predictions.only(part)
    if not (run.record.get("split") or {}).get("unsafe"):
        return set(only.track_id)
    return {f"{track}, segment {segment}" for track, segment in zip(only.track_id, only.segment_id, strict=True)}


def _differing(a: RunFolder, b: RunFolder, part: Part) -> str | None:
    """The first track that is not of the same genre in both."""
    genres = [
        dict(zip(run.predictions.only(part).track_id, run.predictions.only(part).target, strict=True)) for run in (a, b)
    ]
    return next((track for track in sorted(genres[0]) if genres[0][track] != genres[1][track]), None)


# ---- the record


def _fill(record: Record, members: Sequence[RunFolder], method: str, folders: Sequence[Path]) -> None:
    """What a reader must know, from the members' records."""
    first, records = members[0].record, [member.record for member in members]
    none = {"kind": "none"}
    record.data |= {
        "kind": "ensemble",
        "command": shlex.join(["genrelab", "ensemble", *map(str, folders), "--method", method]),
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


def _member(run: RunFolder) -> dict[str, Any]:
    record = run.record
    return {
        "run_id": record.get("run_id", run.path.name),
        "folder": shown(run.path.resolve()),
        "model": (record.get("model") or {}).get("kind"),
        "features": record.get("features"),
        "objective": record.get("objective"),
    }


def _score(record: Record, first: RunFolder, found: Predictions) -> None:
    """The val metric that runs are chosen by."""
    rows = level_of(found.only("val"), "track")
    value = scores(rows.logits, rows.target, first.distances, first.supergenres, first.medoid)["distance"]
    mode = monitor_direction(METRIC)
    record.data["monitor"] = {"metric": METRIC, "mode": mode, "best": float(value), "best_epoch": None, "epochs": 0}
    record.data["objective"] = float(value)


def _keep_members(record: Record, members: Sequence[RunFolder]) -> None:
    """Copy members' predictions, so that the report compares the ensemble with each on the same tracks."""
    titled = sorted(zip(_titles(members), members, strict=True), key=lambda one: _val_distance(one[1]))
    names: dict[str, Any] = {}
    for title, member in titled[:MOST_SHOWN]:
        file = f"baselines/member-{len(names)}.parquet"
        write_predictions(record.folder / file, member.predictions)
        names[title] = {"predictions": file}
    record.data["baselines"] = names


def _titles(members: Sequence[RunFolder]) -> list[str]:
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


def _val_distance(member: RunFolder) -> float:
    rows = member.level("val", "track")
    return float(scores(rows.logits, rows.target, member.distances, member.supergenres, member.medoid)["distance"])

"""Scores of a trial over its seeds, kept in docs/reproduction.json beside those of other days."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from statistics import mean
from typing import Any

from genrelab.reproduction.jobs import RunJob
from genrelab.reproduction.runner import is_finished
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import write_json

CLUSTERS = ("ari", "nmi", "nmi_by_chance")
SHOWN = ("accuracy", "distance_skill", "balanced_accuracy")


def score_trial(jobs: Sequence[RunJob]) -> dict[str, Any] | None:
    """Score the finished runs of one trial and protocol together.

    A metric is the mean over seeds; its interval resamples tracks, each with its answers under all seeds.
    What stands on both sides of an unsafe split are tracks; there segments are scored, as published.

    Returns:
        plain data for the tables; None where no run finished.
    """
    import numpy as np

    from genrelab.metrics import bootstrap_intervals, scores
    from genrelab.runs.run_dir import RunDir

    jobs = [job for job in jobs if is_finished(job.folder)]
    if not jobs:
        return None
    runs = [RunDir.read(job.folder) for job in jobs]
    unsafe = runs[0].unsafe
    levels = [run.at_level("test", "segment" if unsafe else "track") for run in runs]  # unsafe tracks are not whole
    logits, target, track = (np.concatenate([getattr(level, name) for level in levels]) for name in _FIELDS)
    first = runs[0]
    found = scores(logits, target, first.distances, first.supergenres, first.medoid)
    ends = bootstrap_intervals(logits, target, track, first.distances, first.supergenres, first.medoid)
    each = [scores(level.logits, level.target, first.distances, first.supergenres)["accuracy"] for level in levels]
    split = first.record.get("split", {})
    return {
        **{name: [_plain(found[name]), *map(_plain, ends[name])] for name in SHOWN},
        **_clusters([job.folder for job in jobs]),
        "each_seed": [_plain(value) for value in each],
        "scored": len(levels[0]),
        "genres": len(first.taxonomy.genres),
        "seconds": round(min(float(run.record["seconds"]) for run in runs)),  # of the rest much is other work
        "parameters": (first.record.get("model") or {}).get("parameters"),
        "short": list(jobs[0].trial.short) if jobs[0].short else [],
        "unsafe": unsafe,
        "artist_leak": bool(split.get("artist_leak")),
        "synthetic": bool((first.record.get("dataset") or {}).get("stand_in")),
        "date": str(first.record.get("started", ""))[:10],
    }


_FIELDS = ("logits", "target", "track")


def _clusters(folders: Sequence[Path]) -> dict[str, Any]:
    """ARI, NMI and NMI by chance of test segments, mean over runs and folds; empty where there are no clusters."""
    known = []
    for folder in folders:
        for path in [folder / "metrics.json", *sorted(folder.glob("fold-*/metrics.json"))]:
            found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            known += [found["clustering"]["test"]] if "clustering" in found else []
    return {name: _plain(mean(one[name] for one in known)) for name in CLUSTERS if known}


def _plain(value: float) -> float | None:
    return None if isnan(value) else round(float(value), 4)


def read_results(path: Path) -> dict[str, dict[str, Any]]:
    """Row -> result's name -> scores; empty where there is no file yet."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise GenrelabError(
            f"{path}: unreadable ({error}); delete it and run `genrelab tools reproduce` again"
        ) from error
    return found


def update_results(path: Path, jobs: Sequence[RunJob]) -> dict[str, dict[str, Any]]:
    """Put what these jobs came to into the file; results of other rows stay."""
    results = read_results(path)
    groups: dict[tuple[str, str], list[RunJob]] = {}
    for job in jobs:
        groups.setdefault((job.row, job.key), []).append(job)
    for (row, key), group in groups.items():
        if found := score_trial(group):
            results.setdefault(row, {})[key] = found
    write_json(path, _ordered(results))
    return results


def _ordered(results: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row: dict(sorted(results[row].items())) for row in sorted(results)}

"""What a study has come to, written after every trial: `summary.json`, `trials.csv`, `best.yaml`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock
from optuna.trial import FrozenTrial, TrialState

from genrelab.datasets.splits import NO_EVIDENCE
from genrelab.tuning.search_space import overrides_of
from genrelab.tuning.study_storage import SharedStudy, masked, trial_attributes
from genrelab.utils.io import shown, write_json, write_table, write_text

Recipe = Callable[[Sequence[str], Sequence[str]], str]
FORMAT = 1
UNSAFE = f"{NO_EVIDENCE}."


def write_summary(study: SharedStudy, recipe: Recipe | None = None) -> dict[str, Any]:
    """Write the summary, by one worker at a time, so that an older state never comes after a newer one.

    Args:
        study: whose folder is written to.
        recipe: makes `best.yaml` of overrides and comments; None writes none.

    Returns:
        the content of `summary.json`.
    """
    folder = study.spec.folder
    with FileLock(folder / ".summary.lock"):
        trials = study.trials()
        found = summarize(study, trials)
        write_table(trials_table(study, trials), folder / "trials.csv", durable=False)
        if recipe and found["best"]:
            _write_best(study, found, recipe)
        write_json(folder / "summary.json", found, durable=False)
    return found


def best_trials(study: SharedStudy, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The best complete trial; of several objectives all that none beats, the best by the first objective first."""
    ways = [1 if way == "min" else -1 for way in study.spec.directions]
    done = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    points = {trial.number: [way * value for way, value in zip(ways, trial.values, strict=True)] for trial in done}

    def beaten(trial: FrozenTrial) -> bool:
        own = points[trial.number]
        return any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in points.values())

    front = sorted((trial for trial in done if not beaten(trial)), key=lambda t: (points[t.number], t.number))
    return front if study.spec.multi_objective else front[:1]


def summarize(study: SharedStudy, trials: Sequence[FrozenTrial]) -> dict[str, Any]:
    """The content of `summary.json`."""
    spec, counts = study.spec, study.counts()
    best = best_trials(study, trials)
    return {
        "format": FORMAT,
        "study": spec.name,
        "written": datetime.now().astimezone().isoformat(timespec="seconds"),
        "storage": masked(spec.storage),
        "objectives": dict(zip(spec.objectives, spec.directions, strict=True)),
        "params": {key: one.describe() for key, one in study.space.items()},
        "sampler": dict(spec.sampler),
        "pruner": dict(spec.pruner),
        "trials": {
            "total": study.total,
            "complete": counts.complete,
            "pruned": counts.pruned,
            "failed": counts.failed,
            "running": counts.running,
        },
        "seconds": round(sum(trial_attributes(trial).get("seconds", 0) for trial in trials), 2),
        "best": _of_trial(study, best[0]) if best else None,
        "front": [_of_trial(study, trial) for trial in best] if spec.multi_objective else [],
    }


def trials_table(study: SharedStudy, trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """One row a trial, the content of `trials.csv`."""
    rows = []
    for trial in trials:
        attributes = trial_attributes(trial)
        values = trial.values if trial.state is TrialState.COMPLETE else None
        rows.append(
            {
                "number": trial.number,
                "state": trial.state.name.lower(),
                **{f"params.{key}": trial.params.get(key) for key in study.space},
                **dict(zip(study.spec.objectives, values or [None] * len(study.spec.objectives), strict=True)),
                "epochs": attributes.get("epochs", len(trial.intermediate_values) or None),
                "seconds": attributes.get("seconds"),
                "retry_of": attributes.get("retry_of"),
                "unsafe": is_unsafe(trial),
                "checkpoint": attributes.get("checkpoint"),
                "error": attributes.get("error"),
            }
        )
    whole = {"epochs": "Int64", "retry_of": "Int64"}
    return pd.DataFrame(rows).astype(whole) if rows else pd.DataFrame({"number": []})


def best_file(study: SharedStudy) -> Path:
    """Where the best trial's recipe stands: `experiment=<study>/best` finds it."""
    return study.spec.folder.parent / "experiment" / study.spec.name / "best.yaml"


def _of_trial(study: SharedStudy, trial: FrozenTrial) -> dict[str, Any]:
    folder, attributes = study.spec.folder, trial_attributes(trial)
    files: dict[str, Any] = {
        name: shown(folder / attributes[name]) for name in ("checkpoint", "report") if name in attributes
    }
    return {
        "number": trial.number,
        "values": dict(zip(study.spec.objectives, trial.values, strict=True)),
        "params": dict(trial.params),
        "overrides": overrides_of(study.space, trial.params),
        "folder": shown(folder / str(trial.number)),
        "unsafe": is_unsafe(trial),
        **files,
    }


def is_unsafe(trial: FrozenTrial) -> bool:
    """Whether a trial trained on segments of the tracks that it is scored on (split=random_segments)."""
    return bool(trial_attributes(trial).get("unsafe"))


def _write_best(study: SharedStudy, found: dict[str, Any], recipe: Recipe) -> None:
    """Write the best trial's recipe, where it is another one than before."""
    best, path = found["best"], best_file(study)
    copied = study.spec.folder / "best.yaml"
    if path.exists() and copied.exists() and _kept_number(study.spec.folder) == best["number"]:
        return
    values = ", ".join(f"{name} {value:.4g}" for name, value in best["values"].items())
    comments = [
        f"The best trial of the study {study.spec.name}: trial {best['number']}, {values}.",
        f"Its run: {best['folder']}",
        *([UNSAFE] if best["unsafe"] else []),
    ]
    text = recipe(best["overrides"], comments)
    write_text(path, text)
    write_text(copied, text)


def _kept_number(folder: Path) -> int | None:
    try:
        return int(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["best"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

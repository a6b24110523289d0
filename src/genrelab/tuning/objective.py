"""A trial is a run: the objective that trains, and how its score is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.datasets.splits import RATIOS
from genrelab.tuning.compose import Composer
from genrelab.tuning.study_spec import StudySpec
from genrelab.tuning.worker import TrialJob, TrialResult
from genrelab.utils.errors import GenrelabError


class TrainingObjective:
    """Trains, tests and reports one run for each job.

    Args:
        spec: of the study.
        overrides: that all trials share.
        threads: for torch, where several workers share the cores; None: all.
    """

    def __init__(self, spec: StudySpec, overrides: Sequence[str], threads: int | None = None) -> None:
        self.spec = spec
        self.composer = Composer(overrides)
        self.threads = threads

    def __call__(self, job: TrialJob) -> TrialResult:
        """Run the job."""
        from genrelab.engine import run
        from genrelab.runs.checkpoint import run_checkpoint

        config = with_holdout(self.composer.config(job.overrides))
        config["accelerator"]["num_threads"] = config["accelerator"]["num_threads"] or self.threads
        record = run.train(config, job.folder, [*self.composer.overrides, *job.overrides])
        values = tuple(score(job.folder, record, metric) for metric in self.spec.objectives)
        page = {"report": f"{job.number}/report/index.html"} if config["trainer"]["report"] else {}
        attributes = {
            "checkpoint": f"{job.number}/{run_checkpoint(job.folder).relative_to(job.folder)}",
            **page,
            "epochs": record["monitor"].get("epochs"),
            "data": record["fingerprints"]["targets"],
            **({"unsafe": True} if record["split"].get("unsafe") else {}),
        }
        return TrialResult(values, attributes)


def chooses_by_holdout(split: Mapping[str, Any]) -> bool:
    """Return whether trials of this split are trained on one holdout, where a run may be cross-validated."""
    return split.get("kind") == "auto" and not split.get("ratios")


def with_holdout(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with one holdout in place of `split=auto`, which cross-validates few tracks.

    A trial is then one training, not five or six; the folds are for the run of what the search found.
    """
    split = config["split"]
    return {**config, "split": {**split, "ratios": list(RATIOS)} if chooses_by_holdout(split) else split}


def score(folder: Path, record: Mapping[str, Any], metric: str) -> float:
    """A val metric of a run's best checkpoint; NaN where the run has none.

    Args:
        folder: of the run.
        record: its `run.json`.
        metric: as logged, e.g. "val/track/accuracy".

    Raises:
        GenrelabError: the run does not log it.
    """
    if metric == record["monitor"]["metric"]:
        return float(record["objective"])
    part, _, name = metric.partition("/")
    level, _, name = name.rpartition("/")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    found = metrics.get(part, {}).get(level, {}).get(name)
    if found is not None:
        return float("nan") if found["value"] is None else float(found["value"])
    curves = pd.read_csv(folder / "metrics.csv")
    if metric not in curves:
        raise GenrelabError(f"objective {metric!r} is not logged by {folder}")
    best = record["monitor"].get("best_epoch") or 0  # what is fitted at once has none, and one row
    return float(curves.loc[curves["epoch"] == best, metric].iloc[0])

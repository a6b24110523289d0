"""Which runs there are below some folders, and what each was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from genrelab.config.missing_keys import fill_absent
from genrelab.evaluation.report.multilabel_scores import PRIOR_BASELINE
from genrelab.evaluation.report.writer import score_run
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID, RANDOM
from genrelab.postprocessing import OutputType, get_output_type
from genrelab.runs.run_dir import Level, RunDir, state
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown

RUN_SUBDIRS = {"checkpoints", "report", "baselines", "wandb", "tensorboard"}  # of a run, never runs themselves


@dataclass(frozen=True)
class Run:
    """A scored run.

    Args:
        path: of its folder.
        name: as short as tells it from the others.
        config: `config.yaml`; empty where there is none.
        record: `run.json`; empty where there is none.
        metrics: `metrics.json`, or the same computed from the predictions.
    """

    path: Path
    name: str
    config: Mapping[str, Any]
    record: Mapping[str, Any]
    metrics: Mapping[str, Any]

    @property
    def output_type(self) -> OutputType:
        """How its logits are read: one genre a track, or several."""
        return get_output_type(self.metrics.get("target") == "multi_label")

    @property
    def split(self) -> str:
        """The part that the scores are of: test, or val where nothing was tested."""
        return str(self.metrics["headline"])

    @property
    def scores(self) -> Mapping[str, Mapping[str, float | None]]:
        """Track level: metric -> value, low, high."""
        found: Mapping[str, Mapping[str, float | None]] = self.metrics[self.split]["track"]
        return found

    @property
    def baselines(self) -> Mapping[str, Mapping[str, Mapping[str, float | None]]]:
        """Track level of the baselines: name -> metric -> value, low, high."""
        found: Mapping[str, Any] = self.metrics.get("baselines", {}).get(self.split, {}).get("track", {})
        return found

    @property
    def trained_baseline(self) -> Mapping[str, Mapping[str, float | None]]:
        """The first trained baseline's scores; empty where none was trained."""
        return next(
            (found for name, found in self.baselines.items() if name not in (MAJORITY, MEDOID, RANDOM, PRIOR_BASELINE)),
            {},
        )

    @cached_property
    def run_dir(self) -> RunDir:
        """Its predictions and taxonomy, read when they are asked for."""
        return RunDir.read(self.path, allow_multilabel=True)

    @cached_property
    def predictions(self) -> Level:
        """Its answers for the tracks that its scores are of."""
        return self.run_dir.at_level(self.run_dir.primary_split, "track")

    @cached_property
    def tested_track_ids(self) -> frozenset[str]:
        """The tracks that its scores are of."""
        return read_track_ids(self.path, self.split)


@dataclass(frozen=True)
class SkippedRun:
    """A folder that is not compared, and why."""

    path: Path
    reason: str


def find_runs(folders: Sequence[Path]) -> tuple[list[Run], list[SkippedRun]]:
    """Read all runs at or below some folders; a k-fold run counts once, by its outer folder.

    Args:
        folders: of runs, or of folders of runs at any depth.

    Returns:
        the scored runs in the order of their paths (numbers as numbers), and what was left out: failed and
        unfinished runs, and those whose files cannot be read.

    Raises:
        GenrelabError: a path that is missing or no folder.
    """
    paths = _run_paths(folders)
    names = _short_names(paths)
    runs, skipped = [], []
    for path, name in zip(paths, names, strict=True):
        try:
            runs.append(read_run(path, name))
        except GenrelabError as error:
            skipped.append(SkippedRun(path, str(error).removeprefix(f"{path}: ")))
    return runs, skipped


def read_run(path: Path, name: str) -> Run:
    """Read one run.

    Raises:
        GenrelabError: it failed, is unfinished, or its files cannot be read; why.
    """
    record = _read_json(path / "run.json") if (path / "run.json").exists() else {}
    if record.get("status", "finished") != "finished":
        raise GenrelabError(state(path, record))
    if not (path / "predictions.parquet").exists() and not (path / "metrics.json").exists():
        raise GenrelabError("neither predictions.parquet nor metrics.json is there")
    metrics = (
        _read_json(path / "metrics.json")
        if (path / "metrics.json").exists()
        else score_run(RunDir.read(path, allow_multilabel=True))
    )
    run = Run(path, name, _read_config(path / "config.yaml"), record, metrics)
    try:
        value = run.scores[run.output_type.primary_metric]["value"]
    except (KeyError, TypeError) as error:
        raise GenrelabError(f"metrics.json lacks {error}; write it anew with: genrelab report {shown(path)}") from error
    if value is None:
        raise GenrelabError("its scores are no numbers")
    return run


def read_track_ids(path: Path, split: str) -> frozenset[str]:
    """The names of the tracks of a part, from `predictions.parquet` without its logits.

    Raises:
        GenrelabError: there are no predictions.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = path / "predictions.parquet"
    try:
        table = pq.read_table(file, columns=["split", "track_id"]).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        raise GenrelabError(f"{file}: unreadable ({str(error).splitlines()[0]})") from error
    return frozenset(table.loc[table["split"].astype(str) == split, "track_id"])


def _run_paths(folders: Sequence[Path]) -> list[Path]:
    """The folders of runs, each once."""
    found: dict[Path, None] = {}
    for given in folders:
        folder = given.expanduser().resolve()
        if not folder.exists():
            raise GenrelabError(f"{folder}: no such folder")
        if not folder.is_dir():
            run = next((parent for parent in folder.parents if _is_run(parent)), None)
            hint = f"its run is {shown(run)}" if run else "name the folder of a run, or a folder of runs"
            raise GenrelabError(f"{folder}: a file, not a folder; {hint}")
        found |= dict.fromkeys(_find_run_dirs(folder))
    folds = {path for path in found if any(parent in found for parent in path.parents)}
    return sorted(set(found) - folds, key=_natural_sort_key)


def _find_run_dirs(folder: Path) -> Iterator[Path]:
    """Folders of runs at or below a folder, without looking into runs."""
    for here, inner, files in os.walk(folder):
        if "run.json" in files or "predictions.parquet" in files:
            inner.clear()
            yield Path(here)
        inner[:] = sorted(name for name in inner if name not in RUN_SUBDIRS and not name.startswith("."))


def _is_run(folder: Path) -> bool:
    return (folder / "run.json").exists() or (folder / "predictions.parquet").exists()


def _natural_sort_key(path: Path) -> list[tuple[int, int, str]]:
    """Sorts job 10 of a multirun after job 9."""
    return [(0, int(component), "") if component.isdigit() else (1, 0, component) for component in path.parts]


def _short_names(paths: Sequence[Path]) -> list[str]:
    """Each path without what all have in common: "0", "beta/3"; the folder's name where there is one."""
    if len(paths) == 1:
        return [paths[0].name]
    root = Path(os.path.commonpath(paths)) if paths else Path()
    return [str(path.relative_to(root)) for path in paths]


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError) as error:
        raise GenrelabError(f"config.yaml: unreadable ({str(error).splitlines()[0]})") from error
    return fill_absent(found) if isinstance(found, dict) else {}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GenrelabError(f"{path.name}: unreadable ({error}); it may be half written") from error
    if not isinstance(found, dict):
        raise GenrelabError(f"{path.name}: not a mapping")
    return found

"""The orchestrator: `train`, `resume` and cross-validation. Configuration in, a record and a folder out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any

import yaml

from genrelab.config.resume_overrides import override_machine, parse_machine_overrides
from genrelab.datasets.splits import FEW_TRACKS, RATIOS, resolve_split, split_folds
from genrelab.engine import build
from genrelab.engine.build import Config
from genrelab.engine.cross_validation import pool_folds
from genrelab.engine.pipeline import TrainingPipeline
from genrelab.engine.refit import refits_on_all
from genrelab.engine.refit_stage import refit_on_all
from genrelab.engine.validate_config import check
from genrelab.evaluation.report import print_summary, write_report
from genrelab.runs.run_record import RunRecord
from genrelab.tracking.publish import finish
from genrelab.training.trainer import quiet_lightning
from genrelab.utils.errors import ConfigError, GenrelabError, Interrupted
from genrelab.utils.io import shown
from genrelab.utils.trust import TRUST_FLAG


def train(config: Config, folder: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Train, test and report one run, or one per fold of a k-fold split.

    Args:
        config: a whole configuration as plain data, see conf/.
        folder: of the run; made anew.
        overrides: the command line it came from, for the record.

    Returns:
        the run's record, as in its `run.json`; `objective` is the best checkpoint's monitored val metric.
    """
    check(config, overrides)
    config = _resolved(config)
    return _recorded(config, RunRecord.start(folder, config, overrides), resuming=False)


def _resolved(config: Config) -> Config:
    """The configuration with the split that `split=auto` stands for, and the refit that its folds end with."""
    if config["split"]["kind"] != "auto":
        return config
    asked = dict(config["split"])
    if config["accelerator"]["devices"] > 1:  # folds are trained on one device
        asked["ratios"] = asked["ratios"] or RATIOS
    split = resolve_split(asked, lambda: build.read_dataset(config).index)
    config = {**config, "split": split}
    if not split.get("folds"):
        return config
    if config["refit"] == "auto" and not build.is_fitted(config):
        config["refit"] = "final"
    last = ", then a refit on all tracks" if refits_on_all(config) else ""
    print(
        f"fewer than {FEW_TRACKS} tracks: cross-validation in {split['folds']} folds{last} "
        "(split=grouped: one training on one holdout)",
        flush=True,
    )
    return config


def resume(folder: Path, overrides: Sequence[str] = (), trusted: bool = True) -> dict[str, Any]:
    """Go on with an interrupted run in its folder, to the result that it would have had.

    Args:
        folder: of the run.
        overrides: other paths and machine settings, where the music has moved: `dataset.root=NEW`.
        trusted: whether the run is one's own, whose modules may be imported.

    Raises:
        ConfigError: an override that would make it another run; modules to import in a run that is not trusted.
        GenrelabError: not a run, or finished already; or tracks, audio or genres are not those that it began with.
    """
    changes = parse_machine_overrides(overrides)
    folder = folder.expanduser().resolve()
    if not (folder / "run.json").exists():  # a file of the run was named, a checkpoint say
        folder = next((parent for parent in folder.parents if (parent / "run.json").exists()), folder)
    record = RunRecord.read(folder)
    if re.fullmatch(r"fold-\d+", folder.name) and (folder.parent / "run.json").exists():
        raise GenrelabError(f"{folder}: one fold of a run; resume={folder.parent} goes on with all")
    if record.data.get("kind") == "auto":
        raise GenrelabError(f"{folder}: a race of `genrelab auto` (go on with: genrelab auto --resume {folder})")
    if record.data.get("status") == "finished":
        raise GenrelabError(f"{folder}: this run is finished; its report is {folder / 'report' / 'index.html'}")
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise GenrelabError(f"{folder / 'config.yaml'}: unreadable ({error}); the run cannot be resumed") from error
    config = override_machine(config, changes)
    if config.get("plugins") and not trusted:
        modules = ", ".join(map(str, config["plugins"]))
        raise ConfigError([f"{folder / 'config.yaml'}: plugins: resuming imports {modules} ({TRUST_FLAG} allows it)"])
    check(config)
    if changes:
        record.change_config(config, overrides)
    return _recorded(config, record, resuming=True)


def _recorded(config: Config, record: RunRecord, resuming: bool) -> dict[str, Any]:
    quiet_lightning()
    folds = split_folds(config["split"])
    trust = f" {TRUST_FLAG}" if config.get("plugins") else ""
    with record.status(), _resume_hint(f"{shown(record.folder)}{trust}"), _quiet_unless(record.is_rank_zero):
        print(f"run {record.data['run_id']} in {shown(record.folder)}", flush=True)
        if len(folds) > 1:
            _cross_validate(config, record, folds)
        else:
            TrainingPipeline(config, record, folds[0] if folds else None).run(resuming)
    if not record.is_rank_zero:
        return record.data
    print_summary(record.folder)
    if (page := record.folder / "report" / "index.html").exists():
        print(f"report: {shown(page)}", flush=True)
    return record.data


@contextmanager
def _resume_hint(what: str) -> Iterator[None]:
    """At Ctrl-C say what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        kept = stop.completed if isinstance(stop, Interrupted) else ""
        raise Interrupted(kept, f"go on with: python train.py resume={what}") from stop


@contextmanager
def _quiet_unless(is_rank_zero: bool) -> Iterator[None]:
    """Of several training processes only the first talks."""
    with Path(os.devnull).open("w") as nowhere, nullcontext() if is_rank_zero else redirect_stdout(nowhere):
        yield


def _cross_validate(config: Config, record: RunRecord, folds: Sequence[int]) -> None:
    """One run per fold in a folder of its own; their predictions pooled, so that each track is tested once.

    Then, where the run is refitted, one training on all tracks.
    """
    records = []
    for fold in folds:
        folder = record.folder / f"fold-{fold}"
        done = (folder / "run.json").exists() and RunRecord.read(folder).data.get("status") == "finished"
        if done:
            print(f"fold {fold}: finished already", flush=True)
            records.append(RunRecord.read(folder))
            continue
        print(f"\nfold {fold + 1} of {len(folds)}", flush=True)
        resuming = (folder / "run.json").exists()
        of_fold = RunRecord.read(folder) if resuming else RunRecord.start(folder, config, record.data["overrides"])
        with of_fold.status():
            TrainingPipeline(config, of_fold, fold, record.folder).run(resuming)
        records.append(of_fold)
    pool_folds(record, records)
    pipeline = TrainingPipeline(config, record, None)
    if refits_on_all(config):
        print("", flush=True)
        refit_on_all(pipeline.trainees, records)
    with record.timed_stage("report"):
        write_report(record.folder)
    if record.is_rank_zero:
        try:
            pipeline.publish(pipeline.loggers())
        finally:
            finish()

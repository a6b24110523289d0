"""The loop of one worker: ask, run one trial in this process, tell."""

from __future__ import annotations

import gc
import math
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.trial import Trial

from genrelab.training.trial_context import TrialReporter, report_to_trial
from genrelab.tuning.study_storage import SharedStudy
from genrelab.utils.errors import GenrelabError, Pruned

POLL = 1.0  # seconds between looks at what other workers do


@dataclass(frozen=True)
class TrialJob:
    """One trial to run.

    Args:
        number: of the trial.
        folder: for its run; nobody else's.
        params: as sampled.
        overrides: the same as overrides of the configuration.
    """

    number: int
    folder: Path
    params: Mapping[str, Any]
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class TrialResult:
    """What a trial came to.

    Args:
        values: one for each objective.
        attributes: kept with the trial: plain data.
    """

    values: tuple[float, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


Objective = Callable[[TrialJob], TrialResult]


def run_trials(
    study: SharedStudy,
    objective: Objective,
    deadline: float = math.inf,
    after: Callable[[], None] = lambda: None,
    poll: float = POLL,
) -> None:
    """Run trials until the study is over.

    Args:
        study: to work on.
        objective: runs a job; it raises `Pruned` where the trial is pruned, anything else where it fails.
        deadline: `time.time()` after which no trial is started.
        after: called when a trial has ended.
        poll: seconds to wait where others run the last trials: they may die.

    Raises:
        GenrelabError: too many trials failed.
        KeyboardInterrupt: at Ctrl-C; the trial is queued again.
    """
    while time.time() < deadline:
        trial = study.ask()
        if trial is None:
            if study.is_finished():
                return
            time.sleep(poll)
            continue
        run_trial(study, trial, objective)
        after()


def run_trial(study: SharedStudy, trial: Trial, objective: Objective) -> None:
    """Run one trial that was asked for and tell how it ended: exceptions and values that are no numbers fail it."""
    folder = study.spec.folder / str(trial.number)
    job = TrialJob(
        trial.number, folder, trial.params, tuple(study.space[k].override(v) for k, v in trial.params.items())
    )
    started, values, pruned = time.perf_counter(), None, False
    attributes: dict[str, Any] = {}
    print(f"\ntrial {job.number}: {' '.join(job.overrides)}", flush=True)
    try:
        with (
            study.heartbeat(trial),
            report_to_trial(None if study.spec.multi_objective else _reporting(trial, study.spec.prune_on)),
        ):
            outcome = objective(job)
        attributes |= outcome.attributes
        study.check_same_data(attributes.pop("data", None))
        wrong = [value for value in outcome.values if not math.isfinite(value)]
        if wrong:
            attributes["error"] = f"the objective is {wrong[0]}"
        else:
            values = [float(value) for value in outcome.values]
    except Pruned as stop:
        pruned = True
        attributes["pruned"] = str(stop)
        print(f"trial {job.number}: {stop}", flush=True)
    except KeyboardInterrupt:
        with study.lock:
            study.requeue(trial, "interrupted", died=False)
        raise
    except (Exception, SystemExit) as error:
        attributes["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:500]
        if not isinstance(error, GenrelabError):
            traceback.print_exc()
    if "error" in attributes:
        print(f"trial {job.number} failed: {attributes['error']}", file=sys.stderr, flush=True)
        _free_memory()
    attributes["seconds"] = round(time.perf_counter() - started, 2)
    study.tell(trial, values, pruned, attributes)


def _reporting(trial: Trial, metric: str | None) -> TrialReporter:
    def report(value: float, epoch: int) -> bool:
        if not math.isfinite(value):
            return False  # a NaN would stand in the way of every comparison
        trial.report(value, epoch)
        return bool(trial.should_prune())

    return TrialReporter(report, metric)


def _free_memory() -> None:
    """Let go of what a failed trial held, or an out-of-memory error would fail the next one too."""
    gc.collect()
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

"""`sweep.py`: starts the workers of a study, watches them, and ends with what was found."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from genrelab.utils.errors import ConfigError
from genrelab.utils.exit_codes import exit_on_error

HELP = """\
usage: python sweep.py [search=NAME] [workers=N] [n_trials=N] [overrides]

Searches over configurations: starts workers on one study, shows how it goes, and continues where it stopped when it is
started again. Ctrl-C ends it; trials that were running are queued again.

  search=beta                      what to explore: a file of conf/search ({searches})
  beta='choice(1,2,3)'             explore a key of your own: choice(a,b), range(start,stop,step),
  optimizer.lr='tag(log,interval(1e-5,1e-2))'                 interval(low,high), with tag(log,...)
  workers=2                        processes that train side by side; where there are GPUs each gets one
  study=mine                       another name, and folder below outputs/sweeps
  n_trials=50  timeout=3600        complete and pruned trials in all; seconds of this start
  sampler=tpe                      tpe, random, grid, cmaes, nsga2; sampler.seed=1
  pruner=median                    none, median, hyperband, successive_halving, patient
  storage=journal                  journal, sqlite, sqlite:///FILE, postgresql://USER@HOST/NAME
  objectives='[val/track/accuracy]'  what is best; the monitored metric by default; several make a Pareto front
  retrain_best=true seeds=5        train the best trial's configuration over seeds at the end
  anything else                    overrides of train.py that all trials share: experiment=quickstart debug=short

Results: outputs/sweeps/<study>/ holds summary.json, trials.csv, best.yaml, plots/ and one folder a trial;
`python train.py experiment=<study>/best` trains the best configuration again.
"""
SWEEP_KEYS = ("workers", "retrain_best", "seeds")  # keys of sweep.py itself


@dataclass(frozen=True)
class SweepOptions:
    """What sweep.py itself is told.

    Args:
        workers: processes.
        retrain_best: train the best configuration over seeds at the end.
        seeds: how many.
        overrides: all else.
    """

    workers: int = 1
    retrain_best: bool = False
    seeds: int = 5
    overrides: tuple[str, ...] = ()


def sweep(arguments: Sequence[str]) -> None:
    """Run `sweep.py` with these command line arguments; leaves by SystemExit where something is wrong."""
    if {"-h", "--help"} & set(arguments):
        from genrelab.config import conf_dir

        print(HELP.format(searches=", ".join(sorted(path.stem for path in (conf_dir() / "search").glob("*.yaml")))))
        return
    with exit_on_error():
        _sweep(read_options(arguments))


def read_options(arguments: Sequence[str]) -> SweepOptions:
    """Take sweep.py's own keys out of the arguments.

    Raises:
        ConfigError: values that do not fit, flags.
    """
    own: dict[str, Any] = {}
    rest, problems = [], []
    for text in arguments:
        key, equals, value = text.partition("=")
        if text.startswith("-"):
            problems.append(f"{text}: sweep.py takes no such flag; --help tells what it takes")
        elif equals and key in ("workers", "seeds"):
            if value.isdigit() and int(value) > 0:
                own[key] = int(value)
            else:
                problems.append(f"{key}: {value!r} is not a number above 0")
        elif equals and key == "retrain_best":
            if value.lower() in ("true", "false"):
                own[key] = value.lower() == "true"
            else:
                problems.append(f"{key}: {value!r} is neither true nor false")
        elif equals and (near := _nearest_sweep_key(key)):
            problems.append(f"{key}: no such key; did you mean {near!r}?")
        else:
            rest.append(text)
    if problems:
        raise ConfigError(problems)
    return SweepOptions(**own, overrides=tuple(rest))


def _nearest_sweep_key(key: str) -> str | None:
    """The sweep's own key that a key meant, where that is no key of its own or of the configuration."""
    from genrelab.config import conf_dir
    from genrelab.tuning.plan import SWEEPER_KEYS

    own = {*SWEEP_KEYS, *SWEEPER_KEYS, "study", "sampler", "pruner"}
    known = {path.name for path in conf_dir().iterdir() if path.is_dir()}
    known |= set(yaml.safe_load((conf_dir() / "config.yaml").read_text(encoding="utf-8")))
    if not key.isidentifier() or key in own | known:
        return None
    near = get_close_matches(key, [*own, *known], n=1, cutoff=0.75)
    return near[0] if near and near[0] in own else None


def _sweep(options: SweepOptions) -> None:
    from genrelab.tuning.finalize import finish, retrain
    from genrelab.tuning.plan import iter_searches, read_plan
    from genrelab.tuning.processes import run_study

    for plan in [read_plan(arguments) for arguments in iter_searches(options.overrides)]:
        study = run_study(plan.spec, plan.overrides, options.workers)
        finish(study, plan.overrides)
        if options.retrain_best:
            retrain(study, plan.overrides, options.workers, options.seeds)


def sweep_here(arguments: Sequence[str]) -> float | None:
    """One worker in this process, for `train.py --multirun` with the sweeper plugin.

    Returns:
        the best value.
    """
    from genrelab.tuning.finalize import finish
    from genrelab.tuning.plan import read_plan
    from genrelab.tuning.processes import print_plan
    from genrelab.tuning.study_storage import SharedStudy

    plan = read_plan(arguments)
    study = SharedStudy(plan.spec)
    study.retry_failed()
    print_plan(study, 1)
    deadline = time.time() + plan.spec.timeout if plan.spec.timeout else math.inf
    run_worker(study, plan.overrides, deadline)
    found = finish(study, plan.overrides)
    return next(iter(found["best"]["values"].values())) if found["best"] else None


def run_worker(study: Any, overrides: Sequence[str], deadline: float, threads: int | None = None) -> None:
    """Train trials in this process until the study is over."""
    from genrelab.tuning.objective import TrainingObjective
    from genrelab.tuning.summary import write_summary
    from genrelab.tuning.worker import run_trials

    objective = TrainingObjective(study.spec, overrides, threads)

    def after() -> None:
        write_summary(study, objective.composer.recipe)

    run_trials(study, objective, deadline, after)

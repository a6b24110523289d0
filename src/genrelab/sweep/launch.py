"""`sweep.py`: starts the workers of a study, watches them, and ends with what was found."""

from __future__ import annotations

import json
import math
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from genrelab.errors import ConfigError, GenrelabError, Interrupted
from genrelab.exits import exit_codes
from genrelab.files import shown, write_text
from genrelab.processes import default_workers
from genrelab.sweep.spec import StudySpec

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
RESTARTS = 5  # of one worker, before a launch gives up
OWN = ("workers", "retrain_best", "seeds")  # keys of sweep.py itself
WAIT = 20.0  # seconds that workers get to end after Ctrl-C


@dataclass(frozen=True)
class Options:
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
    with exit_codes():
        _sweep(read_options(arguments))


def read_options(arguments: Sequence[str]) -> Options:
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
        elif equals and (near := _own_key_near(key)):
            problems.append(f"{key}: no such key; did you mean {near!r}?")
        else:
            rest.append(text)
    if problems:
        raise ConfigError(problems)
    return Options(**own, overrides=tuple(rest))


def _own_key_near(key: str) -> str | None:
    """The sweep's own key that a key meant, where that is no key of its own or of the configuration."""
    from genrelab.config import conf_dir
    from genrelab.sweep.plan import SHORT

    own = {*OWN, *SHORT, "study", "sampler", "pruner"}
    known = {path.name for path in conf_dir().iterdir() if path.is_dir()}
    known |= set(yaml.safe_load((conf_dir() / "config.yaml").read_text(encoding="utf-8")))
    if not key.isidentifier() or key in own | known:
        return None
    near = get_close_matches(key, [*own, *known], n=1, cutoff=0.75)
    return near[0] if near and near[0] in own else None


def _sweep(options: Options) -> None:
    from genrelab.sweep.finish import finish, retrain
    from genrelab.sweep.plan import each_search, read_plan

    for plan in [read_plan(arguments) for arguments in each_search(options.overrides)]:
        study = run_study(plan.spec, plan.overrides, options.workers)
        finish(study, plan.overrides)
        if options.retrain_best:
            retrain(study, plan.overrides, options.workers, options.seeds)


def sweep_here(arguments: Sequence[str]) -> float | None:
    """One worker in this process, for `train.py --multirun` with the sweeper plugin.

    Returns:
        the best value.
    """
    from genrelab.sweep.finish import finish
    from genrelab.sweep.plan import read_plan
    from genrelab.sweep.storage import OpenStudy

    plan = read_plan(arguments)
    study = OpenStudy(plan.spec)
    study.retry_failed()
    _announce(study, 1)
    deadline = time.time() + plan.spec.timeout if plan.spec.timeout else math.inf
    work_on(study, plan.overrides, deadline)
    found = finish(study, plan.overrides)
    return next(iter(found["best"]["values"].values())) if found["best"] else None


def work_on(study: Any, overrides: Sequence[str], deadline: float, threads: int | None = None) -> None:
    """Train trials in this process until the study is over."""
    from genrelab.sweep.summary import write_summary
    from genrelab.sweep.train import TrainingObjective
    from genrelab.sweep.worker import work

    objective = TrainingObjective(study.spec, overrides, threads)

    def after() -> None:
        write_summary(study, objective.composer.recipe)

    work(study, objective, deadline, after)


@dataclass
class Worker:
    """A worker's process, started again when it dies."""

    number: int
    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    ended: bool = False
    told: str = field(default="")

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / "workers" / f"{self.number}.log"

    def start(self) -> None:
        """Start the process; it ends by itself when this process does."""
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "genrelab.sweep", str(self.folder), str(self.number)],
                stdin=subprocess.PIPE,  # closed when this process dies, however it does
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,  # Ctrl-C is passed on by us, once
            )

    def watch(self) -> None:
        """See whether it ended.

        Raises:
            GenrelabError: it ended with an error, or died too often.
        """
        code = self.process.poll() if self.process else None
        if code is None or self.ended:
            return
        if code == 0:
            self.ended = True
        elif code == 2:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            errors = [line for line in lines if line.startswith("error: ")]
            found = errors[-1].removeprefix("error: ") if errors else "a worker failed"
            raise GenrelabError(f"{found} (log: {shown(self.log)})")
        elif self.restarts >= RESTARTS:
            raise GenrelabError(
                f"worker {self.number} died {RESTARTS + 1} times ({_death(code)}); see {shown(self.log)}"
            )
        else:
            self.restarts += 1
            print(f"worker {self.number} died ({_death(code)}); started again", file=sys.stderr, flush=True)
            self.start()

    def stop(self, kind: signal.Signals) -> None:
        """Send a signal where it still runs."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(kind)


def run_study(spec: StudySpec, overrides: Sequence[str], count: int) -> Any:
    """Have `count` worker processes run a study until it is over.

    Returns:
        the study.

    Raises:
        GenrelabError: another search under this name, too many failures.
        Interrupted: at Ctrl-C, when the workers have ended.
    """
    from genrelab.sweep.show import Show
    from genrelab.sweep.storage import OpenStudy

    study = OpenStudy(spec)
    study.retry_failed()
    _announce(study, count)
    if study.over():
        return study
    deadline = time.time() + spec.timeout if spec.timeout else math.inf
    threads = max(1, default_workers() // count)
    launch = {
        "spec": spec.to_json(),
        "overrides": list(overrides),
        "launch": f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}",
        "deadline": None if deadline == math.inf else deadline,
        "threads": threads,
    }
    write_text(spec.folder / ".launch.json", json.dumps(launch))
    (spec.folder / ".launch.json").chmod(0o600)  # a storage's address may hold a password
    devices = _gpus()
    workers = [Worker(i, spec.folder, _environment(i, threads, devices)) for i in range(count)]
    try:
        with Show(study, count) as show:
            for worker in workers:
                worker.start()
            while not all(worker.ended for worker in workers):
                for worker in workers:
                    worker.watch()
                show.update()
                time.sleep(0.5)
            show.update()
    except KeyboardInterrupt:
        _end(workers)
        raise Interrupted("trials that were running are queued again") from None
    except BaseException:
        _end(workers)
        raise
    return study


def _end(workers: Sequence[Worker]) -> None:
    """Interrupt the workers, which queue their trials again; whoever takes too long is killed, and found dead later."""
    try:
        for worker in workers:
            worker.stop(signal.SIGINT)
        end = time.time() + WAIT
        while any(w.process and w.process.poll() is None for w in workers) and time.time() < end:
            time.sleep(0.05)
    finally:  # a second Ctrl-C does not wait
        for worker in workers:
            worker.stop(signal.SIGKILL)


def _announce(study: Any, count: int) -> None:
    spec, counts = study.spec, study.counts()
    goal = " and ".join(f"{name} ({way})" for name, way in zip(spec.objectives, spec.directions, strict=True))
    done = f", {counts.ended} done already" if counts.ended else ""
    print(f"study {spec.name} in {shown(spec.folder)}: {study.total} trials{done}, {count} worker{'s' * (count > 1)}")
    print(f"objective: {goal}; sampler {spec.sampler['kind']}, pruner {spec.pruner['kind']}")
    if spec.several:
        print("several objectives: no trial is pruned")
    for key, one in study.space.items():
        print(f"  {key}: {one.describe()}")
    sys.stdout.flush()


def _environment(worker: int, threads: int, devices: Sequence[str]) -> dict[str, str]:
    found = {**os.environ, "OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": "1000", "PYTHONUNBUFFERED": "1"}
    return found | ({"CUDA_VISIBLE_DEVICES": devices[worker % len(devices)]} if devices else {})


def _gpus() -> list[str]:
    """The GPUs that may be used, by the names that CUDA_VISIBLE_DEVICES takes."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in named.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _death(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"

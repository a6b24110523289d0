"""The worker processes of a study: started, watched, started again when they die, ended at Ctrl-C."""

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
from pathlib import Path
from typing import Any

from genrelab.tuning.objective import chooses_by_holdout
from genrelab.tuning.study_spec import StudySpec
from genrelab.utils.errors import GenrelabError, Interrupted
from genrelab.utils.io import shown, write_text
from genrelab.utils.processes import default_workers

RESTARTS = 5  # of one worker, before a launch gives up
WAIT = 20.0  # seconds that workers get to end after Ctrl-C


@dataclass
class WorkerProcess:
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
                [sys.executable, "-m", "genrelab.tuning", str(self.folder), str(self.number)],
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
    from genrelab.tuning.console import SweepDisplay
    from genrelab.tuning.study_storage import SharedStudy

    study = SharedStudy(spec)
    study.retry_failed()
    print_plan(study, count)
    if study.is_finished():
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
    workers = [WorkerProcess(i, spec.folder, _environment(i, threads, devices)) for i in range(count)]
    try:
        with SweepDisplay(study, count) as show:
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


def _end(workers: Sequence[WorkerProcess]) -> None:
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


def print_plan(study: Any, count: int) -> None:
    """Print what is searched, and how."""
    spec, counts = study.spec, study.counts()
    goal = " and ".join(f"{name} ({way})" for name, way in zip(spec.objectives, spec.directions, strict=True))
    done = f", {counts.ended} done already" if counts.ended else ""
    print(f"study {spec.name} in {shown(spec.folder)}: {study.total} trials{done}, {count} worker{'s' * (count > 1)}")
    print(f"objective: {goal}; sampler {spec.sampler['kind']}, pruner {spec.pruner['kind']}")
    if spec.multi_objective:
        print("several objectives: no trial is pruned")
    if chooses_by_holdout({key: spec.fixed.get(f"split.{key}") for key in ("kind", "ratios")}):
        print("split: one holdout for all trials, however few the tracks; the folds are left to the run of the best")
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

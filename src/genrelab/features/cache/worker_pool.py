"""Worker processes that survive a crash of one of them, and end with their parent.

A worker has a pipe of its own, so the parent knows which file a crash belongs to; when the parent dies, the pipe
closes and the worker ends.
"""

from __future__ import annotations

import importlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import numpy as np

from genrelab.features import extract
from genrelab.features.cache.worker import TrackJob, TrackResult, WorkerConfig, process_track
from genrelab.utils.errors import GenrelabError
from genrelab.utils.processes import quiet_start, spawn_context
from genrelab.utils.stop_signals import STOPS

_READY = "ready"
_NAME = "genrelab-worker"
_GUARD = "build the store from a script under `if __name__ == '__main__':`, or with workers=1"


def check_not_worker() -> None:
    """Refuse to build inside a starting worker: it would wait for its own parent's lock.

    Raises:
        GenrelabError: a script without a main guard is being imported anew by a worker.
    """
    if multiprocessing.current_process().name == _NAME:
        raise GenrelabError(_GUARD)


def run_jobs(
    plan: WorkerConfig, jobs: list[TrackJob], workers: int, ready: Callable[[], None]
) -> Iterator[TrackResult]:
    """Do all jobs and yield outcomes as they come; in this very process for one worker.

    Args:
        plan: what all jobs share.
        jobs: in the order they are begun.
        workers: processes.
        ready: called when the first of them has started and begins.

    Raises:
        GenrelabError: workers do not start, or one was killed from outside (out of memory, say).
    """
    if workers == 1:
        ready()
        for job in jobs:
            yield process_track(plan, job)
        return
    team = [_start(plan) for _ in range(workers)]
    try:
        yield from _feed(plan, team, iter(jobs), ready)
    finally:
        for worker in team:
            worker.pipe.close()
            worker.process.terminate()
        for worker in team:
            worker.process.join(timeout=5)


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    job: TrackJob | None = None
    ready: bool = False


def _start(plan: WorkerConfig) -> _Worker:
    context = spawn_context()
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, plan), name=_NAME, daemon=True)
    with quiet_start():
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(pipe: Connection, plan: WorkerConfig) -> None:
    """A worker's life: jobs in, outcomes (or exceptions) out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in plan.modules:
        importlib.import_module(module)
    _warm_up(plan)
    with suppress(EOFError, OSError):  # the parent is gone
        pipe.send(_READY)
        while True:
            job = pipe.recv()
            try:
                answer: TrackResult | str = process_track(plan, job)
            except Exception:
                import traceback

                answer = f"{job.path}: {traceback.format_exc()}"
            pipe.send(answer)


def _warm_up(plan: WorkerConfig) -> None:
    """Import, compile and cache what the first segment would otherwise wait for."""
    with suppress(Exception):  # it comes again with the first file, and is told there
        noise = np.random.default_rng(0).normal(scale=0.1, size=plan.audio.segment_samples)
        extract(plan.specs, noise.astype(np.float32), plan.backend)


def _feed(
    plan: WorkerConfig, team: list[_Worker], jobs: Iterator[TrackJob], ready: Callable[[], None]
) -> Iterator[TrackResult]:
    """Hand out jobs and collect answers until both are used up."""
    while team and any(worker.job is not None or not worker.ready for worker in team):
        for pipe in wait([worker.pipe for worker in team]):
            worker = next(worker for worker in team if worker.pipe is pipe)
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                yield _buried(worker)
                team[team.index(worker)] = _start(plan)
                continue
            if isinstance(answer, str) and answer != _READY:
                raise RuntimeError(f"a worker failed at {answer}")
            if not any(one.ready for one in team):
                ready()
            worker.ready = True
            worker.job = next(jobs, None)
            if worker.job is not None:
                worker.pipe.send(worker.job)
            if isinstance(answer, TrackResult):
                yield answer


def _buried(worker: _Worker) -> TrackResult:
    """The outcome of a job whose worker died: the file is to blame, unless the worker was killed from outside."""
    worker.process.join()
    code = worker.process.exitcode or 0
    if not worker.ready:
        raise GenrelabError(f"a worker process ended at its start (exit code {code}): {_GUARD}")
    if -code in STOPS:
        raise GenrelabError("a worker process was ended by a signal: run again (what is done is kept)")
    if code == -signal.SIGKILL or worker.job is None:
        raise GenrelabError(
            "a worker process was killed, most likely for want of memory: run again with fewer workers "
            "(what is done is kept)"
        )
    return TrackResult(worker.job, decode_error=f"its decoder crashed (exit code {code})")

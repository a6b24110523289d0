"""Running jobs one after the other: what is finished is kept, what was interrupted goes on."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from genrelab.reproduction.jobs import RunJob
from genrelab.utils.errors import GenrelabError, Interrupted

ENOUGH = 600.0  # seconds of a run, above which further seeds are not started


def is_finished(folder: Path) -> bool:
    """Whether a run in this folder came to its end."""
    return _record(folder).get("status") == "finished"


def run_jobs(jobs: Sequence[RunJob], done: Callable[[], None] = lambda: None) -> list[tuple[RunJob, str]]:
    """Run what is not finished yet, telling a line before and after each.

    Args:
        jobs: in order.
        done: called after each run that finished, to keep the tables fresh.

    Returns:
        the jobs that failed, each with its reason; a defect of genrelab leaves its traceback in the run's log.txt.

    Raises:
        Interrupted: Ctrl-C; calling again goes on.
    """
    failed: list[tuple[RunJob, str]] = []
    waiting = [job for job in jobs if not is_finished(job.folder)]
    kept = len(jobs) - len(waiting)
    print(f"{len(jobs)} runs" + (f", {kept} of them finished already" if kept else ""), flush=True)
    for number, job in enumerate(waiting, kept + 1):
        if too_long := _too_long(job, jobs):
            print(f"[{number}/{len(jobs)}] {job}: left out, the first seed took {too_long:.0f} s", flush=True)
            continue
        print(f"[{number}/{len(jobs)}] {job}", end="", flush=True)
        try:
            record = _run(job)
        except KeyboardInterrupt as stop:
            print(flush=True)
            raise Interrupted("runs that finished are kept") from stop
        except Exception as error:  # the others shall run
            lines = str(error).splitlines()[:2]  # the first of several problems stands on the second
            failed.append((job, " ".join(" ".join(lines).split()) or type(error).__name__))
            print(f": failed: {failed[-1][1]}", flush=True)
            continue
        unsafe = "UNSAFE " if (record.get("split") or {}).get("unsafe") else ""
        print(f": {unsafe}{_said(job.folder)}{record['seconds']:.0f} s", flush=True)
        done()
    return failed


def _run(job: RunJob) -> dict[str, Any]:
    from genrelab.config import compose, normalize_overrides
    from genrelab.engine import run

    job.folder.mkdir(parents=True, exist_ok=True)
    with _logged(job.folder / "log.txt"):
        if (job.folder / "run.json").exists():
            return run.resume(job.folder)
        overrides = normalize_overrides(job.overrides)
        return run.train(compose(overrides), job.folder, overrides)


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """What a run says goes into a file, its traceback too."""
    with path.open("a", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        try:
            yield
        except Exception as error:
            if isinstance(error, GenrelabError):
                print(f"error: {error}")
            else:
                traceback.print_exc()
            raise


def _too_long(job: RunJob, jobs: Sequence[RunJob]) -> float:
    """Seconds of the first seed's run where they forbid another."""
    if job.seed == 0:
        return 0.0
    first = next(other for other in jobs if (other.row, other.key, other.seed) == (job.row, job.key, 0))
    seconds = float(_record(first.folder).get("seconds", 0.0))
    return seconds if seconds > ENOUGH else 0.0


def _said(folder: Path) -> str:
    try:
        found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        accuracy = found[found["headline"]]["track"]["accuracy"]["value"]
    except (OSError, ValueError, KeyError):
        return ""
    return f"accuracy {accuracy:.1%}, "


def _record(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found

"""`run.json`: what a run was, is, and came to; written at every change of its status."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from genrelab.utils.errors import GenrelabError, Pruned
from genrelab.utils.io import write_json, write_text

RECORD_FORMAT = 1
DEAD = "dead"  # of a run that its record calls running while no process is at it
VERSIONS = ("genrelab", "torch", "lightning", "hydra-core", "numpy", "librosa", "soundfile", "soxr", "pandas")


def process_rank() -> int:
    """Which of several training processes this is, as Lightning's launcher tells it; 0 leads and writes."""
    return int(os.environ.get("LOCAL_RANK", "0"))


class RunRecord:
    """The growing record of one run.

    Where several processes train one run, the first keeps the record; in the others nothing is written or said.

    Args:
        folder: of the run.
        data: what is known at the start.
    """

    def __init__(self, folder: Path, data: Mapping[str, Any]) -> None:
        self.folder = folder
        self.is_rank_zero = process_rank() == 0
        self.data: dict[str, Any] = dict(data)
        self._started = time.perf_counter() - float(self.data.get("seconds", 0))

    @classmethod
    def start(cls, folder: Path, config: Mapping[str, Any], overrides: Sequence[str]) -> RunRecord:
        """Make the run's folder with `config.yaml`, `overrides.txt` and the first `run.json`."""
        if process_rank() > 0:
            return cls.read(folder)
        if (folder / "run.json").exists():
            raise GenrelabError(f"{folder}: holds a run already; go on with resume={folder}, or choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        _write_config(folder, config)
        write_text(folder / "overrides.txt", "".join(f"{line}\n" for line in overrides))
        data = {
            "format": RECORD_FORMAT,
            "run_id": run_id(folder),
            "status": "running",
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "seconds": 0.0,
            "stage_seconds": {},
            "command": shlex.join(["python", "train.py", *overrides]),
            "overrides": list(overrides),
            "versions": {"python": platform.python_version(), **_versions()},
            "hardware": {"system": platform.platform(), "cores": os.cpu_count()},
            **_commit(folder),
            "warnings": [],
        }
        record = cls(folder, data)
        record.write()
        return record

    @classmethod
    def read(cls, folder: Path) -> RunRecord:
        """The record of an existing run.

        Raises:
            GenrelabError: there is none.
        """
        import json

        path = folder / "run.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError(f"a {type(found).__name__}, not a mapping")
            return cls(folder, found)
        except FileNotFoundError as error:
            raise GenrelabError(f"{folder}: not the folder of a run (it has no run.json)") from error
        except ValueError as error:
            raise GenrelabError(f"{path}: not a run record ({error})") from error

    def change_config(self, config: Mapping[str, Any], overrides: Sequence[str]) -> None:
        """Keep what a resumed run's configuration is now; `resumed_with` lists the overrides that made it so."""
        self.data["resumed_with"] = [*self.data.get("resumed_with", ()), *overrides]
        if self.is_rank_zero:
            _write_config(self.folder, config)

    def write(self) -> None:
        """Write `run.json`."""
        if not self.is_rank_zero:
            return
        self.data["seconds"] = round(time.perf_counter() - self._started, 2)
        write_json(self.folder / "run.json", self.data)

    def warn(self, text: str) -> None:
        """Keep a warning, for terminal and report, once."""
        if text not in self.data["warnings"]:
            self.data["warnings"].append(text)
            if self.is_rank_zero:
                print(f"warning: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def timed_stage(self, name: str) -> Iterator[None]:
        """Measure a stage's seconds."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = self.data["stage_seconds"].get(name, 0.0) + time.perf_counter() - started
            self.data["stage_seconds"][name] = round(spent, 2)

    @contextmanager
    def status(self) -> Iterator[None]:
        """Write that it runs, and how it ends: finished, interrupted or failed with its reason.

        Raises:
            GenrelabError: another process is at it.
        """
        with self._exclusive():
            yield from self._tracked_status()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        lock = FileLock(self.folder / ".lock", timeout=0)
        try:
            if self.is_rank_zero:
                lock.acquire()
        except Timeout as error:
            raise GenrelabError(f"{self.folder}: another process is training this run; wait for it") from error
        try:
            yield
        finally:
            lock.release()

    def _tracked_status(self) -> Iterator[None]:
        self.data["status"] = "running"
        self.data.pop("error", None)
        self.write()
        try:
            yield
        except BaseException as error:
            kinds = {KeyboardInterrupt: "interrupted", SystemExit: "interrupted", Pruned: "pruned"}  # exit: Lightning's
            self.data["status"] = next((said for kind, said in kinds.items() if isinstance(error, kind)), "failed")
            self.data["error"] = f"{type(error).__name__}: {error}"
            with suppress(OSError):  # a full disk must not hide the first error
                self.write()
            raise
        self.data["status"] = "finished"
        self.write()


def current_status(folder: Path, record: Mapping[str, Any]) -> str:
    """Return a run's status: "finished", "interrupted", "failed", "pruned", "running" or "dead"."""
    status, lock = str(record.get("status")), folder / ".lock"
    if status != "running" or not lock.exists():
        return DEAD if status == "running" else status
    try:
        with FileLock(lock, timeout=0):
            return DEAD
    except (Timeout, OSError):  # somebody holds it, or somebody else's folder cannot be locked
        return status


def _write_config(folder: Path, config: Mapping[str, Any]) -> None:
    write_text(folder / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))


def run_id(folder: Path) -> str:
    """A run's name: its folder, and for a job of a sweep or a fold the outer folder's name before it."""
    inner = re.fullmatch(r"\d+|fold-\d+", folder.name)
    return f"{run_id(folder.parent)}-{folder.name}" if inner else folder.name


def _versions() -> dict[str, str]:
    found = {}
    for name in VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _commit(folder: Path) -> dict[str, Any]:
    """The commit of the working directory, and the difference to it, which goes into `changes.diff`."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10)
        diff = subprocess.run(["git", "diff", "HEAD"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "changed": None}
    if diff.stdout:
        write_text(folder / "changes.diff", diff.stdout)
    return {"commit": commit.stdout.strip(), "changed": bool(diff.stdout)}

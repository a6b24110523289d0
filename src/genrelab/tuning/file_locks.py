"""Who lives: a worker holds a lock on a file for each trial it runs, and the kernel lets go of it when it dies."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock


class TrialLocks:
    """Locks of running trials in a folder that the workers share.

    Args:
        folder: made where it is absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._held: dict[int, FileLock] = {}

    def hold(self, number: int) -> None:
        """Say that trial `number` lives as long as this process does, or until `release`."""
        lock = FileLock(self._path(number), timeout=0)
        lock.acquire()
        self._held[number] = lock

    def release(self, number: int) -> None:
        """Let go of a trial that has ended."""
        if lock := self._held.pop(number, None):
            lock.release()
        self._path(number).unlink(missing_ok=True)

    def alive(self, number: int) -> bool | None:
        """Whether a process runs the trial; None where no lock says so: it runs on another machine, or nowhere."""
        if number in self._held:
            return True
        if not self._path(number).exists():
            return None
        lock = FileLock(self._path(number), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return True
        lock.release()
        return False

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.lock"


class JournalLock(BaseJournalFileLock):
    """A lock on the journal that a killed worker does not leave behind, which Optuna's own would for 30 seconds."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def acquire(self) -> bool:
        """Wait for it."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Let go."""
        self._lock.release()


class RepairingJournal(JournalFileBackend):
    """Optuna's journal file; half a line, left by a full disk or a power cut, is removed before the next is written."""

    def __init__(self, path: Path) -> None:
        self._mine = path
        self._lock_again = FileLock(path.with_name(f".{path.name}.lock"))
        super().__init__(str(path), lock_obj=JournalLock(self._lock_again))

    def append_logs(self, logs: list[dict[str, object]]) -> None:
        """Append after the last whole line."""
        with self._lock_again:  # FileLock counts: the inner acquire of Optuna's append passes
            self._cut_half_line()
            super().append_logs(logs)

    def _cut_half_line(self) -> None:
        with self._mine.open("r+b") as file:
            if not file.seek(0, os.SEEK_END):
                return
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)

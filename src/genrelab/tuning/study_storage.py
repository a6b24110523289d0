"""One study in its storage, shared by all its workers: who asks next, who died, when it is over."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from genrelab.config.missing_keys import fill_absent
from genrelab.tuning.file_locks import RepairingJournal, TrialLocks
from genrelab.tuning.samplers import PRUNERS, SAMPLERS
from genrelab.tuning.search_space import describe, differences, grid, read_space
from genrelab.tuning.study_spec import StudySpec
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown

HEARTBEAT, GRACE = 60, 180  # seconds, for workers on machines that share a database but no files
NAMELESS = 2.0  # seconds in which another machine's worker puts its name on what it asked for
QUEUED = "grid_queued"
WORKER_DIED = "its worker died"
DATA = ("dataset", "taxonomy", "split", "audio", "demo", "seed")  # what decides on tracks and genres


@dataclass(frozen=True)
class TrialCounts:
    """How many trials stand where."""

    complete: int = 0
    pruned: int = 0
    running: int = 0
    failed: int = 0
    waiting: int = 0

    @property
    def ended(self) -> int:
        """Those that count for `n_trials`."""
        return self.complete + self.pruned


class SharedStudy:
    """A study as one worker, or its manager, sees it.

    Args:
        spec: what it is.
        worker: number of the worker, for its seed.
        launch: name of this start of the sweep; its failures count together.

    Raises:
        GenrelabError: the study was made with another search, or the storage cannot be reached.
    """

    def __init__(self, spec: StudySpec, worker: int = 0, launch: str = "") -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed")  # `beating` sends it
        self.spec = spec
        self.space = read_space(spec.params)
        self.launch = launch or f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}"
        self._started = datetime.now()
        spec.folder.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(spec.folder / ".study.lock")
        self.locks = TrialLocks(spec.folder / ".running")
        self._asking = spec.folder / ".asking"
        self._distributions = {key: one.distribution() for key, one in self.space.items()}
        kind, params = _option(spec.pruner)
        pruner = PRUNERS.build(kind, params)
        with self.lock:
            self._study = self._open(pruner)
            self._check_same_study()
            if spec.sampler["kind"] == "grid":
                self._queue_grid()
            length = len(self.trials())
        kind, params = _option(spec.sampler)
        self._study.sampler = SAMPLERS.build(kind, params, worker_seed=_seed(params.get("seed"), worker, length))

    def trials(self) -> list[FrozenTrial]:
        """All trials, in order of their numbers; not to be changed."""
        return self._study.get_trials(deepcopy=False)

    def counts(self) -> TrialCounts:
        """How many trials stand where."""
        states = [trial.state for trial in self.trials()]
        return TrialCounts(
            complete=states.count(TrialState.COMPLETE),
            pruned=states.count(TrialState.PRUNED),
            running=states.count(TrialState.RUNNING),
            failed=states.count(TrialState.FAIL),
            waiting=states.count(TrialState.WAITING),
        )

    @property
    def total(self) -> int:
        """How many trials the study shall have."""
        points = len(grid(self.space)) if self.spec.sampler["kind"] == "grid" else None
        wanted = [number for number in (self.spec.n_trials, points) if number is not None]
        return min(wanted)

    @property
    def optuna_study(self) -> optuna.Study:
        """Optuna's object, for plots."""
        return self._study

    def ask(self) -> Trial | None:
        """The next trial, which this process then holds; None where there is none to start now.

        Raises:
            GenrelabError: too many trials failed.
        """
        with self.lock:
            self.requeue_stale()
            self._check_failures()
            counts = self.counts()
            if counts.ended + counts.running >= self.total:
                return None
            if self.spec.sampler["kind"] == "grid" and not counts.waiting:
                return None
            self._asking.touch()
            trial = self._study.ask(self._distributions)
            self.locks.hold(trial.number)
            trial.set_user_attr("worker", [socket.gethostname(), os.getpid(), self.launch])
            self._asking.unlink()
            return trial

    def is_finished(self) -> bool:
        """Whether nothing is left to run or to wait for; dead workers' trials are queued again first."""
        with self.lock:
            self.requeue_stale()
        counts = self.counts()
        if counts.ended >= self.total:
            return True
        grid_done = self.spec.sampler["kind"] == "grid" and not counts.waiting
        return grid_done and not counts.running

    def tell(self, trial: Trial, values: list[float] | None, pruned: bool, attributes: Mapping[str, Any]) -> None:
        """Write how a trial ended: with values, pruned, or (neither) failed."""
        trial.set_user_attr("run", dict(attributes))  # one entry: each costs a wait for the disk
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE if values is not None else TrialState.FAIL
        # Optuna drops a pruned trial's value, and so does a study of several objectives.
        self._study.tell(trial.number, values if state is TrialState.COMPLETE else None, state=state)
        self.locks.release(trial.number)

    def requeue(self, trial: FrozenTrial | Trial, why: str, died: bool) -> None:
        """End a trial that its worker cannot end, and queue its parameters again.

        Args:
            trial: a running one.
            why: kept with it.
            died: it counts for `max_retries`.
        """
        deaths = int(trial.user_attrs.get("deaths", 0)) + died
        again = deaths <= self.spec.max_retries
        told = why if again else f"{why}, {deaths} times over; it is not tried again"
        self._study._storage.set_trial_user_attr(trial._trial_id, "run", {"error": told, "requeued": again})
        self._study.tell(trial.number, state=TrialState.FAIL)
        if again:
            # A worker killed while asking leaves a trial without parameters, though a queue had them.
            queued = self._study._storage.get_trial(trial._trial_id).system_attrs.get("fixed_params", {})
            self._study.enqueue_trial({**queued, **trial.params}, {"retry_of": trial.number, "deaths": deaths})
        self.locks.release(trial.number)

    def requeue_stale(self) -> None:
        """Queue again what dead workers left running; to be called under the study's lock."""
        if self._asking.exists() and self._heartbeats:  # whoever asked before us died in the middle of it
            time.sleep(NAMELESS)
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if self._is_stale(trial):
                with suppress(optuna.exceptions.UpdateFinishedTrialError):
                    self.requeue(trial, WORKER_DIED, died=True)
        self._asking.unlink(missing_ok=True)

    def retry_failed(self) -> None:
        """Queue a grid's failed points again, once a launch: what made them fail may have been mended."""
        if self.spec.sampler["kind"] != "grid":
            return
        with self.lock:
            trials = self.trials()
            retried = {trial.user_attrs.get("retry_of") for trial in trials}
            for trial in trials:
                if trial.state is TrialState.FAIL and trial.number not in retried:
                    self._study.enqueue_trial(trial.params, {"retry_of": trial.number})

    def check_same_data(self, fingerprint: str | None) -> None:
        """Compare the data that a trial was trained on with those of the study's first.

        Raises:
            GenrelabError: they are others, and the search does not choose them.
        """
        if fingerprint is None or any(key.split(".")[0] in DATA for key in self.space):
            return
        with self.lock:
            began = self._study.user_attrs.get("data")
            if began is None:
                self._study.set_user_attr("data", fingerprint)
            elif began != fingerprint:
                raise GenrelabError(
                    f"the tracks or genres changed since study {self.spec.name!r} began; start another: study=NAME"
                )

    @contextmanager
    def heartbeat(self, trial: Trial) -> Iterator[None]:
        """Tell a database that the trial lives, for workers elsewhere."""
        from optuna.storages._heartbeat import get_heartbeat_thread

        storage = self._study._storage
        beats = isinstance(_plain(storage), RDBStorage) and self._heartbeats
        with get_heartbeat_thread(trial._trial_id, storage) if beats else nullcontext():
            yield

    @property
    def _heartbeats(self) -> bool:
        return bool(getattr(_plain(self._study._storage), "heartbeat_interval", None))

    def _open(self, pruner: Any) -> optuna.Study:
        spec = self.spec
        try:
            return optuna.create_study(
                study_name=spec.name,
                storage=open_storage(spec),
                pruner=pruner,
                directions=["minimize" if way == "min" else "maximize" for way in spec.directions],
                load_if_exists=True,
            )
        except GenrelabError:
            raise
        except Exception as error:  # drivers have exceptions of their own
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise GenrelabError(f"storage={masked(spec.storage)}: cannot be opened ({text})") from error

    def _check_same_study(self) -> None:
        """Keep what the study is with it, or compare with what was kept."""
        spec = self.spec
        now = {
            "params": describe(self.space),
            "objectives": dict(zip(spec.objectives, spec.directions, strict=True)),
            "config": dict(spec.fixed),
        }
        kept = self._study.user_attrs.get("definition")
        if kept is None:
            self._study.set_user_attr("definition", now)
        elif lines := differences({**kept, "config": fill_absent(kept["config"])}, now):
            raise GenrelabError(
                f"study {spec.name!r} in {shown(spec.folder)} is of another search: {'; '.join(lines)}; "
                "go back to what it was, or give the new one a name: study=NAME"
            )

    def _queue_grid(self) -> None:
        if not self._study.user_attrs.get(QUEUED):
            there = [trial.system_attrs.get("fixed_params") for trial in self.trials()]
            for point in grid(self.space):
                if point not in there:  # a start that was killed half-way has queued some
                    self._study.enqueue_trial(point)
            self._study.set_user_attr(QUEUED, True)

    def _is_stale(self, trial: FrozenTrial) -> bool:
        alive = self.locks.alive(trial.number)
        if alive is not None or not self._heartbeats:
            return not alive
        if "worker" not in trial.user_attrs:  # nobody's yet: being asked for elsewhere, or left by one who died there
            age = timedelta() if trial.datetime_start is None else datetime.now() - trial.datetime_start
            return age > timedelta(seconds=NAMELESS if self._asking.exists() else GRACE)
        if trial.user_attrs["worker"][0] == socket.gethostname():
            return True  # of this machine, and its lock is gone
        return trial._trial_id in _plain(self._study._storage)._get_stale_trial_ids(self._study._study_id)

    def _check_failures(self) -> None:
        """Too many failures of this launch are an error; trials that died or were interrupted are no failures."""
        ended = [
            trial
            for trial in self.trials()
            if trial.state.is_finished() and not trial_attributes(trial).get("requeued")
        ]
        mine = [trial for trial in ended if trial.user_attrs.get("worker", [self.launch])[-1] == self.launch]
        mine.sort(key=lambda trial: trial.datetime_complete or self._started)
        failed = [trial for trial in mine if trial.state is TrialState.FAIL]
        in_row = 0
        for trial in reversed(mine):
            if trial.state is not TrialState.FAIL:
                break
            in_row += 1
        if in_row >= self.spec.max_failures_in_row or len(failed) >= self.spec.max_failures:
            last = failed[-1]
            what = f"{in_row} trials in a row" if in_row >= self.spec.max_failures_in_row else f"{len(failed)} trials"
            raise GenrelabError(f"{what} failed; the last, trial {last.number}: {trial_attributes(last).get('error')}")


def trial_attributes(trial: FrozenTrial) -> dict[str, Any]:
    """What is known of a trial beside parameters and values: `seconds`, `epochs`, `error`, `retry_of` and the like."""
    return {**trial.user_attrs, **trial.user_attrs.get("run", {})}


def open_storage(spec: StudySpec) -> BaseStorage:
    """The storage of a study: a journal file in its folder, an SQLite file there, or a database.

    Raises:
        GenrelabError: no such storage, or no driver for it.
    """
    url = spec.storage
    if url is None or url == "journal":
        return JournalStorage(RepairingJournal(spec.folder / "study.journal"))
    if url == "sqlite":
        url = f"sqlite:///{spec.folder / 'study.db'}"
    if "://" not in url:
        raise GenrelabError(f"storage={url}: write journal, sqlite, sqlite:///FILE or postgresql://USER@HOST/NAME")
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        if file := url.removeprefix("sqlite:///"):
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})
    if scheme == "postgresql":
        url = url.replace("postgresql:", "postgresql+psycopg:", 1)
    try:
        return RDBStorage(url, engine_kwargs={"pool_pre_ping": True}, heartbeat_interval=HEARTBEAT, grace_period=GRACE)
    except ImportError as error:
        raise GenrelabError(f"storage={masked(url)}: its driver is missing; pip install 'psycopg[binary]'") from error


def masked(url: str | None) -> str:
    """A storage's address without its password."""
    parts = urlsplit(url or "journal")
    return (url or "journal").replace(f":{parts.password}@", ":***@") if parts.password else url or "journal"


def _plain(storage: BaseStorage) -> Any:
    """What lies under Optuna's cache of a database."""
    return getattr(storage, "_backend", storage) if not isinstance(storage, JournalStorage) else storage


def _option(option: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return str(option["kind"]), {key: value for key, value in option.items() if key != "kind"}


def _seed(seed: int | None, worker: int, length: int) -> int | None:
    """A sampler's seed: another one for each worker, and for each start, or the same points would come again."""
    if seed is None:
        return None
    return int.from_bytes(hashlib.sha256(f"{seed}/{worker}/{length}".encode()).digest()[:4], "big")


logging.getLogger("optuna").setLevel(logging.ERROR)

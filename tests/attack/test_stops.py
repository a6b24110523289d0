"""SIGTERM, SIGHUP and a vanished process: what is done is kept, and the run says what became of it."""

from __future__ import annotations

import json
import os
import signal

import pytest

import genrelab.engine.build
import genrelab.engine.pipeline
import genrelab.features.cache.worker
import genrelab.training.task
from genrelab.cli import launch
from genrelab.runs.run_dir import RunDir
from genrelab.runs.run_record import DEAD, RunRecord, current_status
from genrelab.utils import stop_signals
from genrelab.utils.errors import GenrelabError
from genrelab.utils.exit_codes import exit_on_error

STAGES = {
    "catalog": (genrelab.engine.build, "read_dataset", 0),
    "features": (genrelab.features.cache.worker, "decode_audio", 4),
    "fit": (genrelab.training.task.GenreTask, "training_step", 8),
    "report": (genrelab.engine.pipeline, "write_report", 0),
}


@pytest.fixture(autouse=True)
def _as_from_a_terminal():
    """Tests may have been started by nohup, which has SIGHUP ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def signalled(monkeypatch, place, number):
    """Have the n-th call of a function meet a signal."""
    owner, name, after = place
    whole, calls = getattr(owner, name), iter(range(after))

    def stop(*arguments, **named):
        if next(calls, None) is None:
            os.kill(os.getpid(), number)
        return whole(*arguments, **named)

    monkeypatch.setattr(owner, name, stop)


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        *((stage, "SIGTERM") for stage in STAGES),
        ("fit", "SIGHUP"),
        pytest.param("fit", "SIGINT", marks=pytest.mark.slow),
    ],
)
def test_training_is_interrupted_in_every_stage(small, tmp_path, monkeypatch, capsys, stage, name):
    number = signal.Signals[name]
    monkeypatch.setattr("genrelab.features.cache.feature_cache.default_workers", lambda: 1)
    signalled(monkeypatch, STAGES[stage], number)
    with pytest.raises(SystemExit) as caught:
        launch.train(small)
    output = "".join(capsys.readouterr())
    assert caught.value.code == 128 + number, output
    (folder,) = (tmp_path / "outputs" / "runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"
    assert f"resume={folder}" in output.splitlines()[-1] and "Traceback" not in output
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_second_signal_does_not_disturb_what_is_kept():
    kept = []
    with pytest.raises(SystemExit) as caught, exit_on_error():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGHUP)
            kept.append(1)
    assert caught.value.code == 143 and kept


def test_a_commit_is_finished_first():
    done = []
    with pytest.raises(SystemExit) as caught, exit_on_error():
        with stop_signals.deferred_stop():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append(1)
        done.append(2)
    assert caught.value.code == 143 and done == [1]


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with exit_on_error():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_lightnings_own_exit_is_an_interruption(tmp_path):
    record = RunRecord.start(tmp_path / "run", {}, [])
    with pytest.raises(SystemExit), record.status():
        raise SystemExit(0)
    assert RunRecord.read(tmp_path / "run").data["status"] == "interrupted"


def test_a_run_whose_process_is_gone_is_dead(tmp_path):
    record = RunRecord.start(tmp_path / "run", {}, [])
    with record.status():
        assert current_status(record.folder, record.data) == "running"
        written = json.loads((record.folder / "run.json").read_text())
    assert current_status(record.folder, record.data) == "finished"
    (record.folder / "run.json").write_text(json.dumps(written))  # as SIGKILL leaves it
    assert current_status(record.folder, written) == DEAD
    with pytest.raises(GenrelabError, match=rf"\b{DEAD}\b.*resume={record.folder}"):
        RunDir.read(record.folder)

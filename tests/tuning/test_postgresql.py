"""The same on a PostgreSQL server started for the test; skipped where its programs are not installed."""

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from genrelab.tuning.study_storage import SharedStudy, masked
from sweep_helpers import check_forty, kill, make_spec, run, start_worker, wait_for


def programs():
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = [*installed, Path(shutil.which("initdb") or "/none").resolve().parent]
    return next((folder for folder in reversed(found) if (folder / "initdb").exists()), None)


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("psycopg")
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    data = Path(tempfile.mkdtemp(prefix="genrelab-"))  # pytest's own folders are closed to other users
    user = []
    if Path.home() == Path("/root"):  # the server refuses to run as root
        user = ["runuser", "-u", "nobody", "--"]
        if not shutil.which("runuser"):
            pytest.skip("PostgreSQL does not run as root")
        shutil.chown(data, "nobody")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(*command):
        subprocess.run([*user, *map(str, command)], check=True, capture_output=True, cwd=data, timeout=60)

    call(folder / "initdb", "-D", data / "db", "-U", "genrelab", "--auth=trust", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    call(folder / "pg_ctl", "-D", data / "db", "-o", options, "-w", "-l", data / "log", "start")
    yield f"postgresql://genrelab@127.0.0.1:{port}/postgres"
    call(folder / "pg_ctl", "-D", data / "db", "-m", "immediate", "stop")
    shutil.rmtree(data)


@pytest.mark.slow
def test_two_workers_share_forty_trials_and_one_is_killed(server, tmp_path):
    spec = make_spec(tmp_path, n_trials=40, storage=server)
    study = SharedStudy(spec)
    workers = [start_worker(spec, number) for number in range(2)]
    wait_for(lambda: study.counts().ended >= 10, 60)
    kill(workers[0])
    workers[0] = start_worker(spec, 0)
    assert [worker.wait(90) for worker in workers] == [0, 0]
    check_forty(study)


@pytest.mark.slow
def test_on_another_machine_the_heartbeat_tells_who_lives(server, tmp_path, monkeypatch):
    here = SharedStudy(make_spec(tmp_path / "here", name="elsewhere", storage=server))
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    away = SharedStudy(make_spec(tmp_path / "away", name="elsewhere", storage=server), worker=1)
    trial = away.ask()
    monkeypatch.undo()
    with away.heartbeat(trial):
        here.requeue_stale()
        assert here.trials()[0].state.name == "RUNNING"  # no lock here, but it was heard of a moment ago
        monkeypatch.setattr("genrelab.tuning.study_storage.GRACE", 0)
        storage = here.optuna_study._storage
        monkeypatch.setattr(getattr(storage, "_backend", storage), "grace_period", -1)
        here.requeue_stale()
    assert [t.state.name for t in here.trials()] == ["FAIL", "WAITING"]


@pytest.mark.slow
def test_a_worker_killed_while_asking_leaves_nothing_behind(server, tmp_path):
    spec = make_spec(tmp_path, name="asking", storage=server, n_trials=2)
    study = SharedStudy(spec)
    study._asking.touch()
    study.optuna_study.ask()  # and killed before the lock
    study = run(spec)
    assert [trial.state.name for trial in study.trials()] == ["FAIL", "COMPLETE", "COMPLETE"]


def test_passwords_are_not_shown():
    assert masked("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"

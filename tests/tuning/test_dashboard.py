"""`genrelab tools optuna-ui`: what the browser would be told, asked of both servers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genrelab.cli import app
from genrelab.tuning.dashboard import find_studies, serving
from genrelab.utils.errors import GenrelabError
from sweep_helpers import make_spec, run

pytest.importorskip("optuna_dashboard")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def ask(address: str) -> dict:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return json.load(answer)


def write_curve(folder: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    summary = Summary(value=[Summary.Value(tag="val/loss", simple_value=1.5)])
    writer.add_event(Event(step=1, wall_time=1.0, summary=summary))
    writer.close()


@pytest.fixture
def outputs(tmp_path) -> Path:
    run(make_spec(tmp_path / "sweeps" / "bowl"))
    run(make_spec(tmp_path / "sweeps" / "other", name="other", storage="sqlite", n_trials=2))
    (tmp_path / "sweeps" / "20260101-100000-abcdef").mkdir()  # a multirun's, no study
    return tmp_path


def test_studies_and_curves_are_served_from_their_storages(outputs):
    write_curve(outputs / "runs" / "one" / "tensorboard")
    with serving(outputs, port=free_port(), curves=free_port()) as addresses:
        assert list(addresses) == ["bowl", "other", "TensorBoard"]
        for name, trials in (("bowl", 6), ("other", 2)):
            (study,) = ask(f"{addresses[name]}api/studies")["study_summaries"]
            assert study["study_name"] == name
            detail = ask(f"{addresses[name]}api/studies/{study['study_id']}?after=0")
            assert [trial["state"] for trial in detail["trials"]] == ["Complete"] * trials
        assert ask(f"{addresses['TensorBoard']}data/environment")["data_location"] == str(outputs)
        assert str(Path(ask(f"{addresses['TensorBoard']}data/runs")[0])) == "runs/one/tensorboard"


def test_one_study_alone_and_a_new_trial_is_seen(outputs):
    with serving(outputs, "bowl", free_port()) as addresses:
        assert list(addresses) == ["bowl"]
        run(make_spec(outputs / "sweeps" / "bowl", n_trials=8))
        detail = ask(f"{addresses['bowl']}api/studies/0?after=0")
        assert len(detail["trials"]) == 8


def test_what_goes_wrong_is_one_line(outputs, tmp_path):
    with pytest.raises(GenrelabError, match=r"bowls\b.*bowl, other"), serving(outputs, "bowls"):
        pass
    with pytest.raises(GenrelabError, match=r"/nothing\b"), serving(tmp_path / "nothing"):
        pass
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(GenrelabError, match=f"port {port} is taken"), serving(outputs, "bowl", port):
            pass


def test_a_study_in_a_database_is_found_by_its_launch(tmp_path):
    folder = tmp_path / "far"
    folder.mkdir()
    spec = make_spec(folder, name="far", storage=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    (folder / ".launch.json").write_text(json.dumps({"spec": spec.to_json()}))
    run(spec)
    (study,) = find_studies(tmp_path)["far"].get_all_studies()
    assert study.study_name == "far"


def test_the_verb_serves_until_interrupted(outputs):
    command = [sys.executable, "-m", "genrelab", "tools", "optuna-ui", str(outputs), "--port", str(free_port())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(4)]
    os.kill(process.pid, signal.SIGINT)
    _, wrong = process.communicate(timeout=30)
    assert said[0].startswith("bowl") and said[1].startswith("other") and "logger=tensorboard" in said[2]
    assert process.returncode == 0 and "Traceback" not in wrong, wrong
    assert CliRunner().invoke(app, ["tools", "optuna-ui", "--help"]).exit_code == 0

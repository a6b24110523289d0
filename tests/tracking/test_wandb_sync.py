"""`genrelab tools wandb-sync` hands the offline runs that wait to `wandb sync`; a stand-in notes what it got."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genrelab.cli import app
from genrelab.tracking.wandb_sync import offline_runs, sync
from genrelab.utils.errors import GenrelabError
from naming import naming


@pytest.fixture
def outputs(tmp_path) -> Path:
    """Two runs that wait, one of them resumed once, and one that was uploaded."""
    root = tmp_path / "outputs"
    for folder, name in (
        ("sweeps/beta/0", "20260102_100000-beta-0-abc"),
        ("sweeps/beta/0", "20260101_100000-beta-0-abc"),
        ("runs/one", "20260103_100000-one"),
        ("runs/two", "20260104_100000-two"),
        ("runs/empty", "20260105_100000-empty"),
    ):
        made = root / folder / "wandb" / f"offline-run-{name}"
        made.mkdir(parents=True)
        identity = name.partition("-")[2]
        if identity != "empty":
            (made / f"run-{identity}.wandb").touch()
        if identity == "two":
            (made / f"run-{identity}.wandb.synced").touch()
    return root


@pytest.fixture
def fake(tmp_path, monkeypatch) -> Path:
    """A `wandb` that writes its arguments down and ends with FAKE_CODE."""
    program = tmp_path / "bin" / "wandb"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$FAKE_TOLD"\nexit ${FAKE_CODE:-0}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_TOLD", str(tmp_path / "told.txt"))
    return tmp_path / "told.txt"


def test_waiting_runs_are_uploaded_in_order(outputs, fake):
    assert sync(outputs) == 2
    assert fake.read_text().splitlines() == [
        "sync",
        str(outputs / "sweeps/beta/0/wandb/offline-run-20260101_100000-beta-0-abc"),
        str(outputs / "sweeps/beta/0/wandb/offline-run-20260102_100000-beta-0-abc"),
        str(outputs / "runs/one/wandb/offline-run-20260103_100000-one"),
    ]


def test_dry_run_only_lists(outputs, fake):
    done = CliRunner().invoke(app, ["tools", "wandb-sync", str(outputs), "--dry-run"])
    assert done.exit_code == 0 and not fake.exists()
    assert "beta-0-abc (2 starts): " in done.output and "\none: " in done.output
    assert done.output.splitlines()[-1].startswith("2 ") and "two" not in done.output


def test_nothing_to_do_calls_nothing(tmp_path, fake):
    assert sync(tmp_path) == 0 and not fake.exists()


def test_what_goes_wrong_is_one_line(outputs, fake, monkeypatch):
    monkeypatch.setenv("FAKE_CODE", "3")
    with pytest.raises(GenrelabError, match=naming(3, "`wandb login`")):
        sync(outputs)
    with pytest.raises(GenrelabError, match=naming(outputs / "nowhere")):
        sync(outputs / "nowhere")
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(GenrelabError, match=r"genrelab\[wandb\]"):
        sync(outputs)


def test_folders_of_uploaded_runs_are_not_listed(outputs):
    assert [path.name.rpartition("-")[2] for path in offline_runs(outputs)] == ["abc", "abc", "one"]

"""The dashboard's definition against what a run really logs: read from its offline file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genrelab.cli import app
from genrelab.config import compose
from genrelab.engine import run
from genrelab.tracking import wandb_workspaces as dashboard
from genrelab.utils.errors import GenrelabError
from offline_wandb import Offline, read_offline
from tones import write_tone

GENRES = ("Cool Jazz", "Bebop", "Ska")  # of two supergenres, so that there are two confusions, and distances


@pytest.fixture(scope="module")
def logged(tmp_path_factory) -> tuple[Offline, Path]:
    """What a run with the graph's loss logged, and where its files lie."""
    pytest.importorskip("wandb")
    music, outputs = tmp_path_factory.mktemp("music"), tmp_path_factory.mktemp("outputs")
    for g, genre in enumerate(GENRES):
        for track in range(6):
            path = music / genre / f"{genre} artist {track}" / f"song {track}.wav"
            write_tone(path, 300 + 150 * track, 1.5 * 2**g, 4.2, 100 * g + track)
    overrides = [
        "dataset=folder", f"dataset.root={music}", "taxonomy=musicmap", "split.ratios=[0.5,0.25,0.25]", "augment=none",
        "audio.sample_rate=8000", "audio.segment_duration=2.0", "features=mel_db", "features.mel_db.n_fft=512",
        "features.mel_db.hop_length=256", "features.mel_db.n_mels=32", "features.mel_db.frames=32", "model=cnn",
        "loss=graph_soft", "data.batch_size=8", "trainer.max_epochs=2", "trainer.estimate=false",
        "trainer.baselines=false", "accelerator=cpu", "logger=wandb", "logger.wandb.mode=offline",
        f"paths.output_dir={outputs}",
    ]  # fmt: skip
    run.train(compose(overrides), outputs / "run", overrides)
    folder = next((outputs / "run" / "wandb").glob("offline-run-*"))
    return read_offline(folder), folder


def test_every_panel_shows_what_runs_log(logged):
    told, folder = logged
    curves = {key for key, values in told.history.items() if len(values) == 2}
    summary = {key for key, value in told.summary.items() if isinstance(value, int | float)}
    kinds = {key.removesuffix("._type"): value for key, value in told.summary.items() if key.endswith("._type")}
    for panel in [panel for board in dashboard.workspace_specs(["mel_db"]) for panel in board.panels]:
        logs = {
            "curve": curves, "scatter": summary, "bars": summary, "number": summary,
            "media": {key for key, kind in kinds.items() if kind.startswith("image")},
            "table": {key for key, kind in kinds.items() if kind == "table-file"},
            "histogram": {key for key, kind in kinds.items() if kind == "table-file"},
        }[panel.kind]  # fmt: skip
        assert set(panel.keys) <= logs, f"{panel.title}: {set(panel.keys) - logs}"
        assert panel.by is None or isinstance(told.config[panel.by], str | int | float), panel.title
        if panel.kind == "histogram":
            (key,) = panel.keys
            table = json.loads((folder / "files" / told.summary[f"{key}.path"]).read_text())
            assert set(panel.columns) <= set(table["columns"])
    assert "epoch" in told.history, "the curves' axis"


def test_pinned_columns_are_logged(logged):
    told, _ = logged
    for column in [column for board in dashboard.workspace_specs() for column in board.columns]:
        where, _, key = column.partition(":")
        assert key in {"config": told.config, "summary": told.summary}[where], column


def test_workspaces_hold_all_panels_without_asking_a_server():
    pytest.importorskip("wandb_workspaces")
    boards = dashboard.workspace_specs()
    assert len(boards) == 3
    for board in boards:
        workspace = dashboard.build_workspace(board, "genrelab", "somebody")
        assert sum(len(section.panels) for section in workspace.sections) == len(board.panels)
        spec = workspace._to_model().spec.model_dump_json(by_alias=True, exclude_none=True)
        assert all(key in spec for panel in board.panels for key in panel.keys)


def test_the_verb_says_what_it_would_make():
    done = CliRunner().invoke(app, ["tools", "wandb-workspaces", "--project", "mine", "--features", "chroma_cqt"])
    assert done.exit_code == 0
    for text in ("genrelab: beta sweep", "beta x test/track/distance", "test/examples_chroma_cqt", "project mine"):
        assert text in done.output, text


def test_saving_makes_each_workspace_once(monkeypatch):
    workspaces = pytest.importorskip("wandb_workspaces.workspaces")
    import wandb

    saved = []
    monkeypatch.setattr(wandb, "Api", type("Api", (), {"default_entity": "me"}))
    monkeypatch.setattr(workspaces.Workspace, "save", lambda self: saved.append(self) or self)
    monkeypatch.setattr(workspaces.Workspace, "url", property(lambda self: f"{self.entity}/{self.project}"))
    assert dashboard.save_workspaces("mine", None, dashboard.workspace_specs()) == ["me/mine"] * 3
    assert [one.name for one in saved] == ["genrelab: beta sweep", "genrelab: features", "genrelab: single run"]


def test_without_login_or_package_it_is_one_line(monkeypatch, tmp_path):
    pytest.importorskip("wandb_workspaces")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(GenrelabError, match=r"wandb login") as caught:
        dashboard.save_workspaces("mine", None, dashboard.workspace_specs())
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    with pytest.raises(GenrelabError, match=r"pip install 'genrelab\[dashboards\]'"):
        dashboard.build_workspace(dashboard.workspace_specs()[0], "mine", "me")

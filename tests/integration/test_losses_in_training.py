"""A loss that changes with the epochs, and one that knows the groups, in a whole run; then decided anew."""

import json

import pandas as pd

from genrelab.config import compose
from genrelab.engine import run
from genrelab.evaluation.decisions import reevaluate_run
from genrelab.losses import GraphSoft
from genrelab.runs.run_dir import RunDir


def train(overrides, folder):
    return run.train(compose(overrides), folder, overrides)


def test_annealing_is_told_the_epochs(small, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(GraphSoft, "set_epoch", lambda self, epoch, epochs: told.append((epoch, epochs)))
    overrides = [
        *small,
        "loss=graph_soft",
        "loss.beta_start=0.5",
        "beta=3",
        "trainer.baselines=false",
        "trainer.report=false",
    ]
    record = train(overrides, tmp_path / "run")
    assert told == [(0, 3), (1, 3), (2, 3)]
    assert record["loss"] == {"kind": "graph_soft", "beta": 3.0, "effective_beta": 3.0}


def test_a_loss_on_the_tree_trains_and_its_run_is_decided_anew(small, tmp_path):
    folder = tmp_path / "run"
    train(
        [*small, "loss=multi_head", "trainer.max_epochs=2", "trainer.baselines=false", "trainer.report=false"], folder
    )
    assert pd.read_csv(folder / "metrics.csv")["train/loss"].notna().all()
    assert "ece" in json.loads((folder / "metrics.json").read_text())["test"]["track"]
    found = reevaluate_run(RunDir.read(folder), "crm", resamples=20)
    assert found["track"]["differences"]["accuracy"]["value"] == 0  # on a flat taxonomy it is argmax

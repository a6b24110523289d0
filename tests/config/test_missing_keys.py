"""Configurations of before a key was: what is absent counts as what was done then."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from genrelab.config import compose
from genrelab.config.missing_keys import fill_absent
from genrelab.engine import run
from genrelab.evaluation.comparison.groups import group_runs
from genrelab.evaluation.comparison.loader import find_runs
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.training.task import GenreTask

GENRES = ("jaz03", "jaz06", "jam02", "blu02", "tec05", "hou07")
HXE = ("loss=hxe", "loss.alpha=1.0")
CURVES = ["epoch", "train/loss", "val/loss"]


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """Overrides of a run of less than a second on six genres of the Musicmap, in three supergenres and more."""
    table = tmp_path_factory.mktemp("table") / "table.csv"
    genres = np.repeat(GENRES, 20)
    values = np.random.default_rng(0).normal(size=(len(genres), 6)) + np.eye(6)[np.arange(len(genres)) // 20]
    pd.DataFrame(values, columns=list("abcdef")).assign(genre=genres).to_csv(table, index=False)
    own = ["dataset=table", f"dataset.path={table}", "taxonomy=musicmap", "model=mlp", "model.hidden=[8]"]
    cheap = ["trainer.report=false", "trainer.baselines=false", "trainer.estimate=false", "accelerator=cpu"]
    return [*own, *cheap, *HXE, "trainer.max_epochs=4", "data.batch_size=16"]


def train(overrides, folder, drop=False):
    """Train; with `drop` from a configuration without the key."""
    config = compose(overrides)
    if drop:
        del config["loss"]["weighting"]
    run.train(config, folder, overrides)
    return folder


def curves(folder):
    return pd.read_csv(folder / "metrics.csv")[CURVES]


def drop_key(folder):
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text())
    del config["loss"]["weighting"]
    path.write_text(yaml.safe_dump(config))


def test_composed_configurations_weight_from_the_root():
    assert compose(["loss=hxe"])["loss"] == {"kind": "hxe", "alpha": 0.3, "weighting": "from_root"}


def test_what_is_there_or_of_another_kind_is_left_alone():
    for loss in ({"kind": "hxe", "weighting": "from_root"}, {"kind": "cross_entropy"}, None):
        assert fill_absent({"loss": loss, "seed": 1}) == {"loss": loss, "seed": 1}
    assert fill_absent({"seed": 1}) == {"seed": 1}
    old = {"loss": {"kind": "hxe"}}
    assert fill_absent(old) == {"loss": {"kind": "hxe", "weighting": "from_leaf"}} and old == {"loss": {"kind": "hxe"}}
    assert fill_absent({"loss.kind": "hxe"}) == {"loss.kind": "hxe", "loss.weighting": "from_leaf"}
    whole = {"loss.kind": "hxe", "loss.weighting": "from_root"}
    assert fill_absent(whole) == whole


def test_runs_without_the_key_are_trained_and_resumed_from_the_leaf(usual, tmp_path, monkeypatch):
    leaf = train([*usual, "loss.weighting=from_leaf"], tmp_path / "leaf")
    root = train(usual, tmp_path / "root")
    assert not np.allclose(curves(leaf)["train/loss"], curves(root)["train/loss"], rtol=0.1)
    pd.testing.assert_frame_equal(curves(train(usual, tmp_path / "old", drop=True)), curves(leaf))
    started = GenreTask.on_train_epoch_start

    def fail(self):
        if self.current_epoch == 2:
            raise RuntimeError("pulled the plug")
        started(self)

    with monkeypatch.context() as patch:
        patch.setattr(GenreTask, "on_train_epoch_start", fail)
        for folder, overrides in ((tmp_path / "a", [*usual, "loss.weighting=from_leaf"]), (tmp_path / "b", usual)):
            with pytest.raises(RuntimeError):
                train(overrides, folder)
    drop_key(tmp_path / "a")
    for folder, whole in ((tmp_path / "a", leaf), (tmp_path / "b", root)):
        run.resume(folder)
        pd.testing.assert_frame_equal(curves(folder), curves(whole))


@pytest.mark.slow
def test_folds_without_the_key_are_resumed_from_the_leaf(usual, tmp_path):
    """The last fold begins with the resumed configuration."""
    usual = [*usual, "split=stratified", "split.folds=3", "loss.weighting=from_leaf"]
    whole = train(usual, tmp_path / "whole")
    shutil.copytree(whole, tmp_path / "old")
    shutil.rmtree(tmp_path / "old" / "fold-2")
    drop_key(tmp_path / "old")
    record = tmp_path / "old" / "run.json"
    record.write_text(record.read_text().replace('"finished"', '"failed"'))
    run.resume(tmp_path / "old")
    pd.testing.assert_frame_equal(curves(tmp_path / "old" / "fold-2"), curves(whole / "fold-2"))


def test_checkpoints_hold_no_loss(usual, tmp_path):
    """What predict, evaluate and export load cannot depend on how the loss was weighted."""
    folder = train([*usual, "trainer.max_epochs=1"], tmp_path / "run")
    for name in ("best.ckpt", "last.ckpt"):
        content = load_checkpoint(folder / "checkpoints" / name)
        assert "loss" not in content["genrelab"] and "hyper_parameters" not in content
        assert not [key for key in content["state_dict"] if "loss" in key]


def test_old_and_new_runs_stand_in_rows_of_their_own(usual, tmp_path):
    for seed in (0, 1):
        train([*usual, "trainer.max_epochs=1", f"seed={seed}"], tmp_path / "runs" / f"new-{seed}")
        old = train([*usual, "trainer.max_epochs=1", f"seed={seed}"], tmp_path / "runs" / f"old-{seed}", drop=True)
        assert "weighting" not in yaml.safe_load((old / "config.yaml").read_text())["loss"]
    rows = group_runs(find_runs([tmp_path / "runs"])[0])
    found = {row.settings["loss.weighting"]: sorted(run.path.name for run in row.runs) for row in rows}
    assert found == {"from_leaf": ["old-0", "old-1"], "from_root": ["new-0", "new-1"]}

"""Runs on features of several files, joined by track id."""

import numpy as np
import pandas as pd
import pytest

from genrelab.cli.launch import preflight
from genrelab.config import compose
from genrelab.engine import run
from genrelab.inference import load_predictor
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.utils.errors import ConfigError, GenrelabError

FAST = ("trainer.max_epochs=2", "trainer.baselines=false", "trainer.report=false", "trainer.enable_progress_bar=false")
FAST = (*FAST, "trainer.estimate=false", "accelerator=cpu", "split=grouped", "split.group_by=null")


@pytest.fixture
def files(tmp_path):
    """A table of 60 tracks that tells A from B and C, and sequences of 59 of them that tell C from A and B."""
    rng = np.random.default_rng(0)
    genre = np.array(["A", "B", "C"] * 20)
    ids = [f"t{number:02d}" for number in range(60)]
    numbers = rng.normal(0, 0.1, (60, 3)) + (genre == "A")[:, None]
    table = pd.DataFrame(numbers, columns=["x", "y", "z"]).assign(id=ids, genre=genre)
    table.to_csv(tmp_path / "table.csv", index=False)
    sequences = rng.normal(0, 0.1, (60, 16, 8)).astype(np.float32) + (genre == "C")[:, None, None]
    order = rng.permutation(59)
    np.savez(tmp_path / "seq.npz", embedding=sequences[order], genre=genre[order], id=np.array(ids)[order])
    joined = ["dataset=table", f"dataset.path={tmp_path / 'table.csv'}", "dataset.track=id", "join=embeddings"]
    joined += [f"join.embeddings.path={tmp_path / 'seq.npz'}", "join.embeddings.track=id"]
    return [*joined, f"paths.output_dir={tmp_path / 'out'}"]


def train(overrides, folder):
    return run.train(compose(overrides), folder / "run", overrides)


def test_logistic_regression_reads_both_files(files, tmp_path):
    record = train([*files, *FAST, "model=logistic_regression"], tmp_path)
    assert record["features"] == ["table", "embedding"]
    assert sum(record["dataset"]["tracks"].values()) == 59 and len(record["dataset"]["rejected"]) == 1
    assert record["objective"] < 0.2, "one file alone confuses two of the three genres"


def test_late_fusion_run_and_its_checkpoint(files, tmp_path):
    model = [
        "model=late_fusion",
        "model@model.backbone=conv_stack",
        "model.backbone.channels=[4]",
        "model.hidden=[8]",
        "data.crop_ratio=0.5",
    ]
    record = train([*files, *FAST, *model], tmp_path)
    assert record["features"] == ["table", "embedding"] and record["status"] == "finished"
    content = load_checkpoint(tmp_path / "run" / "checkpoints" / "best.ckpt")["genrelab"]
    assert [one["name"] for one in content["preprocessing"]["features"]] == ["table", "embedding"]
    assert content["model"]["params"]["backbone"]["kind"] == "conv_stack"
    with pytest.raises(GenrelabError, match=r"\.ckpt: "):
        load_predictor(tmp_path / "run")


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["dataset=demo", "join=table", "join.table.track=id"], "dataset: "),
        (["dataset=gtzan_arff", "join=table"], "join.table.track: "),
        (["dataset=table", "join=gtzan_features"], "dataset.track: "),
        (["dataset=gtzan_arff", "join=gtzan_features", "+join.gtzan_features.pth=x"], "join.gtzan_features.pth: "),
        (["dataset=gtzan_arff", "join=[table,table]"], "join: 'table' is named twice"),
        (["dataset=gtzan_arff", "join=gtzan_feature"], "join=gtzan_feature: "),
    ],
)
def test_a_join_that_cannot_be_is_refused_beforehand(overrides, problem):
    with pytest.raises(ConfigError) as caught:
        preflight(overrides)
    [told] = caught.value.problems
    assert told.startswith(problem)


def test_a_missing_path_is_named_by_its_key(files, tmp_path):
    with pytest.raises(ConfigError, match=r"join\.gtzan_features\.path: "):
        train([*files, *FAST, "join=[embeddings,gtzan_features]", "model=logistic_regression"], tmp_path)

"""Training once more on train and val: what it is fitted on, what it answers, and how it is calibrated and resumed."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from genrelab.config import compose
from genrelab.engine import build, run
from genrelab.engine.refit import inner_splits
from genrelab.engine.validate_config import check
from genrelab.inference import load_predictor
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.runs.predictions import read_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.runs.training_tracks import find_overlap, read_training_tracks
from genrelab.training.callbacks import checkpointing
from genrelab.utils.errors import ConfigError
from small_run import small_overrides

QUICK = ["trainer.report=false", "trainer.baselines=false"]
KNN = ["model=knn", "model.n_neighbors=3"]
NETWORK = [
    "model=cnn",
    "scheduler.patience=0",
    "scheduler.factor=0.1",
    "trainer.max_epochs=4",
    "trainer.monitor=val/loss",
    "refit=true",
]


def overrides(music, outputs, *more):
    return [*small_overrides(["mel_db"], []), f"dataset.root={music}", f"paths.output_dir={outputs}", *QUICK, *more]


def train(given, folder):
    return run.train(compose(given), folder, given)


def state(folder, name):
    return load_checkpoint(folder / "checkpoints" / name)["state_dict"]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def knn(music, outputs):
    folder = outputs / "runs" / "knn"
    train(overrides(music, outputs, *KNN, "trainer.report=true"), folder)
    return folder


@pytest.fixture(scope="module")
def network(music, outputs):
    folder = outputs / "runs" / "network"
    train(overrides(music, outputs, *NETWORK), folder)
    return folder


def test_the_refit_is_fitted_on_train_and_val(knn):
    record = json.loads((knn / "run.json").read_text())
    assert record["dataset"]["tracks"] == {"train": 18, "val": 6, "test": 6}
    assert record["refit"]["tracks"] == 24 and record["refit"]["train_targets"] == [8, 8, 8]
    assert len(state(knn, "best.ckpt")["train_x"]) == 36 and len(state(knn, "refit.ckpt")["train_x"]) == 48


def test_val_is_answered_before_the_refit_and_test_after(knn, music, outputs):
    folder = outputs / "runs" / "without"
    train(overrides(music, outputs, *KNN, "refit=false"), folder)
    assert not (folder / "checkpoints" / "refit.ckpt").exists() and not (folder / "out_of_fold.parquet").exists()
    before, after = (read_predictions(one / "predictions.parquet") for one in (folder, knn))
    assert np.array_equal(before.only("val").logits, after.only("val").logits)
    assert not np.array_equal(before.only("test").logits, after.only("test").logits)
    page = (knn / "report" / "index.html").read_text()
    assert "val, before the refit: 6 tracks" in page


def test_each_track_is_held_out_once(knn):
    found = read_predictions(knn / "out_of_fold.parquet")
    split = json.loads((knn / "split.json").read_text())
    pairs = list(zip(found.track_id, found.segment_id, strict=True))
    assert len(pairs) == len(set(pairs)) == 48
    assert set(found.track_id) == {*split["train"], *split["val"]} and set(found.split) == {"val"}
    assert np.array_equal(RunDir.read(knn).held_out.logits, found.logits)


def test_predicting_takes_the_refit_and_its_held_out_answers(knn):
    from genrelab.inference.calibration import fit_calibration

    predictor = load_predictor(knn)
    assert predictor.path.name == "refit.ckpt"
    expected = fit_calibration(predictor.taxonomy, knn / "out_of_fold.parquet", 0.8)
    of_val = fit_calibration(predictor.taxonomy, knn / "predictions.parquet", 0.8)
    assert predictor.calibration.ood_thresholds == expected.ood_thresholds != of_val.ood_thresholds
    before = load_predictor(knn / "checkpoints" / "best.ckpt")
    assert before.calibration.ood_thresholds == of_val.ood_thresholds


def test_vals_tracks_are_no_new_songs(knn, music, outputs):
    record = json.loads((knn / "run.json").read_text())
    config = compose(overrides(music, outputs, *KNN))
    index = build.read_dataset_index(config)
    split = json.loads((knn / "split.json").read_text())
    found = find_overlap(read_training_tracks(knn, record), index.name, index)
    assert {*split["train"], *split["val"]} <= set(found) and not set(split["test"]) & set(found)


def test_inner_folds_keep_artists_apart(music, outputs):
    config = compose(overrides(music, outputs, *KNN))
    dataset = build.read_dataset(config)
    joined = build.make_split(config, dataset.index).joined("val")
    artist = dataset.index.tracks.set_index("track_id")["artist_id"]
    splits = inner_splits(dataset, joined)
    assert len(splits) == 4, "each genre has four artists in train and val"
    assert sorted(track for one in splits for track in one.tracks("val")) == sorted(joined.tracks("train"))
    for one in splits:
        assert not set(artist[list(one.tracks("train"))]) & set(artist[list(one.tracks("val"))])
        assert one.tracks("test") == joined.tracks("test")


@pytest.mark.parametrize("kind", ["logistic_regression", pytest.param("svm", marks=pytest.mark.slow)])
def test_the_penalty_of_least_loss_on_val_is_kept_and_refitted(kind, music, outputs, tmp_path):
    record = train(overrides(music, outputs, f"model={kind}"), tmp_path / "auto")
    tried = dict(record["model"]["fitted"]["candidates"]["c"])
    best = record["model"]["fitted"]["c"]
    assert len(tried) > 4 and tried[best] == min(tried.values())
    train(overrides(music, outputs, f"model={kind}", f"model.c={best}"), tmp_path / "given")
    for name in ("best.ckpt", "refit.ckpt"):
        auto, given = (state(tmp_path / one, name) for one in ("auto", "given"))
        assert all(torch.equal(auto[key], given[key]) for key in given), name


def test_a_network_is_refitted_for_the_epochs_that_val_chose(network):
    record = json.loads((network / "run.json").read_text())
    assert record["refit"]["epochs"] == record["monitor"]["best_epoch"] + 1 and record["refit"]["held_out"] == "val"
    assert not (network / "checkpoints" / "refit-last.ckpt").exists()
    before, after = state(network, "best.ckpt"), state(network, "refit.ckpt")
    assert before.keys() == after.keys() and any(not torch.equal(before[name], after[name]) for name in before)
    content = load_checkpoint(network / "checkpoints" / "refit.ckpt")["genrelab"]
    assert content["split_hash"] != record["split"]["hash"]


@pytest.mark.slow
def test_an_interrupted_refit_goes_on_from_its_last_epoch(network, music, outputs, tmp_path, monkeypatch):
    folder = tmp_path / "cut"
    kept = checkpointing.save_checkpoint
    trained = []

    def save(trainer, path, weights_only):
        kept(trainer, path, weights_only)
        if path.name == "refit-last.ckpt":
            trained.append(trainer.current_epoch)
            if trained == [0]:
                raise RuntimeError("cut")

    monkeypatch.setattr(checkpointing, "save_checkpoint", save)
    given = overrides(music, outputs, *NETWORK)
    with pytest.raises(RuntimeError, match="cut"):
        train(given, folder)
    record = run.resume(folder)
    assert len(trained) > 1
    assert trained == list(range(record["refit"]["epochs"])), "no epoch is trained twice"
    before, after = state(network, "refit.ckpt"), state(folder, "refit.ckpt")
    assert all(torch.equal(before[name], after[name]) for name in before)
    a, b = (read_predictions(one / "predictions.parquet").logits for one in (network, folder))
    assert np.array_equal(a, b)


def test_a_finished_refit_is_not_fitted_again(knn, tmp_path, monkeypatch):
    from genrelab.models.classical import NearestNeighbors

    again = shutil.copytree(knn, tmp_path / "again")
    record = json.loads((knn / "run.json").read_text())
    (again / "run.json").write_text(json.dumps({**record, "status": "failed"}))
    monkeypatch.setattr(NearestNeighbors, "fit", None)
    assert run.resume(again)["refit"] == record["refit"]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (["refit=often"], "refit: 'often'"),
        (["refit=true", "model=pca_gmm"], "refit: .*pca_gmm"),
        (["refit=true", "accelerator=ddp", "accelerator.devices=2"], "refit: .*device"),
    ],
)
def test_a_refit_that_cannot_be_is_refused(given, key, music, outputs):
    with pytest.raises(ConfigError, match=key):
        check(compose(overrides(music, outputs, *given)))

"""Few tracks: folds by default, then one training on all tracks, which answers songs."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from genrelab.config import compose
from genrelab.engine import build, run, runtime_estimate
from genrelab.engine.refit import Choices, middle, refits, refits_on_all
from genrelab.inference import load_predictor
from genrelab.inference.calibration import fit_calibration
from genrelab.inference.export import export_run
from genrelab.models.classical import NearestNeighbors
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.runs.predictions import read_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.runs.training_tracks import find_overlap, read_training_tracks
from genrelab.training.callbacks import checkpointing
from genrelab.utils.errors import GenrelabError
from small_run import small_overrides

QUICK = ["trainer.report=false", "trainer.baselines=false"]
KNN = ["model=knn", "model.n_neighbors=3"]


def overrides(songs, *more):
    """Without the ratios, which would ask for a holdout."""
    kept = [text for text in small_overrides(["mel_db"], []) if not text.startswith(("split", "dataset"))]
    own = ("dataset=csv", f"dataset.path={songs}", f"paths.output_dir={songs.parent}")
    return [*kept, *own, *QUICK, *more]


def record_of(folder):
    return json.loads((folder / "run.json").read_text())


@pytest.fixture(scope="module")
def songs(music, tmp_path_factory):
    """A table of three artists a genre, which allow three folds."""
    files = sorted(music.rglob("*.wav"))
    rows = [(str(file), file.parts[-3], f"{file.parts[-3]} {int(file.stem[-1]) % 3}") for file in files]
    path = tmp_path_factory.mktemp("outputs") / "songs.csv"
    pd.DataFrame(rows, columns=["path", "genre", "artist"]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def knn(songs):
    folder = songs.parent / "runs" / "knn"
    given = overrides(songs, *KNN)
    run.train(compose(given), folder, given)
    return folder


def test_the_configuration_holds_the_split_that_was_chosen(knn):
    config = yaml.safe_load((knn / "config.yaml").read_text())
    assert config["split"] == {"kind": "stratified", "folds": 3, "fold": None, "seed": 0, "group_by": "artist"}


def test_the_last_model_is_fitted_on_all_tracks(knn):
    refit = record_of(knn)["refit"]
    assert refit["tracks"] == 30 and refit["train_targets"] == [10, 10, 10] and refit["parts"][-1] == "test"
    fitted = [
        len(load_checkpoint(folder / "checkpoints" / "refit.ckpt")["state_dict"]["train_x"])
        for folder in (knn / "fold-0", knn)
    ]
    tested = record_of(knn / "fold-0")["dataset"]["segments"]["test"]
    assert fitted == [60 - tested, 60], "a fold's model has not seen its test tracks"


def test_it_is_calibrated_on_the_folds_answers_for_their_test_tracks(knn):
    tested, held_out = (read_predictions(knn / name) for name in ("predictions.parquet", "out_of_fold.parquet"))
    assert set(held_out.split) == {"val"} and len(held_out) == 60
    assert np.array_equal(held_out.logits, tested.only("test").logits)
    predictor = load_predictor(knn)
    assert predictor.path == knn / "checkpoints" / "refit.ckpt"
    expected = fit_calibration(predictor.taxonomy, knn / "out_of_fold.parquet", 0.8)
    assert predictor.calibration.ood_thresholds == expected.ood_thresholds


def test_decisions_are_not_fitted_on_the_tracks_that_are_scored_by_them(knn):
    found = RunDir.read(knn)
    assert np.array_equal(found.held_out.logits, found.predictions.only("val").logits)


def test_no_track_is_new_to_it(knn, songs):
    index = build.read_dataset_index(compose(overrides(songs, *KNN)))
    found = find_overlap(read_training_tracks(knn, record_of(knn)), index.name, index)
    assert set(found) == set(index.tracks["track_id"])


def test_its_card_tells_the_tracks_that_it_was_trained_on(knn, tmp_path):
    folder, _ = export_run(knn, "safetensors", tmp_path)
    section = (folder / "README.md").read_text().split("## Training data")[1].split("##")[0]
    assert "30 tracks (train, val, test)" in section


def test_finished_folds_are_kept_when_the_last_fit_was_interrupted(knn, tmp_path, monkeypatch):
    cut = shutil.copytree(knn, tmp_path / "cut")
    (cut / "checkpoints" / "refit.ckpt").unlink()
    (cut / "run.json").write_text(json.dumps({**record_of(knn), "status": "failed"}))
    fit, fitted = NearestNeighbors.fit, []

    def counted(self, x, *others):
        fitted.append(len(x))
        return fit(self, x, *others)

    monkeypatch.setattr(NearestNeighbors, "fit", counted)
    assert run.resume(cut)["refit"] == record_of(knn)["refit"]
    assert fitted == [60]


def test_a_last_fit_on_other_audio_is_refused(music, tmp_path):
    copied = shutil.copytree(music, tmp_path / "music")
    files = sorted(copied.rglob("*.wav"))
    rows = [(str(file), file.parts[-3], f"{file.parts[-3]} {int(file.stem[-1]) % 3}") for file in files]
    pd.DataFrame(rows, columns=["path", "genre", "artist"]).to_csv(tmp_path / "songs.csv", index=False)
    given, folder = overrides(tmp_path / "songs.csv", *KNN), tmp_path / "runs" / "knn"
    run.train(compose(given), folder, given)
    (folder / "checkpoints" / "refit.ckpt").unlink()
    (folder / "run.json").write_text(json.dumps({**record_of(folder), "status": "failed"}))
    shutil.copy(files[0], files[-1])
    with pytest.raises(GenrelabError, match=r"fold-\d: the audio files"):
        run.resume(folder)


@pytest.mark.slow
def test_a_network_is_trained_once_more_for_the_epochs_of_the_middle_fold(songs, tmp_path, monkeypatch):
    """The last training is interrupted."""
    given = overrides(songs, "model=cnn")
    folder, kept, trained = tmp_path / "run", checkpointing.save_checkpoint, []

    def save(trainer, path, weights_only):
        kept(trainer, path, weights_only)
        if path.parts[-3:-1] != ("run", "checkpoints"):
            trained.append(path.parts[-3])
        elif path.name == "refit-last.ckpt":
            trained.append(trainer.current_epoch)
            if trained.count(0) == 1 and trainer.current_epoch == 0:
                raise RuntimeError("cut")

    monkeypatch.setattr(checkpointing, "save_checkpoint", save)
    with pytest.raises(RuntimeError, match="cut"):
        run.train(compose(given), folder, given)
    assert {one for one in trained if isinstance(one, str)} == {"fold-0", "fold-1", "fold-2"}
    trained.clear()
    record = run.resume(folder)
    best = sorted(record_of(folder / f"fold-{fold}")["monitor"]["best_epoch"] + 1 for fold in range(3))
    assert record["refit"]["epochs"] == best[1] > 1 and trained == list(range(1, best[1]))
    assert not list(folder.glob("fold-*/checkpoints/refit.ckpt")), "by default only the last model is trained twice"
    assert load_predictor(folder).path == folder / "checkpoints" / "refit.ckpt"


@pytest.mark.parametrize(
    ("refit", "kind", "each", "last"),
    [
        ("auto", "knn", True, True),
        ("auto", "cnn", False, False),
        ("auto", "pca_gmm", False, False),
        ("final", "cnn", False, True),
        (True, "cnn", True, True),
        (False, "knn", False, False),
    ],
)
def test_which_trainings_of_a_run_of_folds_are_repeated(refit, kind, each, last):
    config = {"refit": refit, "model": {"kind": kind}, "split": {"kind": "stratified", "folds": 3, "fold": None}}
    assert (refits(config), refits_on_all(config)) == (each, last)
    config["split"] = {"kind": "grouped"}
    assert (refits(config), refits_on_all(config)) == (each or last, False)


def test_the_choices_in_the_middle():
    assert middle([Choices(epochs=n) for n in (9, 2, 4, 3)]) == 3
    assert middle([Choices(params={"c": c}) for c in (10.0, 0.1, 1.0)]) == 2


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (["split=grouped", "split.ratios=[0.6,0.2,0.2]"], 3 * (36 + 0.35 * (12 + 36))),
        (["split=grouped", "split.ratios=[0.6,0.2,0.2]", "refit=true"], 3 * (36 + 0.35 * (12 + 36) + 48)),
        (["split=stratified", "split.folds=5", "refit=final"], 3 * (5 * (36 + 0.35 * (12 + 36)) + 60)),
        (["split=grouped", "split.ratios=[0.6,0.2,0.2]", "model.bn_statistics=running"], 3 * (36 + 0.35 * 12)),
        (["split=grouped", "split.ratios=[0.6,0.2,0.2]", "data.crop_ratio=0.4"], 3 * (36 + 0.35 * 3 * (12 + 36))),
    ],
)
def test_the_time_is_that_of_all_trainings(given, seconds, songs, monkeypatch, capsys):
    monkeypatch.setattr(runtime_estimate, "step_seconds", lambda *given: 1.0)
    config = compose(overrides(songs, "model=cnn", "split.group_by=null", *given))
    dataset = build.read_dataset(config)
    split = build.make_split(config, dataset.index, 0 if "folds" in config["split"] else None)
    cache = build.make_feature_cache(config, dataset.index)
    runtime_estimate.print_runtime_estimate(config, dataset, split, cache, ())
    [found] = re.findall(r"at most ([\d.]+) min", capsys.readouterr().out)
    assert float(found) == pytest.approx(seconds / 60, abs=0.051)

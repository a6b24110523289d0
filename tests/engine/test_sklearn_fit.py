"""Models that are fitted at once, in a run: the same stages, record, predictions, report, and no loss."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

from genrelab.config import compose
from genrelab.engine import run
from genrelab.engine.sklearn_fit import ineffective_overrides
from genrelab.engine.validate_config import check
from genrelab.models.registry import MODELS
from genrelab.runs.checkpoint import load_checkpoint, run_checkpoint
from genrelab.runs.predictions import read_predictions
from genrelab.utils.errors import ConfigError, GenrelabError
from paths import REPOSITORY

KNN = ["model=knn", "model.n_neighbors=5", "trainer.baselines=false"]
QUICK = ["trainer.report=false", "trainer.baselines=false"]


def train(overrides, folder):
    return run.train(compose(overrides), folder, overrides)


@pytest.fixture(scope="module")
def fitted(music, tmp_path_factory):
    """Overrides of a run on `music`, the model aside."""
    return [
        "dataset=folder",
        f"dataset.root={music}",
        "split.ratios=[0.6,0.2,0.2]",
        *("audio.sample_rate=8000", "audio.segment_duration=2.0", "features=mel_db", "features.mel_db.n_fft=512"),
        *("features.mel_db.hop_length=256", "features.mel_db.n_mels=32", "features.mel_db.frames=32"),
        *("data.batch_size=8", "data.normalize=global", "accelerator=cpu"),
        f"paths.output_dir={tmp_path_factory.mktemp('outputs')}",
    ]


@pytest.fixture(scope="module")
def knn(fitted, tmp_path_factory):
    """A finished run with command line arguments that have no effect."""
    folder = tmp_path_factory.mktemp("runs") / "knn"
    train([*fitted, *KNN, "loss=focal", "optimizer.lr=0.1", "trainer.max_epochs=5", "augment=pitch_noise"], folder)
    return folder


def test_a_run_leaves_what_a_networks_run_leaves(knn):
    names = ("config.yaml", "metrics.csv", "metrics.json", "checkpoints/best.ckpt", "split.json", "taxonomy.json")
    for name in (*names, "predictions.parquet", "report/index.html"):
        assert (knn / name).exists(), name
    assert not (knn / "report" / "metrics.png").exists(), "there are no curves"
    record = json.loads((knn / "run.json").read_text())
    assert record["status"] == "finished" and record["loss"]["kind"] == "none"
    assert record["model"] == {"kind": "knn", "parameters": None, "fitted": {"n_neighbors": 5}}
    assert record["dataset"]["segments"]["train"] == 36, "the originals alone: nothing draws copies"
    metrics = json.loads((knn / "metrics.json").read_text())
    assert record["objective"] == pytest.approx(metrics["val"]["track"]["distance"]["value"])
    page = (knn / "report" / "index.html").read_text()
    assert 'id="curves"' not in page
    assert "n neighbors 5" in page
    with pytest.raises(GenrelabError, match=re.escape(str(knn))):
        run.resume(knn)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["logistic_regression", "random_forest"])
def test_every_kind_runs(kind, fitted, tmp_path):
    record = train([*fitted, f"model={kind}"], tmp_path / "run")
    assert record["status"] == "finished" and record["model"]["fitted"]
    assert "logistic regression on mean features" in (tmp_path / "run" / "report" / "index.html").read_text()


def test_the_checkpoint_alone_gives_the_written_logits(fitted, tmp_path):
    from genrelab.datamodules import Normalizer
    from genrelab.engine import build

    folder = tmp_path / "run"
    train([*fitted, "model=svm", "model.c=1", *QUICK], folder)
    content = load_checkpoint(run_checkpoint(folder))
    made = content["genrelab"]
    shapes = [tuple(shape) for shape in made["model"]["in_shapes"]]
    net = MODELS.build(made["model"]["kind"], made["model"]["params"], in_shapes=shapes, n_classes=3)
    net.load_state_dict(content["state_dict"])
    config = compose([*fitted, "model=svm"])
    dataset = build.read_dataset(config)
    feature_cache = build.make_feature_cache(config, dataset.index)
    data = build.make_data(config, dataset, build.make_split(config, dataset.index), feature_cache, ())
    logits = net(*Normalizer(made["preprocessing"]["normalize"])(data.full_batch("test").features))
    tests = read_predictions(folder / "predictions.parquet").only("test")
    assert np.allclose(logits, tests.logits, atol=1e-4)
    assert np.array_equal(data.rows("test")["track_id"], tests.track_id)


def test_what_has_no_effect_is_told(knn):
    record = json.loads((knn / "run.json").read_text())
    listed = "loss=focal, optimizer.lr=0.1, trainer.max_epochs=5, augment=pitch_noise"
    assert [text.endswith(listed) for text in record["warnings"] if "loss=focal" in text] == [True]
    asked = ["model=knn", "seed=3", "beta=2", "~callbacks.stop", "data.mixup_alpha=0.2", "data.normalize=none"]
    assert ineffective_overrides(asked) == ["beta=2", "callbacks.stop", "data.mixup_alpha=0.2"]


@pytest.mark.slow
def test_every_copy_is_fitted_where_asked_for(fitted, tmp_path):
    record = train([*fitted, *KNN[:2], *QUICK, "data.copies_per_epoch=all", "augment=weak"], tmp_path / "run")
    state = load_checkpoint(tmp_path / "run" / "checkpoints" / "best.ckpt")["state_dict"]
    assert len(state["train_x"]) > 36 and not any("augment" in text for text in record["warnings"])


def test_limited_batches_limit_the_rows_that_are_fitted(fitted, tmp_path):
    train([*fitted, *KNN[:2], *QUICK, "trainer.limit_train_batches=2"], tmp_path / "run")
    state = load_checkpoint(tmp_path / "run" / "checkpoints" / "best.ckpt")["state_dict"]
    assert state["train_x"].shape == (16, 32 * 32)
    assert len(read_predictions(tmp_path / "run" / "predictions.parquet").only("test")) == 12


def test_a_failed_run_goes_on_from_its_checkpoint(knn, tmp_path, monkeypatch):
    import shutil

    from genrelab.models.classical import NearestNeighbors

    shutil.copytree(knn, tmp_path / "broken")
    (tmp_path / "broken" / "predictions.parquet").unlink()
    record = json.loads((knn / "run.json").read_text())
    (tmp_path / "broken" / "run.json").write_text(json.dumps({**record, "status": "failed"}))
    monkeypatch.setattr(NearestNeighbors, "fit", None)  # it must not be called again
    again = run.resume(tmp_path / "broken")
    assert again["objective"] == record["objective"] and again["model"] == record["model"]
    a, b = (read_predictions(folder / "predictions.parquet").logits for folder in (knn, tmp_path / "broken"))
    assert np.array_equal(a, b)


def test_the_normalizer_is_trains_alone(knn):
    content = load_checkpoint(knn / "checkpoints" / "best.ckpt")
    x = content["state_dict"]["train_x"] + content["state_dict"]["origin"]
    assert torch.allclose(x.mean(), torch.zeros(()), atol=1e-3)
    assert torch.allclose(x.std(), torch.ones(()), atol=1e-2)


@pytest.fixture(scope="module")
def clustered(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "clusters"
    train([*fitted, "model=pca_gmm", "model.clusters=4", "trainer.baselines=false"], folder)
    return folder


def test_clusters_are_scored_as_answers_and_as_clusters(clustered):
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    record, metrics = (json.loads((clustered / name).read_text()) for name in ("run.json", "metrics.json"))
    found, table = metrics["clustering"], pd.read_parquet(clustered / "plane.parquet")
    assert found["matching"] == record["model"]["fitted"]["matching"] == "majority" and found["clusters"] == 4
    for part, count in (("train", 36), ("val", 12), ("test", 12)):
        rows = table[table["split"] == part]
        assert len(rows) == found[part]["segments"] == count
        assert found[part]["ari"] == pytest.approx(adjusted_rand_score(rows["target"], rows["cluster"]), abs=1e-9)
        information = normalized_mutual_info_score(rows["target"], rows["cluster"])
        assert found[part]["nmi"] == pytest.approx(information, abs=1e-9)
    tests = read_predictions(clustered / "predictions.parquet").only("test")
    rows = table[table["split"] == "test"].set_index(["track_id", "segment_id"])
    clusters = rows.loc[list(zip(tests.track_id, tests.segment_id, strict=True)), "cluster"].to_numpy()
    genres = np.array(record["model"]["fitted"]["genre_of_cluster"])
    assert np.array_equal(tests.logits.argmax(axis=1), genres[clusters])
    assert sum(row["segments"] for row in found["table"]) == 12


@pytest.mark.slow
def test_folds_have_clusters_of_their_own_and_their_mean_is_told(fitted, tmp_path):
    overrides = [text for text in fitted if not text.startswith("split.")]
    folds = ["split=stratified", "split.folds=3", "model=pca_gmm", "trainer.baselines=false"]
    train([*overrides, *folds], tmp_path / "run")
    of_folds = [
        json.loads(path.read_text())["clustering"]["test"]["ari"]
        for path in sorted((tmp_path / "run").glob("fold-*/metrics.json"))
    ]
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())["clustering"]
    assert found["test"]["ari"] == pytest.approx(np.mean(of_folds)) and found["folds"] == len(of_folds) == 3
    assert found["test"]["segments"] == 60
    tests = read_predictions(tmp_path / "run" / "predictions.parquet").only("test")
    assert len(np.unique(tests.track_id)) == 30
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    assert 'id="clusters"' in page and 'id="each-cluster"' not in page


def test_the_page_shows_clusters_and_the_plane(clustered, knn):
    page = (clustered / "report" / "index.html").read_text()
    assert 'id="clusters"' in page and 'id="each-cluster"' in page and 'id="plane"' in page
    assert (clustered / "report" / "plane.png").stat().st_size > 10_000
    page = (knn / "report" / "index.html").read_text()
    assert 'id="plane"' in page and 'id="clusters"' not in page


def test_a_report_made_again_is_the_same(clustered, tmp_path):
    import shutil

    from genrelab.evaluation.report import write_report

    again = shutil.copytree(clustered, tmp_path / "again")
    write_report(again)
    for name in ("metrics.json", "report/plane.png", "report/per_genre.csv"):
        assert (again / name).read_bytes() == (clustered / name).read_bytes(), name


def test_the_plane_is_that_of_trains_principal_components(knn):
    from sklearn.decomposition import PCA

    state = load_checkpoint(knn / "checkpoints" / "best.ckpt")["state_dict"]
    x = (state["train_x"] + state["origin"]).numpy()
    table = pd.read_parquet(knn / "plane.parquet")
    own = table.loc[table["split"] == "train", ["x", "y"]].to_numpy()
    pca = PCA(2).fit(x)
    assert np.allclose(np.abs(own), np.abs(pca.transform(x)), atol=0.05 * np.abs(own).max())
    explained = json.loads((knn / "run.json").read_text())["plane"]["explained"]
    assert explained == pytest.approx(pca.explained_variance_ratio_, abs=0.01)
    assert set(table["cluster"]) == {-1}


def test_a_damaged_plane_is_told(clustered, tmp_path):
    import shutil

    from genrelab.evaluation.report import write_report

    broken = shutil.copytree(clustered, tmp_path / "broken")
    (broken / "plane.parquet").write_bytes(b"no table")
    with pytest.raises(GenrelabError, match=r"plane\.parquet: "):
        write_report(broken)


def test_a_comparison_says_that_there_is_no_loss(knn):
    from genrelab.evaluation.comparison import compare
    from genrelab.evaluation.comparison.filters import run_values

    values = run_values(compare([knn]).runs[0])
    assert (values["model"], values["loss"], values["optimizer"]) == ("knn", "none", "none")


def test_a_sweep_reads_any_val_metric(knn):
    from genrelab.tuning.objective import score

    record = json.loads((knn / "run.json").read_text())
    curves = pd.read_csv(knn / "metrics.csv")
    assert len(curves) == 1
    assert score(knn, record, "val/loss") == pytest.approx(curves["val/loss"][0])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("accelerator=ddp", "accelerator.*knn|accelerator: "),
        ("trainer.monitor=train/loss", r"trainer\.monitor: "),
        ("model.n_neighbors=0", r"model\.n_neighbors: 0 .*\b1\b"),
        ("model.neighbors=3", r"model\.neighbors: .*'n_neighbors'"),
    ],
)
def test_what_cannot_be_is_told_before_data_is_touched(override, message, fitted):
    with pytest.raises(ConfigError, match=message):
        overrides = [*fitted, "model=knn", override]
        check(compose(overrides), overrides)


def test_the_guides_own_estimator_runs(fitted, tmp_path, monkeypatch):
    page = (REPOSITORY / "docs" / "classical.md").read_text()
    (tmp_path / "my_models.py").write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    own = ["plugins=[my_models]", "~model", "+model.kind=nearest_mean", *QUICK]
    record = train([*fitted, *own], tmp_path / "run")
    assert record["status"] == "finished" and record["model"]["fitted"] == {"columns": 64}


def test_a_fitted_model_listens_to_audio(knn, music):
    from genrelab.inference import load_predictor

    predictor = load_predictor(knn)
    tests = read_predictions(knn / "predictions.parquet").only("test")
    found = predictor.predict(music / tests.track_id[0])
    rows = tests.logits[tests.track_id == tests.track_id[0]]
    assert found.logits.shape == rows.shape and np.allclose(found.logits, rows, atol=1e-3)

"""Tracks with several genres: from the file to the report."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from genrelab.config import compose
from genrelab.datasets.embeddings import embeddings
from genrelab.datasets.splits.stratified_group import grouped
from genrelab.engine import run
from genrelab.engine.linear_baseline import NAME as LOGISTIC
from genrelab.engine.validate_config import check
from genrelab.evaluation.decisions import reevaluate_run
from genrelab.evaluation.report import print_summary
from genrelab.evaluation.report.formatting import METRIC_TITLES
from genrelab.evaluation.report.multilabel_scores import PRIOR_BASELINE
from genrelab.runs.predictions import read_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.taxonomy.hierarchy import ancestor_pairs
from genrelab.taxonomy.tree_reader import tree
from genrelab.utils.errors import ConfigError, GenrelabError

TREE = "name,parent\nRock,\nPunk,Rock\nMetal,Rock\nElectronic,\nTechno,Electronic\n"
GENRES = ("Rock", "Punk", "Metal", "Electronic", "Techno")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """120 tracks of two rows; a genre shifts a number of its own, and comes with its ancestor."""
    folder = tmp_path_factory.mktemp("several")
    generator = np.random.default_rng(0)
    leaf = generator.integers(0, 5, size=(120, 2))
    names = [sorted({GENRES[g] for g in row} | {up for g in row for up in above(GENRES[g])}) for row in leaf]
    hot = np.array([[genre in row for genre in GENRES] for row in names], dtype=float)
    values = np.repeat(hot, 2, axis=0) @ generator.normal(size=(5, 8)) * 2 + generator.normal(size=(240, 8))
    np.savez(
        folder / "several.npz",
        embedding=values.astype(np.float32),
        genres=np.repeat(["|".join(row) for row in names], 2),
        track=np.repeat([f"t{i:03d}" for i in range(120)], 2),
        artist=np.repeat([f"a{i // 2}" for i in range(120)], 2),
    )
    (folder / "tree.csv").write_text(TREE)
    return folder


def above(genre):
    return {"Punk": ["Rock"], "Metal": ["Rock"], "Techno": ["Electronic"]}.get(genre, [])


def overrides(data, out):
    return [
        "dataset=embeddings", f"dataset.path={data / 'several.npz'}", "dataset.label=genres", "dataset.track=track",
        "dataset.artist=artist", 'dataset.separator="|"', f"dataset.hierarchy={data / 'tree.csv'}", "taxonomy=tree",
        f"taxonomy.file={data / 'tree.csv'}", "model.hidden=[16]", "trainer.max_epochs=8", "trainer.estimate=false",
        "data.batch_size=16", "optimizer.lr=0.01", "split.ratios=[0.5,0.25,0.25]", "accelerator=cpu",
        f"paths.output_dir={out}",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    words = [*overrides(data, out), "target=multi_label"]
    record = run.train(compose(words), out / "run", words)
    return out / "run", record


def test_scores_are_scikit_learns_on_the_written_predictions(finished):
    folder, _ = finished
    metrics = json.loads((folder / "metrics.json").read_text())
    test = read_predictions(folder / "predictions.parquet").only("test")
    segments = metrics["test"]["segment"]
    assert segments["roc_auc"]["value"] == pytest.approx(roc_auc_score(test.targets, test.logits, average="macro"))
    expected = average_precision_score(test.targets, test.logits, average="macro")
    assert segments["pr_auc"]["value"] == pytest.approx(expected)
    for level in ("track", "segment"):
        scores = metrics["test"][level]
        constant = [name for name, one in scores.items() if one["low"] is None]  # the same in every draw: no interval
        assert all(scores[name]["value"] == 1 for name in constant) and len(constant) <= 1
        bounded = [one for name, one in scores.items() if name not in constant]
        assert all(one["low"] <= one["value"] <= one["high"] for one in bounded)
    assert metrics["consistent"]["test"]["track"]["consistency"]["value"] == 1


def test_what_was_learnt_beats_knowing_nothing(finished):
    folder, record = finished
    metrics = json.loads((folder / "metrics.json").read_text())
    baselines = metrics["baselines"]["test"]["track"]
    assert metrics["test"]["track"]["roc_auc"]["low"] > 0.7
    assert baselines[PRIOR_BASELINE]["roc_auc"]["value"] == 0.5
    assert baselines[LOGISTIC]["roc_auc"]["value"] > 0.8
    assert record["monitor"]["metric"] == "val/track/pr_auc" and record["monitor"]["mode"] == "max"
    assert record["loss"]["kind"] == "binary_cross_entropy"
    assert "val/track/pr_auc" in pd.read_csv(folder / "metrics.csv")


def test_the_report_has_genres_and_tracks_and_no_confusion(finished, capsys):
    folder, _ = finished
    page = (folder / "report" / "index.html").read_text()
    assert 'id="genres"' in page and "confusion" not in page.lower()
    genres = pd.read_csv(folder / "report" / "per_genre.csv")
    assert set(genres["title"]) == set(GENRES) and genres["pr_auc"].notna().all()
    wanted = reevaluate_run(RunDir.read(folder, allow_multilabel=True), "thresholds", {}, resamples=10)["track"][
        "thresholds"
    ]
    assert dict(zip(genres["genre"], genres["threshold"], strict=True)) == pytest.approx(wanted)
    tracks = pd.read_csv(folder / "report" / "tracks.csv")
    assert tracks["genres"].str.contains("; ").any()
    print_summary(folder)
    assert METRIC_TITLES["pr_auc"] in capsys.readouterr().out


def test_what_is_of_one_genre_a_track_refuses_the_run(finished):
    folder, _ = finished
    with pytest.raises(GenrelabError, match=re.escape(str(folder))):
        RunDir.read(folder)
    with pytest.raises(GenrelabError):
        reevaluate_run(RunDir.read(folder), "crm")


def test_the_graph_softened_loss_trains_too(data, tmp_path):
    words = [*overrides(data, tmp_path), "target=multi_label", "loss=graph_sigmoid", "beta=2", "data.mixup_alpha=0.2"]
    words += ["trainer.max_epochs=2", "trainer.baselines=false", "trainer.report=false"]
    record = run.train(compose(words), tmp_path / "run", words)
    assert record["loss"] == {"kind": "graph_sigmoid", "beta": 2.0, "effective_beta": 8.0}


def test_a_split_gives_every_part_its_share_of_every_genre(data):
    dataset_index = embeddings(str(data / "several.npz"), label="genres", track="track", artist="artist", separator="|",
                         multi_label=True)  # fmt: skip
    split = grouped(dataset_index, ratios=(0.5, 0.25, 0.25))
    assert split.artists == "apart"
    of = dataset_index.genres_of
    for genre in dataset_index.genres:
        count = sum(genre in genres for genres in of.values())
        there = [sum(genre in of[track] for track in split.tracks(part)) for part in ("train", "val", "test")]
        assert np.allclose(np.array(there) / count, (0.5, 0.25, 0.25), atol=0.09), (genre, there)


def test_the_deepest_genre_is_the_foremost_and_rare_ones_go_alone(data, tmp_path):
    dataset_index = embeddings(str(data / "several.npz"), label="genres", track="track", separator="|",
                         hierarchy=str(data / "tree.csv"), multi_label=True)  # fmt: skip
    for genre, several in zip(dataset_index.tracks["genre"], dataset_index.tracks["genres"], strict=True):
        assert genre == several[0] and all(up in several for up in above(genre))
    np.savez(tmp_path / "rare.npz", embedding=np.eye(5, dtype=np.float32), genres=["A|B", "A", "A|C", "B|A", "C"])
    few = embeddings(str(tmp_path / "rare.npz"), label="genres", separator="|", min_tracks=3, multi_label=True)
    assert few.genres == ("A",) and len(few) == 4 and few.rejected[0][1] == "no genre"


def test_ancestors_are_found_through_classes_that_are_left_out(data, tmp_path):
    (tmp_path / "deep.csv").write_text("name,parent\nA,\nB,A\nC,B\nD,C\nE,\n")
    taxonomy = tree(str(tmp_path / "deep.csv")).subset(["A", "C", "D", "E"])
    named = [(taxonomy.genres[a], taxonomy.genres[b]) for a, b in ancestor_pairs(taxonomy)]
    assert named == [("A", "C"), ("A", "D"), ("C", "D")]


@pytest.mark.parametrize(("words", "message"), [
    (["target=multi_label", "loss=graph_soft"], "'graph_soft' .*target=multi_label"),
    (["loss=binary_cross_entropy"], "'binary_cross_entropy' .*target=multi_label"),
    (["trainer.monitor=val/track/pr_auc"], "'pr_auc' .*target=multi_label"),
    (["target=multi_label", "trainer.monitor=val/track/accuracy"], "'accuracy' "),
    (["target=multi_label", "model=svm"], "'svm' .*target=multi_label.* knn, logis"),
    (["target=multi_label", "model=pca_gmm"], "'pca_gmm' "),
])  # fmt: skip
def test_what_does_not_fit_is_refused_before_data(words, message):
    with pytest.raises(ConfigError, match=message):
        check(compose(["dataset=embeddings", "dataset.path=/nowhere.npz", "taxonomy=flat", *words]))


def test_a_dataset_of_one_genre_a_track_is_told():
    with pytest.raises(ConfigError, match=r"dataset 'gtzan' .*jamendo"):
        check(compose(["dataset=gtzan", "target=multi_label"]))


def test_folds_are_pooled_and_the_prior_is_of_the_tracks_trained_on(data, tmp_path):
    words = [word for word in overrides(data, tmp_path) if not word.startswith("split.")]
    words += ["split=stratified", "split.folds=3", "split.group_by=null", "target=multi_label", "trainer.max_epochs=1"]
    record = run.train(compose(words), tmp_path / "run", words)
    counted = record["dataset"]["train_targets_of"]
    assert counted == 120  # 40 of 120 tracks in each of three folds: one third tests, one third chooses
    assert max(record["dataset"]["train_targets"]) < counted
    assert len(np.unique(read_predictions(tmp_path / "run" / "predictions.parquet").only("test").track_id)) == 120


@pytest.mark.parametrize("model", ["knn", "logistic_regression", pytest.param("random_forest", marks=pytest.mark.slow)])
def test_what_scikit_learn_fits_learns_several_genres_too(data, tmp_path, model):
    words = [word for word in overrides(data, tmp_path) if not word.startswith(("model.", "optimizer."))]
    words += ["target=multi_label", f"model={model}", *(["model.n_neighbors=15"] if model == "knn" else [])]
    record = run.train(compose(words), tmp_path / "run", words)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["track"]["roc_auc"]["value"] > 0.85
    assert record["loss"]["kind"] == "none" and record["monitor"]["metric"] == "val/track/pr_auc"
    assert 'id="curves"' not in (tmp_path / "run" / "report" / "index.html").read_text()

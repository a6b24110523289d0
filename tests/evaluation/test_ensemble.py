"""Ensembles of finished runs: joined as computed by hand, refused where they would mean nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from genrelab.cli import app
from genrelab.evaluation.ensemble import combine_predictions, ensemble
from genrelab.metrics.multilabel import sigmoid
from genrelab.postprocessing.stacking import fit_stacking_weights
from genrelab.postprocessing.temperature_scaling import log_softmax
from genrelab.runs.predictions import Predictions, concatenate, read_predictions, write_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import write_json
from naming import naming

GENRES = ("jaz03", "jaz06", "blu02", "tec05")
TRACKS = 40


def part(name: str, skill: float, seed: int, segments: int) -> Predictions:
    taxonomy = TAXONOMIES.build("musicmap", {}, genres=()).subset(GENRES)
    number = np.repeat(np.arange(TRACKS), segments)
    target = number % len(GENRES)
    logits = np.random.default_rng([seed, name == "test"]).normal(size=(len(number), len(GENRES)))
    logits[np.arange(len(number)), target] += skill
    return Predictions(
        split=np.full(len(number), name, dtype=object),
        track_id=np.array([f"{name}-{n:03d}" for n in number], dtype=object),
        segment_id=np.tile(np.arange(segments), TRACKS).astype(np.int32),
        target=target.astype(np.int16),
        logits=logits.astype(np.float32),
        genres=taxonomy.genres,
        taxonomy_hash=taxonomy.hash,
    )


def write(folder: Path, kind: str, skill: float = 1.0, seed: int = 0, segments: int = 2, change=None, **record) -> Path:
    """A finished run's folder; `change` alters its predictions."""
    folder.mkdir(parents=True)
    taxonomy = TAXONOMIES.build("musicmap", {}, genres=()).subset(GENRES)
    predictions = concatenate([part(name, skill, seed, segments) for name in ("val", "test")])
    order = np.random.default_rng(seed).permutation(len(predictions))  # the order of rows means nothing
    columns = ("split", "track_id", "segment_id", "target", "logits")
    predictions = replace(predictions, **{name: getattr(predictions, name)[order] for name in columns})
    write_predictions(folder / "predictions.parquet", change(predictions) if change else predictions)
    write_json(folder / "taxonomy.json", taxonomy.to_dict())
    known = {
        "run_id": folder.name,
        "status": "finished",
        "dataset": {"name": "made up", "train_targets": [10] * 4, "tracks": {"train": 40, "val": 40, "test": 40}},
        "taxonomy": {"name": taxonomy.name, "hash": taxonomy.hash},
        "split": {"kind": "grouped", "hash": "abc", "artist_leak": False, "unsafe": False, "fold": None},
        "model": {"kind": kind},
        "features": ["mfcc"],
    }
    write_json(folder / "run.json", known | record)
    return folder


@pytest.fixture
def runs(tmp_path):
    return [write(tmp_path / "a", "knn", 1.0, 1), write(tmp_path / "b", "svm", 1.5, 2)]


def by_key(found: Predictions) -> dict:
    keys = zip(found.split, found.track_id, found.segment_id, strict=True)
    return dict(zip(keys, found.logits, strict=True))


def joined_rows(folders, method):
    return by_key(combine_predictions([RunDir.read(one) for one in folders], method)[1])


@pytest.mark.parametrize("method", ["mean", "mean_log"])
def test_answers_are_joined_segment_by_segment(method, runs):
    a, b = (by_key(RunDir.read(one).predictions) for one in runs)
    joined = joined_rows(runs, method)
    assert a.keys() == joined.keys()
    for key, row in joined.items():
        p, q = (np.exp(log_softmax(one[key])) for one in (a, b))
        wanted = (p + q) / 2 if method == "mean" else np.sqrt(p * q) / np.sqrt(p * q).sum()
        assert np.allclose(np.exp(log_softmax(row)), wanted, atol=1e-5)


def test_the_record_names_its_members_and_the_report_compares_with_each(runs, tmp_path):
    folder = ensemble(runs, "stack", tmp_path / "joined")
    record, metrics = (json.loads((folder / name).read_text()) for name in ("run.json", "metrics.json"))
    assert record["kind"] == "ensemble" and record["status"] == "finished"
    assert [one["run_id"] for one in record["members"]] == ["a", "b"]
    assert record["members"][0]["weight"] < record["members"][1]["weight"], "the better one counts more"
    assert record["command"].startswith("genrelab tools ensemble ") and record["command"].endswith("--method stack")
    assert record["loss"]["kind"] == "none" and record["model"]["kind"] == "ensemble"
    assert record["objective"] == pytest.approx(metrics["val"]["track"]["distance"]["value"])
    assert set(metrics["differences"]["test"]["track"]) == {"knn", "svm"}
    page = (folder / "report" / "index.html").read_text()
    assert "knn (a, " in page and 'id="curves"' not in page


def test_other_segments_are_joined_track_by_track(runs, tmp_path):
    longer = write(tmp_path / "c", "mlp", 1.0, 3, segments=5)
    folder = ensemble([runs[0], longer], "mean_log", tmp_path / "joined")
    found = read_predictions(folder / "predictions.parquet")
    assert len(found) == 2 * TRACKS and set(found.segment_id) == {0}
    a, b, joined = (RunDir.read(one).at_level("test", "track") for one in (runs[0], longer, folder))
    assert np.array_equal(a.track, joined.track) and np.array_equal(a.target, joined.target)
    assert np.allclose(log_softmax(joined.logits), log_softmax((log_softmax(a.logits) + log_softmax(b.logits)) / 2))
    fitted = json.loads((folder / "run.json").read_text())["model"]["fitted"]
    assert fitted["joined"] == "track by track"


def test_stackings_weights_are_the_likeliest():
    generator = np.random.default_rng(0)
    target = generator.integers(3, size=200)
    logs = generator.normal(size=(3, 200, 3))
    logs[:2, np.arange(200), target] += [[1.0], [2.0]]
    logs = log_softmax(logs)

    def loss(weights):
        return -log_softmax(np.tensordot(weights, logs, axes=1))[np.arange(200), target].mean()

    weights = fit_stacking_weights(logs, target)
    assert (weights >= 0).all() and weights[1] > weights[0] > weights[2]
    for step in (-0.02, 0.02):
        for number in range(3):
            moved = weights.copy()
            moved[number] = max(0.0, moved[number] + step)
            assert loss(weights) <= loss(moved) + 1e-9


def test_stacking_looks_at_no_test_genre_and_scores_val_on_tracks_left_out(runs, tmp_path):
    """Other test genres change no answer; a val row's answer does not depend on its own genre."""

    def turned(predictions):
        target = np.where(predictions.split == "test", (predictions.target + 1) % 4, predictions.target)
        return replace(predictions, target=target.astype(np.int16))

    def one_turned(predictions):
        target = predictions.target.copy()
        target[predictions.track_id == "val-007"] = 0
        return replace(predictions, target=target)

    others = []
    for name, change in (("turned", turned), ("one", one_turned)):
        changed = [
            write(tmp_path / f"{name}-a", "knn", 1.0, 1, change=change),
            write(tmp_path / f"{name}-b", "svm", 1.5, 2, change=change),
        ]
        others.append(joined_rows(changed, "stack"))
    own = joined_rows(runs, "stack")
    assert all(np.array_equal(own[key], others[0][key]) for key in own)
    seventh = [key for key in own if key[1] == "val-007"]
    assert all(np.array_equal(own[key], others[1][key]) for key in seventh)
    assert not all(np.array_equal(own[key], others[1][key]) for key in own)


def fewer(predictions):
    keep = predictions.track_id != "test-003"
    columns = ("split", "track_id", "segment_id", "target", "logits")
    return replace(predictions, **{name: getattr(predictions, name)[keep] for name in columns})


def other_genre(predictions):
    target = predictions.target.copy()
    target[predictions.track_id == "val-004"] = 3
    return replace(predictions, target=target)


def val_alone(predictions):
    return predictions.only("val")


@pytest.mark.parametrize(
    ("change", "record", "message"),
    [
        (fewer, {}, r"/c: .*\btest\b.*/a .*\b1 .*test-003"),
        (other_genre, {}, "/c: val-004 .*/a\\b"),
        (val_alone, {}, "/c: (?!.*/a).*\\btest$"),
        (None, {"status": "interrupted"}, "/c: .*interrupted"),
    ],
    ids=["tracks", "genres", "parts", "unfinished"],
)
def test_runs_that_do_not_fit_are_refused(change, record, message, runs, tmp_path):
    wrong = write(tmp_path / "c", "mlp", change=change, **record)
    with pytest.raises(GenrelabError, match=message):
        ensemble([runs[0], wrong], "mean", tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_one_run_and_unknown_methods_are_refused(runs, tmp_path):
    with pytest.raises(GenrelabError, match=naming("ensemble", 1, 2)):
        ensemble(runs[:1], "mean", tmp_path / "joined")
    for twice in ([runs[0], runs[0]], [*runs, runs[0].parent / "." / runs[0].name]):
        with pytest.raises(GenrelabError, match=naming(runs[0], "2 times")):
            ensemble(twice, "mean", tmp_path / "joined")
    with pytest.raises(GenrelabError, match=r"--method stak: .*'stack'"):
        ensemble(runs, "stak", tmp_path / "joined")


def test_stacking_folds_is_refused(tmp_path):
    def pooled(predictions):
        return replace(predictions, track_id=np.array([name[-3:] for name in predictions.track_id], dtype=object))

    folds = [write(tmp_path / name, "knn", seed=seed, change=pooled) for seed, name in enumerate("ab")]
    with pytest.raises(GenrelabError, match=r"/a: 40 .*--method mean"):
        ensemble(folds, "stack", tmp_path / "joined")
    assert (ensemble(folds, "mean", tmp_path / "mean") / "metrics.json").exists()


def test_flags_of_any_member_are_the_ensembles(runs, tmp_path):
    split = {"kind": "grouped", "hash": "other", "artist_leak": True, "unsafe": False, "fold": None}
    leaky = write(tmp_path / "c", "knn", seed=3, split=split)
    folder = ensemble([runs[0], leaky], "mean", tmp_path / "joined")
    record = json.loads((folder / "run.json").read_text())
    assert record["split"]["artist_leak"] and not record["split"]["unsafe"]
    assert any("rained" in text for text in record["warnings"])
    assert set(record["baselines"]) == {"knn a", "knn c"}, "told apart by their runs"


def test_where_tracks_are_cut_apart_segments_must_be_the_same(tmp_path):
    split = {"kind": "random_segments", "hash": "abc", "unsafe": True}

    def others(predictions):
        return replace(predictions, segment_id=predictions.segment_id + 1)

    a, b = (write(tmp_path / name, kind, split=split) for name, kind in (("a", "knn"), ("b", "svm")))
    c = write(tmp_path / "c", "mlp", split=split, change=others)
    folder = ensemble([a, b], "mean", tmp_path / "joined")
    assert json.loads((folder / "run.json").read_text())["split"]["unsafe"]
    with pytest.raises(GenrelabError, match=naming("/c", "val", "/a", "val-000, segment")):
        ensemble([a, c], "mean", tmp_path / "other")


def test_the_verb(runs, tmp_path):
    done = CliRunner().invoke(app, ["tools", "ensemble", *map(str, runs), "--out", str(tmp_path / "joined")])
    assert done.exit_code == 0, done.output
    assert "report: " in done.output and "Accuracy" in done.output


def test_an_ensemble_is_compared_like_any_run(runs, tmp_path):
    from genrelab.evaluation.comparison import compare

    ensemble(runs, "mean", tmp_path / "runs" / "joined")
    found = compare([tmp_path / "runs"])
    assert [run.record["model"]["kind"] for run in found.runs] == ["ensemble"]


def with_several(predictions: Predictions) -> Predictions:
    """A second genre for every third track."""
    number = np.array([int(track.rpartition("-")[2]) for track in predictions.track_id])
    targets = np.eye(4, dtype=bool)[predictions.target] | ((number % 3 == 0)[:, None] & np.eye(4, dtype=bool)[1])
    return replace(predictions, targets=targets)


@pytest.fixture
def several_runs(tmp_path):
    return [
        write(tmp_path / "m", "cnn", 1.0, 1, change=with_several),
        write(tmp_path / "n", "mlp", 1.5, 2, change=with_several),
    ]


@pytest.mark.parametrize("method", ["mean", "mean_log"])
def test_sigmoids_are_joined_segment_by_segment(method, several_runs, tmp_path):
    folder = ensemble(several_runs, method, tmp_path / "joined")
    a, b, joined = (by_key(read_predictions(one / "predictions.parquet")) for one in (*several_runs, folder))
    for key, row in joined.items():
        p, q, r = (sigmoid(one) for one in (a[key], b[key], row))
        odds = np.sqrt(p / (1 - p) * q / (1 - q))
        np.testing.assert_allclose(r, (p + q) / 2 if method == "mean" else odds / (1 + odds), atol=1e-5)
    record, metrics = (json.loads((folder / name).read_text()) for name in ("run.json", "metrics.json"))
    assert record["monitor"]["metric"] == "val/track/pr_auc" and record["monitor"]["mode"] == "max"
    assert record["objective"] == pytest.approx(metrics["val"]["track"]["pr_auc"]["value"])
    assert set(metrics["differences"]["test"]["track"]) == {"cnn", "mlp"}
    found = RunDir.read(folder, allow_multilabel=True).at_level("test", "track")
    assert found.target.sum(axis=1).max() == 2


def test_sigmoids_of_other_segments_are_joined_track_by_track(several_runs, tmp_path):
    longer = write(tmp_path / "c", "gru", 1.0, 3, segments=5, change=with_several)
    folder = ensemble([several_runs[0], longer], "mean", tmp_path / "joined")
    a, b, joined = (
        RunDir.read(one, allow_multilabel=True).at_level("test", "track") for one in (several_runs[0], longer, folder)
    )
    np.testing.assert_allclose(sigmoid(joined.logits), (sigmoid(a.logits) + sigmoid(b.logits)) / 2, atol=1e-5)
    np.testing.assert_array_equal(joined.target, a.target)


def test_runs_of_one_genre_and_of_several_are_not_joined(runs, several_runs, tmp_path):
    with pytest.raises(GenrelabError, match=r"/m: .*several.*/a\b"):
        ensemble([runs[0], several_runs[0]], out=tmp_path / "joined")
    with pytest.raises(GenrelabError, match=r"--method stack: .*--method mean"):
        ensemble(several_runs, "stack", tmp_path / "joined")
    other = write(tmp_path / "o", "svm", change=lambda found: replace(with_several(found), targets=found.logits > 0))
    with pytest.raises(GenrelabError, match=r"/o: .*/m\b"):
        ensemble([several_runs[0], other], out=tmp_path / "joined")

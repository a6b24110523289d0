"""Runs of several genres a track side by side: by their own metrics, and never in one table with others."""

import io

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console
from sklearn.metrics import average_precision_score

from genrelab.evaluation.comparison import compare
from genrelab.evaluation.comparison.console import print_comparison
from genrelab.evaluation.comparison.loader import read_run
from genrelab.evaluation.comparison.write import write_comparison
from genrelab.evaluation.report.formatting import METRIC_TITLES
from genrelab.metrics import paired_difference_of_results
from genrelab.metrics.multilabel import MultilabelPredictions, bootstrap_multilabel_scores
from genrelab.runs.predictions import Predictions, write_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import write_json

GENRES = ("jaz03", "jaz06", "jam02", "blu02")


def write_several(folder, seed=0, skill=1.0, first=0, beta=None, tracks=80):
    """A run's folder without metrics.json: two segments a track, which has one or two genres."""
    taxonomy = TAXONOMIES.build("musicmap", {}, genres=()).subset(GENRES)
    number = np.arange(first, first + tracks)
    target = np.random.default_rng(1).random((1000, 4))[number] < 0.3
    target[np.arange(tracks), number % 4] = True
    target, number = np.repeat(target, 2, axis=0), np.repeat(number, 2)
    noise = np.random.default_rng(seed + 7).normal(0, 1, target.shape)
    hard = np.random.default_rng(2).normal(0, 1, (1000, 4))[number]
    folder.mkdir(parents=True)
    write_predictions(
        folder / "predictions.parquet",
        Predictions(
            split=np.full(len(number), "test", dtype=object),
            track_id=np.array([f"track-{n:04d}" for n in number], dtype=object),
            segment_id=np.tile(np.arange(2), tracks).astype(np.int32),
            target=target.argmax(axis=1).astype(np.int16),
            logits=(noise + hard + skill * (2 * target - 1)).astype(np.float32),
            genres=taxonomy.genres,
            taxonomy_hash=taxonomy.hash,
            targets=target,
        ),
    )
    write_json(folder / "taxonomy.json", taxonomy.to_dict())
    loss = {"kind": "graph_sigmoid" if beta else "binary_cross_entropy", "beta": beta}
    settings = {"seed": seed, "loss": {"kind": loss["kind"]}, "data": {"target": "multi_label"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    record = {
        "run_id": folder.name,
        "status": "finished",
        "dataset": {"name": "made up", "train_targets": [30, 20, 20, 20], "tracks": {"train": 60}},
        "loss": loss,
        "model": {"kind": "mlp"},
    }
    write_json(folder / "run.json", record)
    return folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    root = tmp_path_factory.mktemp("pair")
    return write_several(root / "weak", skill=0.3), write_several(root / "strong", seed=1, skill=2.0)


def test_a_run_is_read_with_its_own_metrics(pair):
    run = read_run(pair[1], "strong")
    rows = run.predictions
    assert run.output_type.multilabel and rows.target.shape == (80, 4)
    expected = average_precision_score(rows.target, rows.logits, average="macro")
    assert run.scores["pr_auc"]["value"] == pytest.approx(expected)


def test_two_runs_are_tested_on_the_same_tracks(pair):
    found = compare(pair, baseline=str(pair[0]))
    assert found.metrics[:2] == ("pr_auc", "roc_auc") and "accuracy" not in found.metrics
    test = next(one for one in found.paired_tests if one)
    assert test.verdict("pr_auc") == "better" and test.verdict("bce") == "better" and test.verdict("labels") is None
    sides = [RunDir.read(path, allow_multilabel=True).at_level("test", "track") for path in pair]
    a, b = (bootstrap_multilabel_scores(MultilabelPredictions(one.logits, one.target, one.track)) for one in sides)
    expected = paired_difference_of_results([a], [b])["pr_auc"]
    own = test.differences["pr_auc"]
    assert [own.value, own.low, own.high] == pytest.approx([expected.value, expected.low, expected.high])


def test_the_terminal_the_page_and_the_tables(pair, tmp_path):
    found = compare(pair, baseline=str(pair[0]))
    console = Console(width=160, record=True, file=io.StringIO())
    print_comparison(found, console)
    text = console.export_text()
    assert ("PR-AUC" in text and "top1" in text) or ("ikeliest" in text and "better" in text and "accuracy" not in text)
    page = write_comparison(found, tmp_path / "out").read_text()
    assert METRIC_TITLES["pr_auc"] in page and METRIC_TITLES["accuracy"] not in page and 'id="two"' not in page
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert table["constant_roc_auc"].tolist() == [0.5, 0.5] and "better" in table["pr_auc_verdict"].tolist()
    assert METRIC_TITLES["pr_auc"] in (tmp_path / "out" / "table.md").read_text()
    assert not (tmp_path / "out" / "genres.csv").exists() and (tmp_path / "out" / "metrics.png").exists()


def test_seeds_make_a_row_and_beta_a_curve(tmp_path):
    for beta in (None, 1.0, 4.0):
        for seed in range(2):
            write_several(tmp_path / f"{beta}-{seed}", seed, 1.0 + (beta or 0.0) / 4, beta=beta)
    found = compare([tmp_path], baseline=str(tmp_path / "None-0"))
    assert [len(row.runs) for row in found.groups] == [2, 2, 2] and found.groups[0].std("pr_auc") > 0
    assert 'id="beta"' in write_comparison(found, tmp_path / "out").read_text()


def test_other_tracks_and_genres_are_refused(pair, tmp_path):
    later = write_several(tmp_path / "later", first=40)
    assert any("--common-tracks" in note for note in compare([pair[0], later]).notes)
    assert compare([pair[0], later], common_tracks=True).paired_tests[1].n_tracks == 40


def test_one_genre_and_several_do_not_stand_in_one_table(pair, make_run, tmp_path):
    make_run(tmp_path / "one")
    config = yaml.safe_load((tmp_path / "one" / "config.yaml").read_text()) | {"data": {"target": "genre"}}
    (tmp_path / "one" / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(GenrelabError, match=r"\b1 of .*\b2 .*--filter data\.target=genre") as told:
        compare([*pair, tmp_path / "one"])
    assert "\n" not in str(told.value)
    assert len(compare([*pair, tmp_path / "one"], filters=["data.target=multi_label"]).groups) == 2

"""Re-deciding a run: what is fitted on val, scored on test, printed and written."""

import json
import re
import shutil

import numpy as np
import pytest
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from genrelab.cli import app
from genrelab.config import compose, conf_dir
from genrelab.evaluation.decisions import reevaluate_run, rule_name, write_reevaluation
from genrelab.evaluation.decisions.console import HEDGED_METRIC_LABELS
from genrelab.evaluation.decisions.reevaluate import SAME_AS_ORIGINAL
from genrelab.evaluation.report.multilabel_scores import score_multilabel_run
from genrelab.metrics import scores
from genrelab.postprocessing import PerClassThresholds, aggregate_segments, track_targets
from genrelab.postprocessing.registry import DECISIONS
from genrelab.postprocessing.temperature_scaling import fit_temperature
from genrelab.runs.predictions import Predictions, write_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.utils.errors import ConfigError, GenrelabError
from genrelab.utils.io import write_json

TRACKS, PER = 60, 4


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """12 genres of the Musicmap; sharpened logits, so that a temperature has something to do."""
    folder = tmp_path_factory.mktemp("evaluated")
    whole = TAXONOMIES.build("musicmap", {}, genres=())
    taxonomy = whole.subset(whole.genres[::21])
    classes = len(taxonomy.genres)
    generator = np.random.default_rng(0)
    rows = 2 * TRACKS * PER
    track = np.repeat(np.arange(2 * TRACKS), PER)
    target = (track % classes).astype(np.int16)
    logits = 3 * (generator.normal(size=(2 * TRACKS, classes))[track] + generator.normal(size=(rows, classes)))
    logits[np.arange(rows), target] += 5
    predictions = Predictions(
        split=np.where(track < TRACKS, "val", "test").astype(object),
        track_id=np.array([f"{number:03d}" for number in track], dtype=object),
        segment_id=np.tile(np.arange(PER), 2 * TRACKS).astype(np.int32),
        target=target,
        logits=logits.astype(np.float32),
        genres=taxonomy.genres,
        taxonomy_hash=taxonomy.hash,
    )
    write_predictions(folder / "predictions.parquet", predictions)
    write_json(folder / "taxonomy.json", taxonomy.to_dict())
    return folder


def call(*arguments):
    done = CliRunner().invoke(app, ["reevaluate", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_it_is_fitted_on_val_and_scored_on_test_at_both_levels(run_dir):
    run = RunDir.read(run_dir)
    found = reevaluate_run(run, "temperature", resamples=50)
    for level, logits_of in (
        ("segment", lambda p: p.logits),
        ("track", lambda p: aggregate_segments(p.logits, p.track_id)[0]),
    ):
        val, test = run.predictions.only("val"), run.predictions.only("test")
        targets = [p.target if level == "segment" else track_targets(p.target, p.track_id) for p in (val, test)]
        temperature = fit_temperature(logits_of(val), targets[0].astype(int))
        assert found[level]["fitted"]["temperature"] == pytest.approx(temperature) and temperature > 1.2
        expected = scores(logits_of(test) / temperature, targets[1], run.distances, run.supergenres, run.medoid)
        for name, value in expected.items():
            assert found[level]["metrics"][name]["value"] == pytest.approx(value), name
        one = found[level]["differences"]
        assert one["accuracy"]["value"] == 0 and one["accuracy"]["p"] == 1
        assert one["nll"]["value"] < 0 and one["ece"]["value"] < 0


def test_differences_and_values_agree(run_dir):
    found = reevaluate_run(RunDir.read(run_dir), "crm", {"truncate": 4.0}, "vote", resamples=50)
    assert found["name"] == "crm-truncate-4.0-vote" and found["part"] == "test"
    one = found["track"]
    assert set(one["metrics"]) == set(one["argmax"]) == set(one["differences"])
    for name, better in one["differences"].items():
        assert better["value"] == pytest.approx(one["metrics"][name]["value"] - one["argmax"][name]["value"]), name
    assert one["rows"] == TRACKS and found["segment"]["rows"] == TRACKS * PER
    json.dumps(found, allow_nan=False)


def test_a_hedge_names_fewer_genres_and_holds_more_often(run_dir):
    found = reevaluate_run(RunDir.read(run_dir), "hedge", {"coverage": 0.5}, resamples=50)["track"]
    assert 0.25 < found["metrics"]["coverage"]["value"] < 0.75
    assert found["differences"]["answered_accuracy"]["value"] > 0
    assert found["argmax"]["coverage"]["value"] == 1


@pytest.mark.parametrize("how", ["mean_prob", "vote", "max", "confidence"])
def test_every_aggregation_is_compared_with_the_default(run_dir, how):
    found = reevaluate_run(RunDir.read(run_dir), "argmax", {}, how, resamples=20)
    assert found["name"] == f"argmax-{how}"
    assert found["segment"]["differences"]["nll"]["value"] == 0 != found["track"]["differences"]["nll"]["value"]


def test_val_can_be_scored_and_says_so(run_dir):
    run = RunDir.read(run_dir)
    found = reevaluate_run(run, "crm", split="val", resamples=20)
    assert re.search(r"\bval\b", found["notes"][0])
    assert write_reevaluation(run, found).name == "crm-val.json"


def test_names_are_fit_for_files():
    assert rule_name("crm", {"power": 1.0, "truncate": None, "calibrate": False}) == "crm-calibrate-False"
    assert rule_name("hedge", {"coverage": 0.8}) == "hedge"


def test_the_verb_prints_and_writes(run_dir, tmp_path):
    folder = shutil.copytree(run_dir, tmp_path / "run")
    output = call(folder, "decision=crm", "decision.power=2.0", "aggregation=vote")
    assert "argmax" in output and "distance skill" in output and re.search(r"\bval, tracks: temperature \d", output)
    written = json.loads((folder / "decisions" / "crm-power-2.0-vote.json").read_text())
    assert written["decision"] == {"kind": "crm", "power": 2.0, "truncate": None, "calibrate": True}
    assert HEDGED_METRIC_LABELS["coverage"] in call(folder, "decision=hedge")
    assert SAME_AS_ORIGINAL in " ".join(call(folder).split()) and SAME_AS_ORIGINAL not in " ".join(output.split())
    assert "Example: genrelab reevaluate" in call("--help")


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        (["decision=crmm"], "decision 'crmm'.*'crm'"),
        (["decision=crm", "decision.trunkate=3"], r"decision\.trunkate: .*'truncate'"),
        (["decision=crm", "decision.truncate=-1"], r"decision\.truncate: -1 .*\b0\b"),
        (["aggregation=voet"], "aggregation: .*'voet'.*'vote'"),
        (["eval_split=train"], "'train'.*test, val"),
    ],
)
def test_mistakes_are_one_line(run_dir, choices, text):
    with pytest.raises((ConfigError, GenrelabError)) as caught:
        call(run_dir, *choices)
    assert re.search(text, str(caught.value))


def test_every_option_composes():
    for option in sorted((conf_dir() / "decision").glob("*.yaml")):
        assert compose([f"decision={option.stem}"], name="reevaluate")["decision"]["kind"] in DECISIONS.kinds()


def test_documented_commands_are_right():
    page = (conf_dir().parent / "docs" / "decisions.md").read_text()
    commands = [line.split()[3:] for line in page.splitlines() if line.startswith("genrelab reevaluate RUN")]
    assert len(commands) > 4
    for choices in commands:
        compose([word for word in choices if "=" in word], name="reevaluate")


@pytest.fixture(scope="module")
def several_dir(tmp_path_factory):
    """Predictions of 120 tracks with one to three of four genres, whose probabilities are too low."""
    folder = tmp_path_factory.mktemp("several")
    taxonomy = TAXONOMIES.build("musicmap", {}, genres=()).subset(("jaz03", "jaz06", "blu02", "tec05"))
    draw = np.random.default_rng(0)
    targets = np.repeat(draw.random((240, 4)) < (0.4, 0.3, 0.2, 0.02), 2, axis=0)
    targets[~targets.any(axis=1), 0] = True
    rows = len(targets)
    predictions = Predictions(
        split=np.repeat(np.array(["val", "test"], dtype=object), rows // 2),
        track_id=np.repeat(np.array([f"t{n:03d}" for n in range(240)], dtype=object), 2),
        segment_id=np.tile(np.arange(2), 240).astype(np.int32),
        target=targets.argmax(axis=1).astype(np.int16),
        logits=(draw.normal(size=(rows, 4)) + 2.0 * targets - 2.5).astype(np.float32),
        genres=taxonomy.genres,
        taxonomy_hash=taxonomy.hash,
        targets=targets,
    )
    write_predictions(folder / "predictions.parquet", predictions)
    write_json(folder / "taxonomy.json", taxonomy.to_dict())
    write_json(folder / "run.json", {"dataset": {"train_targets": [40, 30, 20, 2], "tracks": {"train": 100}}})
    return folder


def test_thresholds_answer_more_than_a_half_and_rank_the_same(several_dir):
    run = RunDir.read(several_dir, allow_multilabel=True)
    found = reevaluate_run(run, "thresholds", {}, resamples=100)
    one = found["track"]
    rows, decision = run.at_level("test", "track"), PerClassThresholds(np.array([0.4, 0.3, 0.2, 0.02]))
    val = run.at_level("val", "track")
    decision.fit(val.logits, val.target)
    assert list(one["thresholds"].values()) == pytest.approx(decision.values.tolist())
    for average in ("micro", "macro"):
        expected = f1_score(rows.target, decision.decide(rows.logits), average=average)
        assert one["metrics"][f"f1_{average}"]["value"] == pytest.approx(expected)
        assert one["half"][f"f1_{average}"]["value"] == pytest.approx(
            f1_score(rows.target, rows.logits > 0, average=average)
        )
    gain = one["differences"]["f1_macro"]
    assert gain["low"] > 0 and one["metrics"]["labels"]["value"] > one["half"]["labels"]["value"]
    for name in ("pr_auc", "roc_auc", "top1", "bce"):
        assert one["differences"][name]["value"] == 0
    json.dumps(found, allow_nan=False)


def test_half_is_no_different_and_other_aggregates_are(several_dir):
    run = RunDir.read(several_dir, allow_multilabel=True)
    found = reevaluate_run(run, "thresholds", {"rule": "half"}, resamples=20)
    assert all(one["value"] in (0, None) for one in found["track"]["differences"].values())
    told = score_multilabel_run(run, resamples=20)["test"]
    assert found["track"]["half"] == told["track"] and found["segment"]["half"] == told["segment"]
    found = reevaluate_run(run, "thresholds", {}, "max", resamples=20)
    assert found["name"] == "thresholds-max" and found["track"]["differences"]["pr_auc"]["value"] != 0


def test_the_verb_chooses_thresholds_for_several_genres(several_dir, run_dir, tmp_path):
    folder = shutil.copytree(several_dir, tmp_path / "run")
    output = call(folder)
    assert "F1, macro" in output and "from 0.5 on" in output and re.search(r"\bval, tracks: lowest", output)
    assert (folder / "decisions" / "thresholds.json").exists()
    for where, words, text in (
        (folder, ["decision=crm"], "'crm'.*thresholds"),
        (folder, ["aggregation=vote"], "aggregation: .*'vote'"),
        (run_dir, ["decision=thresholds"], "'thresholds' "),
    ):
        with pytest.raises(ConfigError) as caught:
            call(where, *words)
        assert re.search(text, str(caught.value)) and "\n" not in str(caught.value)

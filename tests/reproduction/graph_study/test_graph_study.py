"""A tiny study: its tables are what its runs' predictions give, its verdicts what was put in."""

import json
import shutil

import numpy as np
import pytest
import yaml

from genrelab.cli import app
from genrelab.evaluation.comparison.groups import FLAGS
from genrelab.evaluation.decisions import build_rule
from genrelab.evaluation.report.scores import score_multiclass_run
from genrelab.metrics import scores
from genrelab.reproduction.graph_study import read_studies, render_page, score_study, write_page
from genrelab.reproduction.graph_study.page import conclusion, recommendation
from genrelab.reproduction.graph_study.score import AdjustedTest, Condition, StudyScores, holm_correction
from genrelab.runs.predictions import Predictions, write_predictions
from genrelab.runs.run_dir import RunDir, predictions_at_level
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import write_json
from naming import naming

GENRES = ("jaz03", "jaz06", "jam02", "blu02", "tec05", "hou07")
LOSSES = {
    "cross_entropy": {"kind": "cross_entropy", "label_smoothing": 0.0},
    "smooth": {"kind": "cross_entropy", "label_smoothing": 0.1},
    "hxe": {"kind": "hxe", "alpha": 0.3},
    "soft": {"kind": "graph_soft", "scale": "row"},
}
SKILL = {"cross_entropy": 1.0, "smooth": 1.0, "hxe": -0.5, "soft": 4.0}  # how well each was "trained"
PER_PART = 90


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    taxonomy = TAXONOMIES.build("musicmap", {}, genres=()).subset(GENRES)
    for number, (loss, seed) in enumerate((loss, seed) for loss in LOSSES for seed in range(2)):
        write_run(root / str(number), taxonomy, loss, seed)
    return root


def write_run(folder, taxonomy, loss, seed):
    folder.mkdir()
    generator = np.random.default_rng([seed, list(LOSSES).index(loss)])
    count = 2 * PER_PART
    target = np.arange(count) % len(GENRES)
    logits = generator.normal(size=(count, len(GENRES))).astype(np.float32)
    logits[np.arange(count), target] += SKILL[loss] + np.random.default_rng(9).normal(size=count)
    parts = np.repeat(np.array(["val", "test"], dtype=object), PER_PART)
    write_predictions(
        folder / "predictions.parquet",
        Predictions(
            parts,
            np.array([f"track-{n:03d}" for n in range(count)], dtype=object),
            np.zeros(count, np.int32),
            target.astype(np.int16),
            logits,
            taxonomy.genres,
            taxonomy.hash,
        ),
    )
    write_json(folder / "taxonomy.json", taxonomy.to_dict())
    (folder / "config.yaml").write_text(
        yaml.safe_dump({"seed": seed, "loss": LOSSES[loss], "trainer": {"max_epochs": 3}})
    )
    record = {
        "status": "finished",
        "seconds": 1.5,
        "dataset": {"name": "tiny", "train_targets": [3] * 6, "tracks": {"train": 18, "val": 90, "test": 90}},
        "split": {"kind": "grouped"},
        "model": {"kind": "mlp", "parameters": 100},
        "loss": {"kind": LOSSES[loss]["kind"], "beta": 1.5 if loss == "soft" else None},
    }
    write_json(folder / "run.json", record)
    write_json(folder / "metrics.json", score_multiclass_run(RunDir.read(folder)))


@pytest.fixture(scope="module")
def scored(study):
    ((name, rows),) = read_studies([study])
    return score_study(name, rows, resamples=600)


def test_losses_are_called_by_what_tells_them_apart(scored):
    assert list(dict.fromkeys(one.loss for one in scored.conditions)) == [
        "cross_entropy",
        "cross_entropy, label smoothing 0.1",
        "graph_soft, beta 1.5",
        "hxe",
    ]
    assert scored.controls[0] == ("cross_entropy", "crm")
    assert scored.controls[1:] == tuple((loss, "argmax") for loss in ("cross_entropy", scored.conditions[2].loss))


@pytest.mark.parametrize("decision", ["argmax", "crm"])
def test_the_table_is_what_the_predictions_give(study, scored, decision):
    for loss, name in zip(
        LOSSES, ("cross_entropy", "cross_entropy, label smoothing 0.1", "hxe", "graph_soft, beta 1.5"), strict=True
    ):
        values = []
        for seed in range(2):
            run = RunDir.read(study / str(2 * list(LOSSES).index(loss) + seed))
            val, test = (predictions_at_level(run.predictions.only(part), "track") for part in ("val", "test"))
            rule = build_rule(run, decision, {})
            rule.fit(val.logits, val.target)
            decided = rule.decide(test.logits)
            found = scores(decided.ranking_scores, test.target, run.distances, run.supergenres, run.medoid)
            assert found["accuracy"] == pytest.approx((decided.prediction == test.target).mean())
            away = run.distances[test.target, decided.prediction]
            assert found["distance"] == pytest.approx(away.mean())
            values.append([found[metric] for metric in ("accuracy", "top3", "distance", "distance_skill", "hub_share")])
        setting = scored.get(name, decision)
        got = [setting.scores[metric][0] for metric in ("accuracy", "top3", "distance", "distance_skill", "hub_share")]
        assert got == pytest.approx(np.mean(values, axis=0))
        row = next(line for line in render_page([scored]).splitlines() if line.startswith(f"| {name} | {decision} | "))
        accuracy, top3, distance, skill, *_ = row.split(" | ")[2:]
        told = [float(cell.split(" ")[0]) for cell in (accuracy, top3, distance, skill)]
        assert told == pytest.approx(np.mean(values, axis=0)[:4] * [100, 100, 1, 1], abs=0.051)


def test_what_was_put_in_is_found(scored):
    control = scored.controls[0]
    verdict = {one.loss: one.tests[control]["distance_skill"].verdict for one in scored.conditions_tested(control)}
    assert verdict["graph_soft, beta 1.5"] == "better"
    assert verdict["hxe"] == "worse"
    assert verdict["cross_entropy, label smoothing 0.1"] == "no difference shown"
    told = "\n".join(conclusion([scored]))
    assert "`graph_soft, beta 1.5` by argmax" in recommendation([scored])
    assert "worse: `hxe` by argmax" in told


def setting(loss, decision, value, p, top1=0.0, top1_p=1.0):
    tests = {
        "distance_skill": AdjustedTest(value, value - 0.1, value + 0.1, p),
        "accuracy": AdjustedTest(top1, top1, top1, top1_p),
    }
    return Condition(loss, decision, {"distance_skill": (0.3 + value, 0, 1)}, {("cross_entropy", "crm"): tests})


def made(*settings, stand_in=False, unsafe=False):
    control = Condition("cross_entropy", "crm", {"distance_skill": (0.3, 0, 1)}, {})
    return StudyScores(
        "made", {"stand_in": stand_in, "unsafe": unsafe}, (control, *settings), (("cross_entropy", "crm"),)
    )


def test_the_rule_recommends_nothing_that_is_worse_anywhere():
    helps, no_more = setting("hxe", "crm", 0.1, 0.01), setting("hxe", "crm", 0.0, 0.9)
    assert "`hxe`" in recommendation([made(helps), made(no_more)])
    costs = setting("hxe", "crm", 0.1, 0.01, top1=-0.2, top1_p=0.01)
    for studies in (
        [made(helps), made(costs)],
        [made(no_more), made(helps, stand_in=True)],
        [made(no_more), made(helps, unsafe=True)],
    ):
        assert "`hxe`" not in recommendation(studies) and "`cross_entropy`" in recommendation(studies)


def test_holm_against_the_definition():
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm_correction(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_correction([0.5, 0.9]) == [1.0, 1.0]
    assert holm_correction([]) == []


def test_the_command_writes_page_and_picture(study, tmp_path, capsys):
    app(["tools", "loss-study", str(study), "--out", str(tmp_path), "--resamples", "200"], standalone_mode=False)
    page = (tmp_path / "graph_study.md").read_text()
    assert "| tiny | 6 | 18, 90, 90 | `mlp` | 100 |  | 3 | 8 | 12 |" in page
    assert (tmp_path / "images" / "graph_study.png").stat().st_size > 10_000
    assert "wrote" in capsys.readouterr().out


def test_an_unsafe_split_is_marked_wherever_scores_stand(study, tmp_path):
    shutil.copytree(study, tmp_path / "study")
    for file in (tmp_path / "study").glob("*/run.json"):
        record = json.loads(file.read_text())
        write_json(file, {**record, "split": {"kind": "random_segments", "unsafe": True}})
    ((name, rows),) = read_studies([tmp_path / "study"])
    page = render_page([score_study(name, rows, resamples=50)])
    assert "- **tiny, UNSAFE**. CRM moves" in page and "\n## tiny, UNSAFE\n" in page and "| tiny, UNSAFE | 6 |" in page
    assert FLAGS["unsafe"] in page
    chosen = recommendation([score_study(name, rows, resamples=50)])
    assert "`cross_entropy`" in chosen and "`graph_soft" not in chosen and "`hxe" not in chosen


def test_a_study_needs_cross_entropy(study, tmp_path):
    with pytest.raises(GenrelabError, match=naming(tmp_path, "python sweep.py search=graph_study")):
        read_studies([tmp_path])
    for number in (4, 6):
        (tmp_path / str(number)).symlink_to(study / str(number))
    with pytest.raises(GenrelabError, match=naming("tiny", 2, 0)):
        read_studies([tmp_path / "4", tmp_path / "6"])


def test_tested_tracks_must_be_the_same(study, tmp_path):
    shutil.copytree(study, tmp_path / "study")
    broken = tmp_path / "study" / "7"
    run = RunDir.read(broken)
    one = run.predictions
    keep = np.arange(len(one.target)) < len(one.target) - 1
    fewer = Predictions(
        *(getattr(one, name)[keep] for name in ("split", "track_id", "segment_id", "target", "logits")),
        one.genres,
        one.taxonomy_hash,
    )
    write_predictions(broken / "predictions.parquet", fewer)
    ((name, rows),) = read_studies([tmp_path / "study"])
    with pytest.raises(GenrelabError, match=naming("tiny", "run 7", "run 0")):
        score_study(name, rows)


def test_picture_and_page_are_the_same_again(scored, tmp_path):
    told = write_page([scored], tmp_path / "told", "Run twice.\n")[0].read_text()
    assert told.startswith(render_page([scored])) and told.endswith("\n\nRun twice.\n")
    first = [path.read_bytes() for path in write_page([scored], tmp_path / "a")]
    assert first == [path.read_bytes() for path in write_page([scored], tmp_path / "b")]
    json.dumps(scored.facts)

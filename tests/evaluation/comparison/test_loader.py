"""Which runs are found, and what is said of the others."""

from __future__ import annotations

import json
import re

import pytest

from genrelab.evaluation.comparison import compare
from genrelab.evaluation.comparison.loader import find_runs
from genrelab.runs.run_record import DEAD
from genrelab.utils.errors import GenrelabError
from naming import naming


def test_runs_are_found_at_any_depth_and_each_once(make_run, tmp_path):
    for name in ("runs/a", "sweeps/study/2", "sweeps/study/10"):
        make_run(tmp_path / name)
    (tmp_path / "runs" / "a" / "report").mkdir()
    runs, left = find_runs([tmp_path, tmp_path / "runs", tmp_path / "runs" / "a"])
    assert [run.name for run in runs] == ["runs/a", "sweeps/study/2", "sweeps/study/10"] and not left


def test_a_k_fold_run_counts_once_by_its_outer_folder(make_run, tmp_path):
    outer = make_run(tmp_path / "run")
    for fold in range(2):
        make_run(outer / f"fold-{fold}", seed=fold)
    runs, _ = find_runs([tmp_path])
    assert [run.path.name for run in runs] == ["run"]
    runs, _ = find_runs([outer, outer / "fold-0"])
    assert [run.path.name for run in runs] == ["run"]
    runs, _ = find_runs([outer / "fold-0", outer / "fold-1"])
    assert [run.path.name for run in runs] == ["fold-0", "fold-1"]


def test_failed_unfinished_and_broken_runs_are_left_out_with_the_reason(make_run, tmp_path):
    make_run(tmp_path / "good")
    make_run(tmp_path / "failed", status="failed", error="OSError: disk full")
    make_run(tmp_path / "running", status="running")
    make_run(tmp_path / "pruned", status="pruned")
    (make_run(tmp_path / "half") / "run.json").write_text('{"status": "fini')
    (make_run(tmp_path / "list") / "run.json").write_text("[]")
    empty = make_run(tmp_path / "empty")
    for name in ("predictions.parquet", "metrics.json"):
        (empty / name).unlink()
    (make_run(tmp_path / "odd") / "metrics.json").write_text("{}")
    runs, left = find_runs([tmp_path])
    assert [run.name for run in runs] == ["good"]
    reasons = {one.path.name: one.reason for one in left}
    assert "failed" in reasons["failed"] and "OSError: disk full" in reasons["failed"]
    assert DEAD in reasons["running"] and reasons["pruned"] == "pruned"
    assert re.search(r"^run\.json: .*line 1 column 12", reasons["half"]) and reasons["list"].startswith("run.json: ")
    assert (
        re.search(naming("predictions.parquet", "metrics.json"), reasons["empty"])
        and "genrelab report" in reasons["odd"]
    )
    assert not any("\n" in reason for reason in reasons.values())


def test_a_run_without_scores_is_scored_from_its_predictions(make_run, tmp_path):
    folder = make_run(tmp_path / "run")
    before = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").unlink()
    (run,), _ = find_runs([folder])
    assert run.scores == before["test"]["track"]
    assert not (folder / "metrics.json").exists()


def test_a_run_of_which_only_the_scores_are_left(make_run, tmp_path):
    one, two = make_run(tmp_path / "one"), make_run(tmp_path / "two", beta=2.0)
    (one / "predictions.parquet").unlink()
    found = compare([tmp_path])
    assert len(found.groups) == 2 and found.notes
    with pytest.raises(GenrelabError, match=re.escape(two.name)):
        compare([tmp_path], baseline=str(two))


def test_what_is_no_folder_of_runs_is_said_in_one_line(make_run, tmp_path):
    run = make_run(tmp_path / "run", status="failed", error="ValueError: x")
    (tmp_path / "void").mkdir()
    (tmp_path / "file").touch()
    for path, text in (
        (tmp_path / "nowhere", "/nowhere: "),
        (tmp_path / "file", r"/file: (?!.*/run\b)"),
        (run / "run.json", r"/run\.json: .*/run$"),
        (tmp_path / "void", r"/void\b"),
        (run, r"ValueError: x"),
    ):
        with pytest.raises(GenrelabError, match=text) as caught:
            compare([path])
        assert "\n" not in str(caught.value)

"""Sentences, banners and the terminal's table."""

from __future__ import annotations

import io
import math
import re

import pytest

from genrelab.engine.linear_baseline import NAME as LOGISTIC
from genrelab.evaluation.report import summary_table
from genrelab.evaluation.report.formatting import (
    format_duration,
    format_interval,
    format_metric,
    format_whole_percent,
    report_warnings,
    summary_sentences,
)
from genrelab.evaluation.report.scores import score_multiclass_run
from genrelab.runs.run_dir import RunDir
from genrelab.utils.errors import GenrelabError


def told(folder) -> list[tuple[str, str]]:
    run = RunDir.read(folder)
    return report_warnings(run, score_multiclass_run(run))


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"split": {"artist_leak": True}}, "alert", "artist_leak"),
        ({"split": {"artists": "unknown"}}, "note", "Artists"),
        ({"split": {"unsafe": True}}, "alert", "UNSAFE"),
        ({"dataset": {"stand_in": True}}, "alert", "stand-in"),
        ({"status": "failed", "error": "OSError: no space"}, "alert", "failed: OSError: no space"),
        ({"dataset": {"padded": 1}}, "note", "audio.short_tracks=pad"),
        ({"dataset": {"upsampled": 2}}, "note", "2 tracks"),
        ({"warnings": ["7 files were left out"]}, "note", "7 files were left out"),
        ({"baselines": {"lost": {"predictions": "gone.parquet"}}}, "note", "gone.parquet"),
    ],
)
def test_report_warnings_one_fact_adds_one_banner(run_folder, edit_record, changes, kind, text):
    edit_record(run_folder, dataset={})
    before = told(run_folder)
    edit_record(run_folder, **changes)
    [(found, line)] = [one for one in told(run_folder) if one not in before]
    assert found == kind and text in line


def test_nothing_is_said_twice(run_folder, edit_record):
    edit_record(run_folder, split={"artist_leak": True}, warnings=["too high for new artists (artist_leak)", "a", "a"])
    lines = [line for _, line in told(run_folder)]
    assert sum("artist_leak" in line for line in lines) == 1 and lines.count("a") == 1


def test_a_run_that_learnt_nothing_is_told_so(make_run, tmp_path):
    lines = told(make_run(tmp_path / "run", classes=12, tracks=24, skill=0.0, most=3))
    assert any(kind == "alert" and "accuracy" in line for kind, line in lines)
    assert any("24 test tracks" in line for _, line in lines)


def test_the_verdict_says_value_interval_constant_and_skill(run_folder):
    run = RunDir.read(run_folder)
    metrics = score_multiclass_run(run)
    lines = summary_sentences(run, metrics)
    accuracy = metrics["test"]["track"]["accuracy"]
    value, low, high = (f"{100 * accuracy[key]:.0f}" for key in ("value", "low", "high"))
    title = run.taxonomy.titles[run.taxonomy.index(metrics["majority"])]
    assert re.search(rf"{value} % \[{low}, {high}\] .*48 test tracks.*{re.escape(title)}.* 8\.3 %", lines[0])
    assert f" {metrics['test']['track']['distance_skill']['value']:.2f} [" in lines[1]
    assert LOGISTIC in lines[2]


def test_numbers_carry_their_units():
    assert [format_metric(*one) for one in (("accuracy", 0.71), ("distance", 1.234), ("never_predicted", 3.0))] == [
        "71.0 %",
        "1.23",
        "3",
    ]
    assert format_metric("distance_skill", -0.1) == "\N{MINUS SIGN}0.10" and format_metric("nll", None) == "\N{EN DASH}"
    assert format_interval("accuracy", {"low": 0.625, "high": 0.8}) == "[62.5, 80.0]"
    assert format_interval("nll", {"low": None, "high": None}) == ""
    assert [format_whole_percent(one) for one in (0.0, 0.083, 0.714, 1.0)] == ["0 %", "8.3 %", "71 %", "100 %"]


def test_how_long_a_stage_took():
    assert [format_duration(one) for one in (0.04, 59.9, 185.2, 7_830)] == [
        "0.0 s",
        "59.9 s",
        "3 min 5 s",
        "2 h 10 min",
    ]


def test_scores_in_the_record_serve_as_baseline(run_folder, edit_record):
    edit_record(run_folder, baselines={"a paper": {"accuracy": 0.4321, "year": 2026}})
    found = score_multiclass_run(RunDir.read(run_folder))
    assert found["baselines"]["test"]["track"]["a paper"] == {"accuracy": {"value": 0.4321, "low": None, "high": None}}
    assert "a paper" not in found["baselines"]["val"]["track"]


@pytest.mark.parametrize("classes", [3, 12])
def test_the_summary_fits_a_terminal_and_shows_the_headline(make_run, tmp_path, classes):
    from rich.console import Console

    folder = make_run(tmp_path / "run", classes=classes, tracks=24, most=3)
    metrics = score_multiclass_run(RunDir.read(folder))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(summary_table(metrics))
    shown = console.export_text()
    accuracy = metrics["test"]["track"]["accuracy"]
    assert f"{format_metric('accuracy', accuracy['value'])} {format_interval('accuracy', accuracy)}" in shown
    assert "…" not in shown and max(map(len, shown.splitlines())) <= 80
    assert ("Top 3" in shown) == (classes > 3)
    assert all(math.isfinite(one["value"]) for one in metrics["test"]["track"].values())
    with pytest.raises(GenrelabError, match=r"metrics\.json: .*genrelab report"):
        summary_table(folder)


def test_a_handful_of_test_tracks_says_nothing_and_is_compared_all_the_same(make_run, tmp_path):
    run = RunDir.read(make_run(tmp_path / "run", classes=3, tracks=3, skill=9.0, most=3))
    metrics = score_multiclass_run(run)
    lines = summary_sentences(run, metrics)
    assert lines[0].startswith("3 test tracks") and " 100 %" in lines[1]
    assert LOGISTIC in lines[2]
    assert metrics["test"]["track"]["accuracy"]["value"] == 1
    assert metrics["test"]["track"]["f1_macro"] == {"value": 1.0, "low": pytest.approx(0.438, abs=0.01), "high": 1.0}
    assert metrics["test"]["track"]["distance"] == {"value": 0.0, "low": None, "high": None}


@pytest.mark.parametrize(
    ("overrides", "config", "found"),
    [
        (["experiment=quickstart", "debug=fast"], "", "debug=fast"),
        ([], "trainer:\n  max_epochs: 3\n  limit_train_batches: 4\n", "trainer.limit_train_batches=4"),
        (["debug=null"], "trainer:\n  limit_train_batches: null\n", ""),
    ],
)
def test_debug_runs_say_that_they_are(run_folder, edit_record, overrides, config, found):
    edit_record(run_folder, overrides=overrides)
    (run_folder / "config.yaml").write_text(config)
    run = RunDir.read(run_folder)
    lines = summary_sentences(run, score_multiclass_run(run))
    assert (f"({found})" in lines[0]) == bool(found)


def test_the_terminal_counts_tracks_and_left_out_files_once(run_folder, edit_record, capsys, monkeypatch):
    from genrelab.evaluation.report import print_summary, write_report

    monkeypatch.setattr("genrelab.evaluation.report.writer.draw_confusion", lambda *_: None)
    monkeypatch.setattr("genrelab.evaluation.report.writer.draw_curves", lambda *_: None)
    edit_record(run_folder, warnings=["1 file was left out; run.json lists them with reasons"])
    write_report(run_folder)
    print_summary(run_folder)
    shown = " ".join(capsys.readouterr().out.split())
    assert re.match(r"train 84 / val 48 / test 48 tracks; 1 file .*run\.json", shown)
    assert shown.count("run.json") == 1 and shown.count("1 file") == 1

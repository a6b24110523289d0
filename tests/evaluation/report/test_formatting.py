"""Sentences, banners and the terminal's table."""

from __future__ import annotations

import io
import math

import pytest

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
        ({"split": {"artist_leak": True}}, "alert", "Artists appear on both sides of the split (artist_leak)"),
        ({"split": {"artists": "unknown"}}, "note", "Artists are unknown"),
        ({"split": {"unsafe": True}}, "alert", "UNSAFE split"),
        ({"dataset": {"stand_in": True}}, "alert", "The music is a stand-in"),
        ({"status": "failed", "error": "OSError: no space"}, "alert", "The run failed: OSError: no space"),
        ({"dataset": {"padded": 1}}, "note", "1 track shorter than one segment, padded"),
        ({"dataset": {"upsampled": 2}}, "note", "2 tracks of a lower sample rate"),
        ({"warnings": ["7 files were left out"]}, "note", "7 files were left out"),
        ({"baselines": {"lost": {"predictions": "gone.parquet"}}}, "note", "the baseline lost is left out"),
    ],
)
def test_what_a_reader_must_know_stands_on_top(run_folder, edit_record, changes, kind, text):
    assert not any(line.startswith(text) for _, line in told(run_folder)) or "stand-in" in text
    edit_record(run_folder, **changes)
    assert any(found == kind and line.startswith(text) for found, line in told(run_folder))


def test_nothing_is_said_twice(run_folder, edit_record):
    edit_record(run_folder, split={"artist_leak": True}, warnings=["too high for new artists (artist_leak)", "a", "a"])
    lines = [line for _, line in told(run_folder)]
    assert sum("artist_leak" in line for line in lines) == 1 and lines.count("a") == 1


def test_a_run_that_learnt_nothing_is_told_so(make_run, tmp_path):
    lines = told(make_run(tmp_path / "run", classes=12, tracks=24, skill=0.0, most=3))
    assert any(kind == "alert" and "nothing is shown to be learnt" in line for kind, line in lines)
    assert any("Only 24 test tracks" in line for _, line in lines)


def test_the_verdict_says_value_interval_constant_and_skill(run_folder):
    run = RunDir.read(run_folder)
    metrics = score_multiclass_run(run)
    lines = summary_sentences(run, metrics)
    accuracy = metrics["test"]["track"]["accuracy"]
    value, low, high = (f"{100 * accuracy[key]:.0f}" for key in ("value", "low", "high"))
    title = run.taxonomy.titles[run.taxonomy.index(metrics["majority"])]
    assert lines[0] == f"Accuracy {value} % [{low}, {high}] on 48 test tracks; always answering {title} gives 8.3 %."
    assert f"distance skill {metrics['test']['track']['distance_skill']['value']:.2f} [" in lines[1]
    assert lines[2].startswith("Against logistic regression on mean features, on the same tracks: ")


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
    with pytest.raises(GenrelabError, match="write it with: genrelab report"):
        summary_table(folder)


def test_a_handful_of_test_tracks_says_nothing_and_is_not_compared(make_run, tmp_path):
    run = RunDir.read(make_run(tmp_path / "run", classes=3, tracks=3, skill=9.0, most=3))
    metrics = score_multiclass_run(run)
    lines = summary_sentences(run, metrics)
    assert lines[0] == "3 test tracks: this says nothing yet." and lines[1].startswith("Accuracy ")
    assert len(lines) == 2 and "differences" in metrics
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
    assert (lines[0] == f"Debug run ({found}): scores mean nothing.") == bool(found)


def test_the_terminal_counts_tracks_and_left_out_files_once(run_folder, edit_record, capsys, monkeypatch):
    from genrelab.evaluation.report import print_summary, write_report

    monkeypatch.setattr("genrelab.evaluation.report.writer.draw_confusion", lambda *_: None)
    monkeypatch.setattr("genrelab.evaluation.report.writer.draw_curves", lambda *_: None)
    edit_record(run_folder, warnings=["1 file was left out; run.json lists them with reasons"])
    write_report(run_folder)
    print_summary(run_folder)
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("train 84 / val 48 / test 48 tracks; 1 file left out (run.json says why)")
    assert shown.count("left out") == 1

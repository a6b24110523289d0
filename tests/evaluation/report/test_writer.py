"""The files of a report, their numbers, and a page that says what `metrics.json` says."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genrelab.engine.linear_baseline import NAME as LOGISTIC
from genrelab.evaluation.report import write_report
from genrelab.evaluation.report.formatting import METRIC_TITLES, format_interval, format_metric
from genrelab.metrics import EXTENDED_METRICS, METRICS, bootstrap_intervals, scores
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID, RANDOM
from genrelab.postprocessing import aggregate_segments, track_targets
from genrelab.runs.predictions import Predictions, read_predictions, write_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.runs.run_record import DEAD
from genrelab.utils.errors import GenrelabError

ALL = (3, 12, 248)
FILES = {
    "index.html",
    "metrics.png",
    "per_genre.csv",
    "mistakes.csv",
    *(
        f"confusion_{noun}_{kind}.{end}"
        for noun in ("genre", "supergenre")
        for kind in ("counts", "percent")
        for end in ("csv", "png")
    ),
}


class Page(HTMLParser):
    """Collects a page's tags, its text, and the addresses that a browser would load or follow."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.followed: list[str] = []
        self.ids: set[str] = set()
        self.words = ""
        self.rows: list[list[str]] = []
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.tags.append(tag)
        self.open.append(tag)
        self.ids |= {known["id"]} if "id" in known else set()
        self.loaded += [known[name] for name in ("src", "srcset", "data", "poster", "xlink:href") if name in known]
        if "href" in known:
            (self.followed if tag == "a" else self.loaded).append(known["href"])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "script" in self.open or "style" in self.open:
            return
        self.words += data
        if self.rows and self.rows[-1] and ("td" in self.open or "th" in self.open):
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        return next([" ".join(cell.split()) for cell in row] for row in self.rows if row and row[0].strip() == first)


def metrics_of(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture
def without_png(monkeypatch):
    """Tests about the page's text need not wait for matplotlib."""
    monkeypatch.setattr("genrelab.evaluation.report.writer.draw_confusion", lambda *_: None)
    monkeypatch.setattr("genrelab.evaluation.report.writer.draw_curves", lambda *_: None)


@pytest.mark.parametrize("classes", ALL)
def test_every_file_is_there_and_nothing_half_written(reports, classes):
    report = reports[classes] / "report"
    names = {path.name for path in report.iterdir()}
    assert names >= FILES
    assert not [name for name in names if name.startswith(".") or ".part" in name]
    for path in report.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG"), path.name
        assert path.stat().st_size > 3_000, path.name


@pytest.mark.parametrize("classes", ALL)
def test_the_page_loads_nothing_and_its_links_lead_somewhere(reports, classes):
    page = Page(reports[classes] / "report" / "index.html")
    assert all(address.startswith("data:") for address in page.loaded), page.loaded
    assert "url(" not in page.html and "@import" not in page.html and "fetch(" not in page.html
    assert not re.search(r"https?://", page.html.replace("http://www.w3.org/2000/svg", "")) or not [
        address for address in page.loaded if "//" in address
    ]
    for address in page.followed:
        if address.startswith("#"):
            assert address[1:] in page.ids, address
        else:
            assert (reports[classes] / "report" / address).exists(), address


@pytest.mark.parametrize("classes", ALL)
def test_scores_are_those_of_the_metrics(reports, classes):
    folder = reports[classes]
    run, metrics = RunDir.read(folder), metrics_of(folder)
    test = read_predictions(folder / "predictions.parquet").only("test")
    logits, tracks = aggregate_segments(test.logits, test.track_id)
    target = track_targets(test.target, test.track_id).astype(int)
    given = run.distances, run.supergenres, run.medoid
    for metric, value in scores(logits, target, *given).items():
        assert metrics["test"]["track"][metric]["value"] == pytest.approx(value), metric
    for metric, value in scores(test.logits, test.target, *given).items():
        assert metrics["test"]["segment"][metric]["value"] == pytest.approx(value), metric
    low, high = bootstrap_intervals(logits, target, tracks, *given)["accuracy"]
    assert metrics["test"]["track"]["accuracy"] == pytest.approx(
        {"value": (logits.argmax(1) == target).mean(), "low": low, "high": high}
    )


@pytest.mark.parametrize("classes", ALL)
def test_metrics_json_has_its_shape(reports, classes):
    metrics = metrics_of(reports[classes])
    assert metrics["headline"] == "test"
    for part in ("test", "val"):
        for level in ("track", "segment"):
            assert set(metrics[part][level]) == {*METRICS, *EXTENDED_METRICS}
            for found in [metrics[part][level], *metrics["baselines"][part][level].values()]:
                for name, one in found.items():
                    assert set(one) == {"value", "low", "high"}, name
                    if one["low"] is not None:
                        assert one["low"] <= one["high"]
            assert {MAJORITY, MEDOID, RANDOM, LOGISTIC} == set(metrics["baselines"][part][level])
    medoid = metrics["baselines"]["test"]["track"][MEDOID]
    assert medoid["distance_skill"]["value"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("classes", ALL)
def test_the_page_shows_the_numbers_of_metrics_json(reports, classes):
    metrics, page = metrics_of(reports[classes]), Page(reports[classes] / "report" / "index.html")
    found, baselines = metrics["test"]["track"], metrics["baselines"]["test"]["track"]
    names = [cell.strip() for cell in next(row for row in page.rows if any(MAJORITY in cell for cell in row))]
    of_graph = () if metrics["flat"] else ("distance", "distance_skill")
    for metric in ("accuracy", "balanced_accuracy", "f1_macro", "hub_share", "nll", *of_graph):
        row = page.row(METRIC_TITLES[metric])
        assert row[1] == format_metric(metric, found[metric]["value"])
        assert format_interval(metric, found[metric]) in row
        for name, known in baselines.items():
            if metrics["flat"] and name == MEDOID:
                continue
            expected = known.get(metric) or {"value": None}
            shown = f"{format_metric(metric, expected['value'])} {format_interval(metric, expected)}".strip()
            assert row[names.index(name)] == shown, (metric, name)


def test_a_flat_taxonomy_says_nothing_of_distances(reports):
    page = Page(reports[3] / "report" / "index.html")
    assert re.search(r"\bflat\b", page.words) and metrics_of(reports[3])["flat"]
    sentences = re.split(r"[.\n]", page.words.lower().rpartition("provenance")[0])
    elsewhere = " ".join(sentence for sentence in sentences if "flat" not in sentence)
    assert "mistakes" in page.ids and not any(word in elsewhere for word in ("distance", "graph ", "medoid", "edges"))
    assert "distance" in Page(reports[12] / "report" / "index.html").words.lower()


def test_each_stage_of_the_bar_is_named_with_its_time(reports):
    html = Page(reports[12] / "report" / "index.html").html
    for place, (name, spent) in enumerate((("catalog", "1.2 s"), ("prepare", "48.0 s"), ("train", "2 min 11 s"))):
        assert html.count(f'class="stage{place}"') == 2, "once in the bar, once in the key"
        assert f'<i class="stage{place}"></i>{name} <b>{spent}</b>' in html


def test_a_perfect_run_scores_one(run_folder, without_png):
    old = read_predictions(run_folder / "predictions.parquet")
    logits = np.zeros_like(old.logits)
    logits[np.arange(len(old)), old.target] = 20
    write_predictions(run_folder / "predictions.parquet", _with(old, logits=logits))
    page = Page(write_report(run_folder))
    found = metrics_of(run_folder)["test"]["track"]
    assert found["accuracy"]["value"] == found["distance_skill"]["value"] == found["f1_macro"]["value"] == 1
    assert found["accuracy"]["low"] < 1, "few tracks cannot show a certainty"
    assert found["distance"]["value"] == found["severity"]["value"] == 0
    assert "mistakes" not in page.ids
    assert pd.read_csv(run_folder / "report" / "mistakes.csv").empty


def test_intervals_are_wider_by_track_than_segments_alone_would_say(reports):
    """The segments of a track err together: 1 / sqrt(segments) would be too sure."""
    test = read_predictions(reports[248] / "predictions.parquet").only("test")
    run = RunDir.read(reports[248])
    given = test.logits, test.target
    known = run.distances, run.supergenres, run.medoid
    low, high = bootstrap_intervals(*given, test.track_id, *known, n=300)["distance"]
    alone = bootstrap_intervals(*given, np.arange(len(test)), *known, n=300)["distance"]
    assert high - low > 1.4 * (alone[1] - alone[0])


def test_confusion_tables_agree_with_each_other(reports):
    report = reports[12] / "report"
    counts = pd.read_csv(report / "confusion_genre_counts.csv", index_col="truth")
    percent = pd.read_csv(report / "confusion_genre_percent.csv", index_col="truth")
    above = pd.read_csv(report / "confusion_supergenre_counts.csv", index_col="truth")
    genres = pd.read_csv(report / "per_genre.csv").set_index("genre")
    run = RunDir.read(reports[12])
    assert list(counts.index) == list(counts.columns) == list(run.taxonomy.genres)
    assert counts.to_numpy().sum() == above.to_numpy().sum() == metrics_of(reports[12])["tracks"]["test"]
    assert np.allclose(percent.sum(axis=1), 100, atol=0.1)
    for code, row in genres.iterrows():
        assert row["tracks"] == counts.loc[code].sum()
        assert row["recall"] == pytest.approx(counts.loc[code, code] / counts.loc[code].sum())
        if row["mistaken_count"]:
            assert row["mistaken_count"] == counts.loc[code].drop(code).max()
    of = dict(zip(run.taxonomy.genres, run.taxonomy.supergenre_of, strict=True))
    for a in above.index:
        for b in above.columns:
            rows, columns = [g for g in of if of[g] == a], [g for g in of if of[g] == b]
            assert above.loc[a, b] == counts.loc[rows, columns].to_numpy().sum()


def test_mistakes_are_all_wrong_answers(reports):
    folder = reports[12]
    table, metrics = pd.read_csv(folder / "report" / "mistakes.csv"), metrics_of(folder)
    found = metrics["test"]["track"]
    assert len(table) == round((1 - found["accuracy"]["value"]) * metrics["tracks"]["test"])
    assert table["distance"].mean() == pytest.approx(found["severity"]["value"])
    assert (table["genre"] != table["answer"]).all()
    assert table["distance"].is_monotonic_decreasing


HOSTILE = "<script>alert(1)</script> & \"Rock'n'Roll\" </title></svg> {{ 7 * 7 }}"


def test_hostile_titles_are_only_text(run_folder, edit_record, without_png):
    data = json.loads((run_folder / "taxonomy.json").read_text())
    data["titles"][0] = HOSTILE
    data["node_titles"][data["genres"][0]] = HOSTILE
    data["supergenres"][data["supergenre_of"][0]] = "<img src=x onerror=alert(2)>"
    (run_folder / "taxonomy.json").write_text(json.dumps(data))
    edit_record(
        run_folder,
        run_id="<b>bold</b>",
        command="python train.py '<script>'",
        warnings=["<iframe src='https://example.org'></iframe>"],
        dataset={"name": "<u>x</u>", "notes": [], "rejected": [["<a href='http://x'>f</a>", "<br>"]]},
    )
    (run_folder / "config.yaml").write_text("title: </pre><script>alert(3)</script>\n")
    page = Page(write_report(run_folder))
    assert "alert(1)" in page.words and "alert(3)" in page.words
    assert page.tags.count("script") == Page(run_folder / "report" / "index.html").html.count("<script>") <= 1
    assert not {"iframe", "img", "u"} & set(page.tags)
    assert "{{ 7 * 7 }}" in page.words
    assert "http://x" not in page.followed


def test_rewriting_gives_the_same(run_folder):
    page = write_report(run_folder)
    first = {path.name: path.read_bytes() for path in page.parent.rglob("*.*")}
    first["metrics.json"] = (run_folder / "metrics.json").read_bytes()
    write_report(run_folder)
    again = {path.name: path.read_bytes() for path in page.parent.rglob("*.*")}
    again["metrics.json"] = (run_folder / "metrics.json").read_bytes()
    assert first == again


def test_the_barest_folder_is_enough(run_folder, without_png):
    for name in ("run.json", "metrics.csv", "config.yaml", "baselines/mean_features.parquet"):
        (run_folder / name).unlink()
    page = Page(write_report(run_folder))
    assert MAJORITY in page.words and LOGISTIC not in page.words


def test_a_run_without_test_tracks_reports_val_and_says_so(run_folder, without_png):
    write_predictions(
        run_folder / "predictions.parquet", read_predictions(run_folder / "predictions.parquet").only("val")
    )
    page = Page(write_report(run_folder))
    assert metrics_of(run_folder)["headline"] == "val"
    assert re.search(r'<div class="banner alert">[^<]*\bval\b', page.html)


def test_a_missing_baseline_is_told_not_fatal(run_folder, without_png):
    (run_folder / "baselines" / "mean_features.parquet").unlink()
    assert re.search(rf'class="banner note">[^<]*{LOGISTIC}', Page(write_report(run_folder)).html)


def test_what_cannot_be_reported_is_one_clear_line(tmp_path, run_folder):
    with pytest.raises(GenrelabError, match=r"predictions\.parquet: "):
        write_report(tmp_path / "nowhere")
    data = json.loads((run_folder / "taxonomy.json").read_text())
    data["genres"] = data["genres"][::-1]
    (run_folder / "taxonomy.json").write_text(json.dumps(data))
    with pytest.raises(GenrelabError, match=r"taxonomy\.json.* predictions\.parquet"):
        write_report(run_folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"status": "failed", "error": "GenrelabError: val/loss was never a number"},
            r"failed.*GenrelabError: val/loss",
        ),
        ({"status": "interrupted", "error": "KeyboardInterrupt: "}, r"interrupted.*KeyboardInterrupt"),
        ({"status": "running"}, DEAD),
    ],
)
def test_an_unfinished_run_says_why_and_how_to_go_on(run_folder, edit_record, changes, said):
    edit_record(run_folder, **changes)
    (run_folder / "predictions.parquet").unlink()
    with pytest.raises(GenrelabError) as caught:
        write_report(run_folder)
    text = str(caught.value)
    assert re.search(rf"^{run_folder}: .*{said}.*predictions", text)
    assert text.endswith(f"python train.py resume={run_folder}") and "\n" not in text


def _with(predictions: Predictions, **changes) -> Predictions:
    from dataclasses import replace

    return replace(predictions, **changes)

"""The report of a run whose tracks have several genres: page, table and curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from genrelab.evaluation.report import formatting, svg
from genrelab.evaluation.report.formatting import METRIC_TITLES
from genrelab.evaluation.report.multilabel_scores import (
    PRIOR_BASELINE,
    displayed_multilabel_metrics,
    format_with_interval,
    genre_table,
    multilabel_predictions,
    score_multilabel_run,
    track_table,
)
from genrelab.evaluation.report.page import load_template, provenance, stages
from genrelab.metrics import MULTILABEL_METRICS
from genrelab.runs.run_dir import RunDir
from genrelab.utils.io import write_json, write_table, write_text

PANELS = (
    ("Loss", False, (("train/loss", "train"), ("val/loss", "val"))),
    ("PR-AUC", False, (("val/track/pr_auc", "val tracks"), ("val/segment/pr_auc", "val segments"))),
    ("ROC-AUC", False, (("val/track/roc_auc", "val tracks"), ("val/segment/roc_auc", "val segments"))),
)
STYLES = ("accent", "second")


def write_multilabel_report(run: RunDir, page: bool = True) -> Path:
    """Write `metrics.json`, `report/per_genre.csv`, `report/tracks.csv` and `report/index.html`; `page` False the first
    alone. Returns the path of the page, or of `metrics.json`."""
    metrics = score_multilabel_run(run)
    metrics["warnings"] = [text for _, text in formatting.report_warnings(run, metrics)]
    write_json(run.path / "metrics.json", metrics)
    if not page:
        return run.path / "metrics.json"
    folder = run.path / "report"
    folder.mkdir(exist_ok=True)
    rows = multilabel_predictions(run.predictions, run.primary_split, "track")
    genres = genre_table(run, rows)
    for table, name in ((genres, "per_genre"), (track_table(run, rows), "tracks")):
        write_table(table, folder / f"{name}.csv")
    index = folder / "index.html"
    write_text(index, render_multilabel_report(run, metrics, genres))
    return index


def render_multilabel_report(run: RunDir, metrics: Mapping[str, Any], genres: pd.DataFrame) -> str:
    """The page's HTML. Whatever comes from names and files is escaped."""
    return load_template("multi_label.html.jinja").render(
        record=run.record,
        run_id=metrics["run_id"],
        split=run.primary_split,
        tracks=metrics["tracks"][run.primary_split],
        segments=metrics["segments"][run.primary_split],
        genres_per_track=float(genres["share"].sum()),
        verdict=metrics["verdict"],
        banners=formatting.report_warnings(run, metrics),
        comparisons=_comparisons(run, metrics),
        heads=_heads(run, metrics),
        headline=_headline(run, metrics),
        levels=_levels(run, metrics),
        curves=_curves(run),
        bars=genre_bar_chart(genres),
        genres=genres.astype(object).where(genres.notna(), None).to_dict("records"),
        config=run.config,
        provenance=provenance(run, metrics),
        clock=formatting.format_duration,
        stages=stages(run.record.get("stage_seconds") or {}),
        rejected=(run.record.get("dataset") or {}).get("rejected") or [],
        resampling=metrics["resampling"],
    )


def genre_bar_chart(genres: pd.DataFrame) -> Markup:
    """PR-AUC of each genre as a bar, a tick where chance lies (its share of the tracks); the best genre first."""
    table = genres[genres["pr_auc"].notna()].sort_values("pr_auc", ascending=False, kind="stable")
    width, left, right, row, top = 680.0, 190.0, 56.0, 18.0, 8.0
    height = top + row * len(table) + 24

    def across(value: float) -> float:
        return left + value * (width - left - right)

    parts = []
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        u = across(tick)
        parts.append(f'<path d="M{u:.1f} {top:.1f}V{height - 20:.1f}" class="line"/>')
        parts.append(svg.text(u, height - 5, f"{tick:g}", anchor="middle"))
    for number, one in enumerate(table.itertuples()):
        v = top + row * number
        value, share = float(one.pr_auc), float(one.share)  # type: ignore[arg-type]
        tip = f"{one.title}: PR-AUC {value:.3f}, ROC-AUC {one.roc_auc:.3f}, {one.tracks} tracks, chance {share:.3f}"
        parts.append(svg.text(left - 8, v + 12.5, str(one.title)[:30], "ink", anchor="end"))
        body = f'x="{left:.1f}" y="{v + 3:.1f}" width="{max(across(value) - left, 0.5):.1f}" height="{row - 6:.1f}"'
        parts.append(f'<rect {body} class="fill accent"><title>{escape(tip)}</title></rect>')
        parts.append(f'<path d="M{across(share):.1f} {v + 1:.1f}v{row - 2:.1f}" class="chance"/>')
        parts.append(svg.text(across(value) + 6, v + 12.5, f"{value:.2f}"))
    return svg.svg_document(width, height, parts, "PR-AUC of each genre", least=420)


def _baselines(run: RunDir, metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Trained baselines, then the prior."""
    found = metrics["baselines"][run.primary_split]["track"]
    return [
        *((name, one) for name, one in found.items() if name != PRIOR_BASELINE),
        (PRIOR_BASELINE, found[PRIOR_BASELINE]),
    ]


def _columns(run: RunDir, metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    columns = _baselines(run, metrics)
    raised = metrics["consistent"].get(run.primary_split, {}).get("track")
    return [*([("made consistent", raised)] if raised else []), *columns]


def _heads(run: RunDir, metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    notes = {
        PRIOR_BASELINE: "knows nothing of the music",
        "made consistent": "this run, each genre raised to the likeliest below it",
    }
    return [(name, notes.get(name, "trained on the same tracks")) for name, _ in _columns(run, metrics)]


def _headline(run: RunDir, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = metrics[run.primary_split]["track"]
    return [
        {
            "name": METRIC_TITLES[name],
            "note": MULTILABEL_METRICS[name],
            "own": format_with_interval(name, own[name]),
            "others": [format_with_interval(name, scores[name]) for _, scores in _columns(run, metrics)],
        }
        for name in displayed_multilabel_metrics(metrics)
    ]


def _levels(run: RunDir, metrics: Mapping[str, Any]) -> dict[str, Any]:
    columns = [(split, level) for split in run.parts for level in ("track", "segment")]
    rows = [
        {
            "name": METRIC_TITLES[name],
            "note": MULTILABEL_METRICS[name],
            "cells": [format_with_interval(name, metrics[split][level][name]) for split, level in columns],
        }
        for name in displayed_multilabel_metrics(metrics)
    ]
    return {"heads": [(split, f"{level}s", metrics[f"{level}s"][split]) for split, level in columns], "rows": rows}


def _comparisons(run: RunDir, metrics: Mapping[str, Any]) -> list[Markup]:
    rows = [("this run", metrics[run.primary_split]["track"]), *_baselines(run, metrics)]
    plots = []
    for metric, note in (("pr_auc", "chance is each genre's share"), ("roc_auc", "chance is 0.5")):
        marks = []
        for number, (name, found) in enumerate(rows):
            one = found[metric]
            if one["value"] is not None:
                bounds = None if one["low"] is None else (one["low"], one["high"])
                marks.append(svg.IntervalMark(name, one["value"], bounds, strong=number == 0))
        if marks:
            plots.append(svg.interval_chart(METRIC_TITLES[metric], marks, False, note))
    return plots


def _curves(run: RunDir) -> list[Markup]:
    if run.without_epochs:
        return []
    table = run.curves
    best = (run.record.get("monitor") or {}).get("best_epoch")
    plots = []
    for title, share, columns in PANELS:
        lines = [
            svg.Series(label, table["epoch"].to_numpy(float) + 1, table[column].to_numpy(float), style)
            for (column, label), style in zip(columns, STYLES, strict=True)
            if column in table and np.isfinite(table[column].to_numpy(float)).any()
        ]
        if lines:
            plots.append(svg.line_chart(title, lines, share, None if best is None else best + 1))
    return plots

"""`index.html` of a comparison: one page that needs nothing but itself, in the report's style."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from genrelab.evaluation.comparison import svg_plots as pictures
from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.console import heading, notes_of_tests
from genrelab.evaluation.comparison.filters import SEED, values_of
from genrelab.evaluation.comparison.formatting import cells, difference, key_title, shown_value, title
from genrelab.evaluation.comparison.groups import FLAGS, Row
from genrelab.evaluation.comparison.loader import Run
from genrelab.evaluation.comparison.pairwise import Two
from genrelab.evaluation.comparison.plot_series import drawn_metrics
from genrelab.evaluation.report.formatting import SHARES, clock, interval, number, whole_percent
from genrelab.evaluation.report.page import GROUPS, template
from genrelab.utils.io import shown


def render(found: Comparison, folder: Path, two: Two | None) -> str:
    """The page's HTML; `folder` is where it will lie, for links to reports. What comes from files is escaped."""
    keys = list(found.rows[0].settings)
    metrics = _ordered(found)
    common = set.intersection(*(set(run.record.get("overrides") or ()) for run in found.runs))
    beta = [
        picture
        for name in found.headline.over_beta
        if name in found.metrics
        if (picture := pictures.over_beta(found, name))
    ]
    return template("template.html.jinja", "genrelab.evaluation.comparison").render(
        heading=heading(found),
        lead=lead(found),
        notes=[(text.startswith(tuple(FLAGS.values())), text) for text in found.notes],
        keys=[key_title(key, keys) for key in keys] or ["run"],
        metrics=[{"title": title(name), "note": found.output_type.metrics.get(name, "")} for name in metrics],
        rows=[_row(found, row, metrics) for row in found.rows],
        first=title(found.headline.first),
        constant_is=found.headline.constant_is,
        several=any(len(row.runs) > 1 for row in found.rows),
        tests=_tests(found),
        dots=[pictures.dots(found, name) for name in drawn_metrics(found)],
        scatter=pictures.scatter(found),
        beta=beta,
        two=two,
        genres=_genres(two) if two else [],
        runs=[_run(run, row, folder, common) for row in found.rows for run in row.runs],
        left=[(shown(one.path), one.reason) for one in found.left],
    )


def lead(found: Comparison) -> list[str]:
    """The finding in sentences: what was tested and what it showed, or how far the rows lie apart."""
    lines = []
    tested = [one for one in found.paired if one and not one.refused]
    if found.reference is not None and tested:
        for metric in found.headline.lead:
            verdicts = [verdict for one in tested if (verdict := one.verdict(metric))]
            counts = {name: verdicts.count(name) for name in dict.fromkeys(verdicts)}
            if len(verdicts) == 1:
                lines.append(f"{title(metric)} against {found.reference.label}: {verdicts[0]}.")
            elif counts:
                text = ", ".join(f"{name} in {count if len(counts) > 1 else 'all'}" for name, count in counts.items())
                lines.append(f"{title(metric)} of {len(verdicts)} rows against {found.reference.label}: {text}.")
    first = found.headline.first
    means = [(value, row.label) for row in found.rows if (value := row.mean(first)) is not None]
    if len(means) > 1:
        (low, worst), (high, best) = min(means), max(means)
        lines.append(
            f"{title(first)} runs from {_short(first, low)} ({worst}) to {_short(first, high)} ({best})"
            + ("." if lines else "; whether rows differ is tested with --baseline RUN.")
        )
    return lines or [f"{heading(found)}."]


def _short(metric: str, value: float) -> str:
    """For a sentence."""
    return whole_percent(value) if metric in SHARES else number(metric, value)


def _ordered(found: Comparison) -> list[str]:
    """The metrics to show: those that are drawn, then the others as in a report."""
    known = [name for name in found.metrics if name not in found.same_as_accuracy]
    ordered = dict.fromkeys((*drawn_metrics(found), *(name for _, group in GROUPS for name in group), *known))
    return [name for name in ordered if name in known]


def _row(found: Comparison, row: Row, metrics: list[str]) -> dict[str, Any]:
    epochs, seconds, first = row.number("epochs"), row.number("seconds"), found.headline.first
    made = []
    for name in metrics:
        value, below = cells(row, name)
        ends = row.ends(name)
        tip = f"95 % over tracks {interval(name, {'low': ends[0], 'high': ends[1]})}" if ends else ""
        made.append((value, below, tip))
    return {
        "reference": row is found.reference,
        "settings": [shown_value(value) for value in row.settings.values()] or [row.label],
        "runs": len(row.runs),
        "tracks": row.tracks or "differ",
        "cells": made,
        "constant": number(first, row.constant(first)),
        "baseline": number(first, row.trained_baseline(first)),
        "epochs": "" if epochs is None else f"{epochs:.3g}",
        "time": "" if seconds is None else clock(seconds),
        "flags": ", ".join(row.flags),
    }


def _tests(found: Comparison) -> dict[str, Any] | None:
    """The paired tests as a table."""
    if found.reference is None:
        return None
    known = {name for one in found.paired if one for name in one.differences} & set(found.metrics)
    metrics = [name for name in found.headline.tested_page if name in known - found.same_as_accuracy]
    rows = []
    for row, one in zip(found.rows, found.paired, strict=True):
        if one is None:
            continue
        made = [
            (*difference(name, one.differences.get(name)), one.verdict(name) or "", one.differences[name].p)
            for name in metrics
            if name in one.differences
        ]
        rows.append({"label": row.label, "refused": one.refused, "tracks": one.tracks, "cells": made})
    heads = [{"title": title(name), "note": found.output_type.metrics.get(name, "")} for name in metrics]
    return {"reference": found.reference.label, "heads": heads, "rows": rows, "notes": notes_of_tests(found)}


def _genres(two: Two) -> list[dict[Any, Any]]:
    table = two.genres
    return [dict(row) for row in table.astype(object).where(table.notna(), None).to_dict("records")]


def _run(run: Run, row: Row, folder: Path, common: set[str]) -> dict[str, Any]:
    report, first = run.path / "report" / "index.html", run.output_type.primary_metric
    return {
        "name": run.name,
        "folder": shown(run.path),
        "report": Path(os.path.relpath(report, folder)).as_posix() if report.exists() else "",
        "row": row.label,
        "seed": shown_value(values_of(run)[SEED]),
        "score": number(first, run.scores[first]["value"]),
        "ends": interval(first, run.scores[first]),
        "command": run.record.get("command") or "",
        "otherwise": " ".join(text for text in run.record.get("overrides") or () if text not in common),
    }

"""`index.html` of a comparison: one page that needs nothing but itself, in the report's style."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from genrelab.evaluation.comparison import svg_plots
from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.console import comparison_heading, test_notes
from genrelab.evaluation.comparison.filters import SEED_KEY, run_values
from genrelab.evaluation.comparison.formatting import (
    format_cells,
    format_difference,
    format_setting,
    key_title,
    metric_title,
)
from genrelab.evaluation.comparison.groups import FLAGS, RunGroup
from genrelab.evaluation.comparison.loader import Run
from genrelab.evaluation.comparison.pairwise import PairwiseComparison
from genrelab.evaluation.comparison.plot_series import plotted_metrics
from genrelab.evaluation.report.formatting import (
    PERCENT_METRICS,
    format_duration,
    format_interval,
    format_metric,
    format_whole_percent,
)
from genrelab.evaluation.report.page import METRIC_GROUPS, load_template
from genrelab.utils.io import shown


def render_comparison(comparison: Comparison, folder: Path, pairwise: PairwiseComparison | None) -> str:
    """The page's HTML; `folder` is where it will lie, for links to reports. What comes from files is escaped."""
    keys = list(comparison.groups[0].settings)
    metrics = _ordered(comparison)
    common = set.intersection(*(set(run.record.get("overrides") or ()) for run in comparison.runs))
    beta = [
        picture
        for name in comparison.metric_selection.over_beta
        if name in comparison.metrics
        if (picture := svg_plots.beta_plot(comparison, name))
    ]
    return load_template("template.html.jinja", "genrelab.evaluation.comparison").render(
        heading=comparison_heading(comparison),
        lead=summary_sentences(comparison),
        notes=[(text.startswith(tuple(FLAGS.values())), text) for text in comparison.notes],
        keys=[key_title(key, keys) for key in keys] or ["run"],
        metrics=[
            {"title": metric_title(name), "note": comparison.output_type.metrics.get(name, "")} for name in metrics
        ],
        rows=[_row(comparison, group, metrics) for group in comparison.groups],
        first=metric_title(comparison.metric_selection.primary),
        constant_description=comparison.metric_selection.constant_description,
        repeated=any(len(group.runs) > 1 for group in comparison.groups),
        tests=_tests(comparison),
        dots=[svg_plots.dot_plot(comparison, name) for name in plotted_metrics(comparison)],
        scatter=svg_plots.scatter_plot(comparison),
        beta=beta,
        pairwise=pairwise,
        genres=_genres(pairwise) if pairwise else [],
        runs=[_run(run, group, folder, common) for group in comparison.groups for run in group.runs],
        skipped=[(shown(one.path), one.reason) for one in comparison.skipped],
    )


def summary_sentences(comparison: Comparison) -> list[str]:
    """The finding in sentences: what was tested and what it showed, or how far the rows lie apart."""
    lines = []
    tested = [one for one in comparison.paired_tests if one and not one.refused]
    if comparison.reference is not None and tested:
        for metric in comparison.metric_selection.summary:
            verdicts = [verdict for one in tested if (verdict := one.verdict(metric))]
            counts = {name: verdicts.count(name) for name in dict.fromkeys(verdicts)}
            if len(verdicts) == 1:
                lines.append(f"{metric_title(metric)} against {comparison.reference.label}: {verdicts[0]}.")
            elif counts:
                text = ", ".join(f"{name} in {count if len(counts) > 1 else 'all'}" for name, count in counts.items())
                lines.append(
                    f"{metric_title(metric)} of {len(verdicts)} rows against {comparison.reference.label}: {text}."
                )
    first = comparison.metric_selection.primary
    means = [(value, group.label) for group in comparison.groups if (value := group.mean(first)) is not None]
    if len(means) > 1:
        (low, worst), (high, best) = min(means), max(means)
        lines.append(
            f"{metric_title(first)} runs from {_format_short(first, low)} ({worst}) "
            f"to {_format_short(first, high)} ({best})"
            + ("." if lines else "; whether rows differ is tested with --baseline RUN.")
        )
    return lines or [f"{comparison_heading(comparison)}."]


def _format_short(metric: str, value: float) -> str:
    """For a sentence."""
    return format_whole_percent(value) if metric in PERCENT_METRICS else format_metric(metric, value)


def _ordered(comparison: Comparison) -> list[str]:
    """The metrics to show: those that are drawn, then the others as in a report."""
    known = [name for name in comparison.metrics if name not in comparison.redundant_with_accuracy]
    ordered = dict.fromkeys(
        (*plotted_metrics(comparison), *(name for _, group in METRIC_GROUPS for name in group), *known)
    )
    return [name for name in ordered if name in known]


def _row(comparison: Comparison, group: RunGroup, metrics: list[str]) -> dict[str, Any]:
    epochs, seconds, first = (
        group.mean_value("epochs"),
        group.mean_value("seconds"),
        comparison.metric_selection.primary,
    )
    made = []
    for name in metrics:
        value, below = format_cells(group, name)
        bounds = group.interval(name)
        tip = f"95 % over tracks {format_interval(name, {'low': bounds[0], 'high': bounds[1]})}" if bounds else ""
        made.append((value, below, tip))
    return {
        "reference": group is comparison.reference,
        "settings": [format_setting(value) for value in group.settings.values()] or [group.label],
        "runs": len(group.runs),
        "tracks": group.n_tracks or "differ",
        "cells": made,
        "constant": format_metric(first, group.constant_baseline(first)),
        "baseline": format_metric(first, group.trained_baseline(first)),
        "epochs": "" if epochs is None else f"{epochs:.3g}",
        "time": "" if seconds is None else format_duration(seconds),
        "flags": ", ".join(group.flags),
    }


def _tests(comparison: Comparison) -> dict[str, Any] | None:
    """The paired tests as a table."""
    if comparison.reference is None:
        return None
    known = {name for one in comparison.paired_tests if one for name in one.differences} & set(comparison.metrics)
    metrics = [
        name for name in comparison.metric_selection.page_tests if name in known - comparison.redundant_with_accuracy
    ]
    rows = []
    for group, one in zip(comparison.groups, comparison.paired_tests, strict=True):
        if one is None:
            continue
        made = [
            (*format_difference(name, one.differences.get(name)), one.verdict(name) or "", one.differences[name].p)
            for name in metrics
            if name in one.differences
        ]
        rows.append({"label": group.label, "refused": one.refused, "tracks": one.n_tracks, "cells": made})
    heads = [{"title": metric_title(name), "note": comparison.output_type.metrics.get(name, "")} for name in metrics]
    return {"reference": comparison.reference.label, "heads": heads, "rows": rows, "notes": test_notes(comparison)}


def _genres(pairwise: PairwiseComparison) -> list[dict[Any, Any]]:
    table = pairwise.genres
    return [dict(group) for group in table.astype(object).where(table.notna(), None).to_dict("records")]


def _run(run: Run, group: RunGroup, folder: Path, common: set[str]) -> dict[str, Any]:
    report, first = run.path / "report" / "index.html", run.output_type.primary_metric
    return {
        "name": run.name,
        "folder": shown(run.path),
        "report": Path(os.path.relpath(report, folder)).as_posix() if report.exists() else "",
        "row": group.label,
        "seed": format_setting(run_values(run)[SEED_KEY]),
        "score": format_metric(first, run.scores[first]["value"]),
        "ends": format_interval(first, run.scores[first]),
        "command": run.record.get("command") or "",
        "otherwise": " ".join(text for text in run.record.get("overrides") or () if text not in common),
    }

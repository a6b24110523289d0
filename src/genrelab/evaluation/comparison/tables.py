"""The comparison as data: `table.csv` (a row a line), `runs.csv` (a run a line), `table.md`."""

from __future__ import annotations

from typing import Any

import pandas as pd

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
from genrelab.evaluation.comparison.groups import RunGroup
from genrelab.evaluation.comparison.significance import PairedTest
from genrelab.evaluation.report.formatting import format_duration, format_metric
from genrelab.utils.io import shown

ALWAYS_SHOWN = ("beta", "effective_beta")
BOUND_COLUMNS = {"": "value", "_low": "low", "_high": "high"}


def group_table(comparison: Comparison) -> pd.DataFrame:
    """One line a row: settings, runs, seeds, scores (mean, low, high, sd), baselines, cost, flags, differences."""
    lines = [
        _group_record(comparison, group, paired)
        for group, paired in zip(comparison.groups, comparison.paired_tests, strict=True)
    ]
    return pd.DataFrame(lines)


def _group_record(comparison: Comparison, group: RunGroup, test: PairedTest | None) -> dict[str, Any]:
    known = [run_values(run) for run in group.runs]
    line: dict[str, Any] = {"row": group.label, **group.settings}
    for key in ALWAYS_SHOWN:
        values = {one.get(key) for one in known}
        line.setdefault(key, values.pop() if len(values) == 1 else None)
    line |= {
        "runs": len(group.runs),
        "seeds": " ".join(str(one[SEED_KEY]) for one in known if one.get(SEED_KEY) is not None),
        "tracks": group.n_tracks,
    }
    for metric in comparison.metrics:
        low, high = group.interval(metric) or (None, None)
        line |= {
            metric: group.mean(metric),
            f"{metric}_low": low,
            f"{metric}_high": high,
            f"{metric}_runs_sd": group.std(metric),
        }
    for metric in comparison.metric_selection.csv_baselines:
        if metric in comparison.metrics:
            line[f"constant_{metric}"] = group.constant_baseline(metric)
            line[f"trained_baseline_{metric}"] = group.trained_baseline(metric)
    line |= {
        "epochs": group.mean_value("epochs"),
        "seconds": group.mean_value("seconds"),
        "flags": " ".join(group.flags),
    }
    if comparison.reference is not None:
        line |= _differences(comparison, group, test)
    return line


def _differences(comparison: Comparison, group: RunGroup, test: PairedTest | None) -> dict[str, Any]:
    assert comparison.reference is not None
    line: dict[str, Any] = {"against": None if group is comparison.reference else comparison.reference.label}
    line["against_tracks"] = test.n_tracks if test and not test.refused else None
    line["against_refused"] = test.refused if test else ""
    for metric, one in (test.differences if test else {}).items():
        line |= {
            f"{metric}_difference": one.value,
            f"{metric}_difference_low": one.low,
            f"{metric}_difference_high": one.high,
            f"{metric}_p": one.p,
            f"{metric}_verdict": test.verdict(metric) if test else None,
        }
    return line


def runs_table(comparison: Comparison) -> pd.DataFrame:
    """One line a run: folder, row, settings, scores with intervals, cost; the data to plot with."""
    lines = []
    for group in comparison.groups:
        for run in group.runs:
            known = run_values(run)
            keys = dict.fromkeys((SEED_KEY, *group.settings, *ALWAYS_SHOWN))
            line: dict[str, Any] = {"run": run.name, "folder": shown(run.path), "row": group.label}
            line |= {key: known.get(key) for key in keys}
            for metric in comparison.metrics:
                score = run.scores.get(metric, {})
                line |= {f"{metric}{tail}": score.get(end) for tail, end in BOUND_COLUMNS.items()}
            lines.append(line | {"epochs": known.get("epochs"), "seconds": known.get("seconds")})
    return pd.DataFrame(lines)


def markdown_table(comparison: Comparison) -> str:
    """The rows as a Markdown table, the tests as another, and the notes."""
    keys, first = list(comparison.groups[0].settings), comparison.metric_selection.primary
    metrics = [
        name
        for name in comparison.metric_selection.table
        if name in comparison.metrics and name not in comparison.redundant_with_accuracy
    ]
    heads = [*(key_title(key, keys) for key in keys), "runs", *(metric_title(name) for name in metrics)]
    heads += ["constant answer", "logistic regression", "epochs", "time"]
    lines = [f"{comparison_heading(comparison)}.", "", *_head(heads, len(keys))]
    for group in comparison.groups:
        made = [format_setting(group.settings[key]) for key in keys] + [str(len(group.runs))]
        made += [" ".join(filter(None, format_cells(group, name))) for name in metrics]
        made += [
            format_metric(first, group.constant_baseline(first)),
            format_metric(first, group.trained_baseline(first)),
        ]
        epochs, seconds = group.mean_value("epochs"), group.mean_value("seconds")
        made += ["" if epochs is None else f"{epochs:.3g}", "" if seconds is None else format_duration(seconds)]
        lines.append(_line_of(made))
    lines += ["", "Brackets: 95 % over tracks; ±: standard deviation over the runs of a row."]
    if comparison.reference is not None:
        lines += ["", *_tests(comparison, metrics)]
    lines += ["", *(f"- {note}" for note in comparison.notes)] if comparison.notes else []
    if comparison.skipped:
        lines += [
            "",
            "Left out:",
            "",
            *(f"- `{shown(one.path)}`: {_escape_markdown(one.reason)}" for one in comparison.skipped),
        ]
    return "\n".join(lines) + "\n"


def _tests(comparison: Comparison, metrics: list[str]) -> list[str]:
    assert comparison.reference is not None
    tested = [name for name in metrics if any(one and name in one.differences for one in comparison.paired_tests)]
    lines = [f"Against {_escape_markdown(comparison.reference.label)}, on the same tracks:", ""]
    lines += _head(["", *(metric_title(name) for name in tested)], 1)
    for group, one in zip(comparison.groups, comparison.paired_tests, strict=True):
        if one is None:
            continue
        made = ["" if one.refused else _tested(one, name) for name in tested]
        made[0] = one.refused or made[0]
        lines.append(_line_of([group.label, *made]))
    return [*lines, "", *test_notes(comparison)]


def _tested(one: PairedTest, metric: str) -> str:
    verdict = one.verdict(metric)
    return " ".join(
        filter(None, (*format_difference(metric, one.differences.get(metric)), f"({verdict})" if verdict else ""))
    )


def _head(heads: list[str], left: int) -> list[str]:
    return [_line_of(heads), _line_of(["---" if place < left else "---:" for place in range(len(heads))])]


def _line_of(made: list[str]) -> str:
    return f"| {' | '.join(_escape_markdown(one) for one in made)} |"


def _escape_markdown(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

"""The comparison as data: `table.csv` (a row a line), `runs.csv` (a run a line), `table.md`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.console import heading, notes_of_tests
from genrelab.evaluation.comparison.filters import SEED, values_of
from genrelab.evaluation.comparison.formatting import cells, difference, key_title, shown_value, title
from genrelab.evaluation.comparison.groups import Row
from genrelab.evaluation.comparison.significance import Paired
from genrelab.evaluation.report.formatting import clock, number
from genrelab.utils.io import shown

ALWAYS = ("beta", "effective_beta")
ENDS = {"": "value", "_low": "low", "_high": "high"}


def table(found: Comparison) -> pd.DataFrame:
    """One line a row: settings, runs, seeds, scores (mean, low, high, sd), baselines, cost, flags, differences."""
    lines = [_line(found, row, paired) for row, paired in zip(found.rows, found.paired, strict=True)]
    return pd.DataFrame(lines)


def _line(found: Comparison, row: Row, paired: Paired | None) -> dict[str, Any]:
    known = [values_of(run) for run in row.runs]
    line: dict[str, Any] = {"row": row.label, **row.settings}
    for key in ALWAYS:
        values = {one.get(key) for one in known}
        line.setdefault(key, values.pop() if len(values) == 1 else None)
    line |= {
        "runs": len(row.runs),
        "seeds": " ".join(str(one[SEED]) for one in known if one.get(SEED) is not None),
        "tracks": row.tracks,
    }
    for metric in found.metrics:
        low, high = row.ends(metric) or (None, None)
        line |= {
            metric: row.mean(metric),
            f"{metric}_low": low,
            f"{metric}_high": high,
            f"{metric}_runs_sd": row.spread(metric),
        }
    for metric in found.headline.kept:
        if metric in found.metrics:
            line[f"constant_{metric}"] = row.constant(metric)
            line[f"trained_baseline_{metric}"] = row.trained_baseline(metric)
    line |= {"epochs": row.number("epochs"), "seconds": row.number("seconds"), "flags": " ".join(row.flags)}
    if found.reference is not None:
        line |= _differences(found, row, paired)
    return line


def _differences(found: Comparison, row: Row, paired: Paired | None) -> dict[str, Any]:
    assert found.reference is not None
    line: dict[str, Any] = {"against": None if row is found.reference else found.reference.label}
    line["against_tracks"] = paired.tracks if paired and not paired.refused else None
    line["against_refused"] = paired.refused if paired else ""
    for metric, one in (paired.differences if paired else {}).items():
        line |= {
            f"{metric}_difference": one.value,
            f"{metric}_difference_low": one.low,
            f"{metric}_difference_high": one.high,
            f"{metric}_p": one.p,
            f"{metric}_verdict": paired.verdict(metric) if paired else None,
        }
    return line


def runs_table(found: Comparison) -> pd.DataFrame:
    """One line a run: folder, row, settings, scores with intervals, cost; the data to plot with."""
    lines = []
    for row in found.rows:
        for run in row.runs:
            known = values_of(run)
            keys = dict.fromkeys((SEED, *row.settings, *ALWAYS))
            line: dict[str, Any] = {"run": run.name, "folder": shown(run.path), "row": row.label}
            line |= {key: known.get(key) for key in keys}
            for metric in found.metrics:
                score = run.scores.get(metric, {})
                line |= {f"{metric}{tail}": score.get(end) for tail, end in ENDS.items()}
            lines.append(line | {"epochs": known.get("epochs"), "seconds": known.get("seconds")})
    return pd.DataFrame(lines)


def markdown(found: Comparison) -> str:
    """The rows as a Markdown table, the tests as another, and the notes."""
    keys, first = list(found.rows[0].settings), found.headline.first
    metrics = [name for name in found.headline.table if name in found.metrics and name not in found.same_as_accuracy]
    heads = [*(key_title(key, keys) for key in keys), "runs", *(title(name) for name in metrics)]
    heads += ["constant answer", "logistic regression", "epochs", "time"]
    lines = [f"{heading(found)}.", "", *_head(heads, len(keys))]
    for row in found.rows:
        made = [shown_value(row.settings[key]) for key in keys] + [str(len(row.runs))]
        made += [" ".join(filter(None, cells(row, name))) for name in metrics]
        made += [number(first, row.constant(first)), number(first, row.trained_baseline(first))]
        epochs, seconds = row.number("epochs"), row.number("seconds")
        made += ["" if epochs is None else f"{epochs:.3g}", "" if seconds is None else clock(seconds)]
        lines.append(_line_of(made))
    lines += ["", "Brackets: 95 % over tracks; ±: standard deviation over the runs of a row."]
    if found.reference is not None:
        lines += ["", *_tests(found, metrics)]
    lines += ["", *(f"- {note}" for note in found.notes)] if found.notes else []
    if found.left:
        lines += ["", "Left out:", "", *(f"- `{shown(one.path)}`: {_safe(one.reason)}" for one in found.left)]
    return "\n".join(lines) + "\n"


def _tests(found: Comparison, metrics: list[str]) -> list[str]:
    assert found.reference is not None
    tested = [name for name in metrics if any(one and name in one.differences for one in found.paired)]
    lines = [f"Against {_safe(found.reference.label)}, on the same tracks:", ""]
    lines += _head(["", *(title(name) for name in tested)], 1)
    for row, one in zip(found.rows, found.paired, strict=True):
        if one is None:
            continue
        made = ["" if one.refused else _tested(one, name) for name in tested]
        made[0] = one.refused or made[0]
        lines.append(_line_of([row.label, *made]))
    return [*lines, "", *notes_of_tests(found)]


def _tested(one: Paired, metric: str) -> str:
    verdict = one.verdict(metric)
    return " ".join(filter(None, (*difference(metric, one.differences.get(metric)), f"({verdict})" if verdict else "")))


def _head(heads: list[str], left: int) -> list[str]:
    return [_line_of(heads), _line_of(["---" if place < left else "---:" for place in range(len(heads))])]


def _line_of(made: list[str]) -> str:
    return f"| {' | '.join(_safe(one) for one in made)} |"


def _safe(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

"""Cells as people read them, for terminal, Markdown and page alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genrelab.evaluation.comparison.filters import format_value
from genrelab.evaluation.comparison.groups import RunGroup
from genrelab.evaluation.report.formatting import (
    METRIC_TITLES,
    MINUS,
    PERCENT_METRICS,
    decimals,
    format_interval,
    format_metric,
)
from genrelab.metrics import Difference

DASH = "\N{EN DASH}"


def key_title(key: str, keys: Sequence[str]) -> str:
    """A key's head: its last part where that tells it from the others ("lr" for `optimizer.lr`)."""
    last = key.rsplit(".", maxsplit=1)[-1]
    return (last if [one.split(".")[-1] for one in keys].count(last) == 1 else key).replace("_", " ")


def metric_title(metric: str) -> str:
    """A metric's head."""
    return METRIC_TITLES.get(metric, metric.replace("_", " ").capitalize())


def format_setting(value: Any) -> str:
    """A setting as it stands in a table; a dash where there is none."""
    return DASH if value is None else format_value(value)


def format_cells(group: RunGroup, metric: str) -> tuple[str, str]:
    """A metric's value, and below it the spread over several runs, or the interval of one."""
    spread, bounds = group.std(metric), group.interval(metric)
    if spread is not None:
        scaled = 100 * spread if metric in PERCENT_METRICS else spread
        return _with_unsafe_mark(
            group, format_metric(metric, group.mean(metric))
        ), f"\N{PLUS-MINUS SIGN} {scaled:.{1 if metric in PERCENT_METRICS else 2}f}"
    below = format_interval(metric, {"low": bounds[0], "high": bounds[1]}) if bounds else ""
    return _with_unsafe_mark(group, format_metric(metric, group.mean(metric))), below


def _with_unsafe_mark(group: RunGroup, value: str) -> str:
    """A value, with a mark behind it where segments of the same tracks were trained on."""
    return f"{value} UNSAFE" if "unsafe" in group.flags and value != DASH else value


def format_difference(metric: str, found: Difference | None) -> tuple[str, str]:
    """A difference with its sign and its interval; shares in points of a hundred."""
    if found is None or found.value != found.value:
        return DASH, ""
    scale, digits = (100, 1) if metric in PERCENT_METRICS else (1, max(decimals(metric), 2))

    def signed(value: float) -> str:
        text = f"{scale * value:+.{digits}f}"
        return text.lstrip("+-") if float(text) == 0 else text.replace("-", MINUS)

    return signed(found.value), f"[{signed(found.low)}, {signed(found.high)}]".replace("+", "")

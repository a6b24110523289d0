"""Cells as people read them, for terminal, Markdown and page alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genrelab.evaluation.comparison.filters import plain
from genrelab.evaluation.comparison.groups import Row
from genrelab.evaluation.report.formatting import MINUS, SHARES, TITLES, digits_of, interval, number
from genrelab.metrics import Difference

DASH = "\N{EN DASH}"


def key_title(key: str, keys: Sequence[str]) -> str:
    """A key's head: its last part where that tells it from the others ("lr" for `optimizer.lr`)."""
    last = key.rsplit(".", maxsplit=1)[-1]
    return (last if [one.split(".")[-1] for one in keys].count(last) == 1 else key).replace("_", " ")


def title(metric: str) -> str:
    """A metric's head."""
    return TITLES.get(metric, metric.replace("_", " ").capitalize())


def shown_value(value: Any) -> str:
    """A setting as it stands in a table; a dash where there is none."""
    return DASH if value is None else plain(value)


def cells(row: Row, metric: str) -> tuple[str, str]:
    """A metric's value, and below it the spread over several runs, or the interval of one."""
    spread, ends = row.spread(metric), row.ends(metric)
    if spread is not None:
        scaled = 100 * spread if metric in SHARES else spread
        return _marked(
            row, number(metric, row.mean(metric))
        ), f"\N{PLUS-MINUS SIGN} {scaled:.{1 if metric in SHARES else 2}f}"
    below = interval(metric, {"low": ends[0], "high": ends[1]}) if ends else ""
    return _marked(row, number(metric, row.mean(metric))), below


def _marked(row: Row, value: str) -> str:
    """A value, with a mark behind it where segments of the same tracks were trained on."""
    return f"{value} UNSAFE" if "unsafe" in row.flags and value != DASH else value


def difference(metric: str, found: Difference | None) -> tuple[str, str]:
    """A difference with its sign and its interval; shares in points of a hundred."""
    if found is None or found.value != found.value:
        return DASH, ""
    scale, digits = (100, 1) if metric in SHARES else (1, max(digits_of(metric), 2))

    def signed(value: float) -> str:
        text = f"{scale * value:+.{digits}f}"
        return text.lstrip("+-") if float(text) == 0 else text.replace("-", MINUS)

    return signed(found.value), f"[{signed(found.low)}, {signed(found.high)}]".replace("+", "")

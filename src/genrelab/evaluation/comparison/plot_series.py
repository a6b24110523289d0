"""What the pictures draw: which metrics, what they are read against, and metrics over beta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.groups import Row


def drawn_metrics(found: Comparison) -> list[str]:
    """The metrics worth a picture here: not what accuracy says already."""
    return [name for name in found.headline.drawn if name in found.metrics and name not in found.same_as_accuracy]


def references(found: Comparison, metric: str) -> dict[str, float]:
    """What every row is read against, where it is the same for all."""
    known = {
        "constant": [row.constant(metric) for row in found.rows],
        "log. regression": [row.trained_baseline(metric) for row in found.rows],
    }
    made = {}
    for name, values in known.items():
        numbers = [value for value in values if value is not None]
        if numbers and len(numbers) == len(values) and max(numbers) - min(numbers) < 1e-6:
            made[name] = numbers[0]
    return made if metric in found.headline.referred else {}


@dataclass(frozen=True)
class Series:
    """A metric against beta, where all else is asked the same.

    Args:
        label: of what is the same.
        beta: `[N]`, ascending; one NaN for a loss without a beta.
        mean: `[N]` over the runs of a row.
        ends: `[N, 2]` of the interval over tracks, NaN where there is none.
        each: by beta, the metric of each run.
    """

    label: str
    beta: np.ndarray
    mean: np.ndarray
    ends: np.ndarray
    each: tuple[tuple[float, ...], ...]


def beta_series(found: Comparison, metric: str) -> list[Series]:
    """The rows as curves over beta; empty where beta does not vary within any of them."""
    groups: dict[str, list[Row]] = {}
    for row in found.rows:
        if "beta" not in row.settings:
            return []
        rest = [f"{key.split('.')[-1]} {row.settings[key]}" for key in row.settings if key != "beta"]
        groups.setdefault(", ".join(rest), []).append(row)
    made = [_series(rows, metric) for rows in groups.values()]
    series = [one for one in made if one is not None]
    return series if any(len(one.beta) > 1 for one in series) else []


def _series(rows: Sequence[Row], metric: str) -> Series | None:
    rows = [row for row in rows if row.mean(metric) is not None]
    if not rows:
        return None
    beta = np.array([np.nan if row.settings["beta"] is None else float(row.settings["beta"]) for row in rows])
    order = np.argsort(beta, kind="stable")
    ends = np.array([row.ends(metric) or (np.nan, np.nan) for row in rows], dtype=float)
    telling = [key for key in rows[0].telling if key != "beta" and rows[0].settings[key] is not None]
    label = ", ".join(str(rows[0].settings[key]) for key in telling) or "all"
    return Series(
        label,
        beta[order],
        np.array([row.mean(metric) for row in rows], dtype=float)[order],
        ends[order],
        tuple(tuple(rows[i].each(metric)) for i in order),
    )


def places(beta: np.ndarray) -> np.ndarray:
    """Where each beta stands: its logarithm to base 2; 0 stands one step left of the least."""
    positive = beta[beta > 0]
    zero = np.log2(positive.min()) - 1 if len(positive) else 0.0
    found: np.ndarray = np.where(beta > 0, np.log2(np.where(beta > 0, beta, 1.0)), zero)
    return found

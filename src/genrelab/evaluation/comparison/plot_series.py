"""What the pictures draw: which metrics, what they are read against, and metrics over beta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.groups import RunGroup


def plotted_metrics(comparison: Comparison) -> list[str]:
    """The metrics worth a picture here: not what accuracy says already."""
    return [
        name
        for name in comparison.metric_selection.plotted
        if name in comparison.metrics and name not in comparison.redundant_with_accuracy
    ]


def reference_values(comparison: Comparison, metric: str) -> dict[str, float]:
    """What every row is read against, where it is the same for all."""
    known = {
        "constant": [group.constant_baseline(metric) for group in comparison.groups],
        "log. regression": [group.trained_baseline(metric) for group in comparison.groups],
    }
    made = {}
    for name, values in known.items():
        numbers = [value for value in values if value is not None]
        if numbers and len(numbers) == len(values) and max(numbers) - min(numbers) < 1e-6:
            made[name] = numbers[0]
    return made if metric in comparison.metric_selection.reference_lines else {}


@dataclass(frozen=True)
class BetaSeries:
    """A metric against beta, where all else is asked the same.

    Args:
        label: of what is the same.
        beta: `[N]`, ascending; one NaN for a loss without a beta.
        mean: `[N]` over the runs of a row.
        intervals: `[N, 2]` of the interval over tracks, NaN where there is none.
        values: by beta, the metric of each run.
    """

    label: str
    beta: np.ndarray
    mean: np.ndarray
    intervals: np.ndarray
    values: tuple[tuple[float, ...], ...]


def beta_series(comparison: Comparison, metric: str) -> list[BetaSeries]:
    """The rows as curves over beta; empty where beta does not vary within any of them."""
    by_setting: dict[str, list[RunGroup]] = {}
    for group in comparison.groups:
        if "beta" not in group.settings:
            return []
        rest = [f"{key.split('.')[-1]} {group.settings[key]}" for key in group.settings if key != "beta"]
        by_setting.setdefault(", ".join(rest), []).append(group)
    made = [_series(rows, metric) for rows in by_setting.values()]
    series = [one for one in made if one is not None]
    return series if any(len(one.beta) > 1 for one in series) else []


def _series(groups: Sequence[RunGroup], metric: str) -> BetaSeries | None:
    groups = [group for group in groups if group.mean(metric) is not None]
    if not groups:
        return None
    beta = np.array([np.nan if group.settings["beta"] is None else float(group.settings["beta"]) for group in groups])
    order = np.argsort(beta, kind="stable")
    intervals = np.array([group.interval(metric) or (np.nan, np.nan) for group in groups], dtype=float)
    distinguishing_keys = [
        key for key in groups[0].distinguishing_keys if key != "beta" and groups[0].settings[key] is not None
    ]
    label = ", ".join(str(groups[0].settings[key]) for key in distinguishing_keys) or "all"
    return BetaSeries(
        label,
        beta[order],
        np.array([group.mean(metric) for group in groups], dtype=float)[order],
        intervals[order],
        tuple(tuple(groups[i].values(metric)) for i in order),
    )


def log2_positions(beta: np.ndarray) -> np.ndarray:
    """Where each beta stands: its logarithm to base 2; 0 stands one step left of the least."""
    positive = beta[beta > 0]
    zero = np.log2(positive.min()) - 1 if len(positive) else 0.0
    found: np.ndarray = np.where(beta > 0, np.log2(np.where(beta > 0, beta, 1.0)), zero)
    return found

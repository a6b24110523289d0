"""Runs to rows: what was asked the same, seeds apart, stands in one row with mean and spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from genrelab.evaluation.comparison.filters import (
    RUN_KEY,
    SEED_KEY,
    format_value,
    resolve_key,
    run_values,
    varying_keys,
)
from genrelab.evaluation.comparison.loader import Run
from genrelab.evaluation.comparison.primary_metrics import get_metric_selection
from genrelab.evaluation.report.formatting import debug_option
from genrelab.metrics import EXTENDED_METRICS
from genrelab.postprocessing import OutputType
from genrelab.utils.errors import GenrelabError

GRAPH_METRICS = ("distance", "distance_skill", "severity", "distance_sd", "supergenre_accuracy", "supergenre_top3")
KEY_ORDER = (RUN_KEY, "dataset", "features", "model", "loss", "beta")
FLAGS = {
    "val": "no test tracks: these are val scores, by which the epoch was chosen, so they are too good",
    "unsafe": "UNSAFE: segments of one track stand on both sides of the split; these scores are no evidence",
    "overlap": "OVERLAP: songs that are not new, they or their artists were trained on: scores are too high",
    "artist_leak": "artists appear on both sides of the split: scores are too high for new artists",
    "stand_in": "the data are a stand-in, made by rules: scores say nothing about recorded music",
    "debug": "cut short by a debug option: scores mean nothing",
}


@dataclass(frozen=True)
class RunGroup:
    """Runs that are read as one.

    Args:
        settings: key -> value, of what tells the rows apart.
        runs: one or several, for example one of each seed.
        distinguishing_keys: those of the keys that suffice to tell the rows apart.
    """

    settings: Mapping[str, Any]
    runs: tuple[Run, ...]
    distinguishing_keys: tuple[str, ...] = ()

    @property
    def output_type(self) -> OutputType:
        """Of its runs' logits."""
        return self.runs[0].output_type

    @cached_property
    def label(self) -> str:
        """What tells the row apart, in one line: "graph_soft, beta 2"."""
        parts = []
        for key in self.distinguishing_keys:
            value = self.settings[key]
            if value is not None:
                bare = isinstance(value, str) and not value.replace(".", "").isdigit()
                parts.append(
                    value if bare or key == RUN_KEY else f"{key.split('.')[-1].replace('_', ' ')} {format_value(value)}"
                )
        return ", ".join(parts) or ("all runs" if len(self.runs) > 1 else self.runs[0].name)

    def values(self, metric: str) -> list[float]:
        """A metric of each run; those without it are left out."""
        return _known(run.scores.get(metric, {}).get("value") for run in self.runs)

    def mean(self, metric: str) -> float | None:
        """A metric's mean over the runs."""
        return _mean(self.values(metric))

    def std(self, metric: str) -> float | None:
        """Standard deviation over the runs; None for one."""
        values = self.values(metric)
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def interval(self, metric: str) -> tuple[float, float] | None:
        """The interval over tracks; of several runs the mean of its ends, so that it is that of a typical run."""
        low, high = (_known(run.scores.get(metric, {}).get(end) for run in self.runs) for end in ("low", "high"))
        return (float(np.mean(low)), float(np.mean(high))) if len(low) == len(self.runs) == len(high) else None

    def trained_baseline(self, metric: str) -> float | None:
        """Mean of the trained baseline's metric; None where a run has none."""
        return self._baseline([run.trained_baseline for run in self.runs], metric)

    def constant_baseline(self, metric: str) -> float | None:
        """Mean of what the best constant answer of the metric's kind gives."""
        name = get_metric_selection(self.output_type.multilabel).constant_baseline_of(metric)
        return self._baseline([run.baselines.get(name, {}) for run in self.runs], metric)

    def _baseline(self, found: Sequence[Mapping[str, Mapping[str, float | None]]], metric: str) -> float | None:
        values = _known(one.get(metric, {}).get("value") for one in found)
        return _mean(values) if len(values) == len(found) else None

    @cached_property
    def n_tracks(self) -> int | None:
        """How many tracks its scores are of; None where its runs differ in it."""
        found = {int(run.metrics["tracks"][run.split]) for run in self.runs}
        return found.pop() if len(found) == 1 else None

    def mean_value(self, key: str) -> float | None:
        """The mean of a number of `run_values`, such as epochs and seconds."""
        return _mean(_known(run_values(run).get(key) for run in self.runs))

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """Which warnings hold for any of its runs."""
        return tuple(flag for flag in FLAGS if any(_flagged(run, flag) for run in self.runs))


def _flagged(run: Run, flag: str) -> bool:
    if flag == "val":
        return run.split == "val"
    if flag == "debug":
        return bool(debug_option(run.record) or (run.config.get("trainer") or {}).get("limit_train_batches"))
    return bool(run_values(run)[flag])


def group_runs(runs: Sequence[Run], group_by: Sequence[str] = ()) -> list[RunGroup]:
    """Group runs into rows, in the order of their settings.

    Args:
        runs: at least one.
        group_by: keys to group by ("model", "loss.beta", "width"); "run" keeps each apart. By default whatever differs
            between the runs but the seed. Two runs always stand apart.

    Raises:
        GenrelabError: a key that no run has.
    """
    known = [run_values(run) for run in runs]
    keys = [resolve_key(key, known) for key in group_by] or varying_keys(runs)
    apart = not group_by and len(runs) == 2
    if apart:
        keys = [RUN_KEY, *keys, *([SEED_KEY] if len({format_value(one[SEED_KEY]) for one in known}) > 1 else [])]
    elif tuple(group_by) == (RUN_KEY,):
        seeds = [SEED_KEY] if len({format_value(one[SEED_KEY]) for one in known}) > 1 else []
        keys = [RUN_KEY, *varying_keys(runs), *seeds]
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, one in enumerate(known):
        groups.setdefault(tuple(format_value(one.get(key)) for key in keys), []).append(number)
    distinguishing_keys = _distinguishing_keys(keys, list(groups))
    rows = [
        RunGroup(
            {key: known[members[0]].get(key) for key in keys}, tuple(runs[i] for i in members), distinguishing_keys
        )
        for members in groups.values()
    ]
    return (
        rows
        if RUN_KEY in keys
        else sorted(rows, key=lambda group: [_order(value) for value in group.settings.values()])
    )


def _distinguishing_keys(keys: Sequence[str], groups: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Few of the keys that tell the groups apart: those that split them further, the usual ones first."""
    order = sorted(
        range(len(keys)), key=lambda place: KEY_ORDER.index(keys[place]) if keys[place] in KEY_ORDER else len(KEY_ORDER)
    )
    chosen: list[int] = []
    for place in order:
        if len({tuple(group[i] for i in (*chosen, place)) for group in groups}) > len(
            {tuple(group[i] for i in chosen) for group in groups}
        ):
            chosen.append(place)
    return tuple(keys[place] for place in chosen)


def _order(value: Any) -> tuple[int, float, str]:
    """Sorts numbers as numbers, before names, and nothing at the end."""
    if value is None:
        return 2, 0.0, ""
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def find_group(groups: Sequence[RunGroup], wanted: str) -> RunGroup:
    """The row that a run belongs to, by its folder, its name, its run id, or the row's label.

    Raises:
        GenrelabError: there is none, or several.
    """
    path = Path(wanted).expanduser().absolute()
    for match in (
        lambda group: any(run.path == path or run.path.resolve() == path.resolve() for run in group.runs),
        lambda group: any(wanted in (run.name, run.record.get("run_id")) for run in group.runs),
        lambda group: wanted == group.label,
        lambda group: wanted in group.label or any(run.path.name == wanted for run in group.runs),
    ):
        found = [group for group in groups if match(group)]
        if len(found) == 1:
            return found[0]
        if found:
            raise GenrelabError(
                f"--baseline {wanted}: which one? there is: {'; '.join(group.label for group in found)}"
            )
    names = "; ".join(group.label for group in groups[:8])
    raise GenrelabError(f"--baseline {wanted}: not among the compared runs; name a folder, or a row: {names}")


def compared_metrics(groups: Sequence[RunGroup]) -> list[str]:
    """The metrics that any run has, of the details ECE alone, without distances where every taxonomy is flat."""
    flat = all(run.metrics.get("flat") for group in groups for run in group.runs)
    names = dict.fromkeys(
        (*groups[0].output_type.metrics, *(name for group in groups for run in group.runs for name in run.scores))
    )
    known = [name for name in names if any(group.values(name) for group in groups)]
    mute = {*EXTENDED_METRICS} - {"ece"} | (set(GRAPH_METRICS) if flat else set())
    return [name for name in known if name not in mute]


def _known(values: Any) -> list[float]:
    return [float(value) for value in values if value is not None]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None

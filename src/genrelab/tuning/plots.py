"""Pictures of a study: history, importance, slices, the front of several objectives, and metric against parameter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from genrelab.tuning.study_storage import SharedStudy
from genrelab.tuning.summary import UNSAFE, best_trials, is_unsafe
from genrelab.utils.io import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#3156c4", "#d9702b", "#2a8c6c", "#8a4fbf", "#8a94a6")
SHOWN = ("track/distance", "track/accuracy", "track/distance_skill")  # beside the objective
NAMES = {"distance": "mean distance", "accuracy": "accuracy", "distance_skill": "distance skill"}
SHARES = ("accuracy", "top3", "top5")
Interval = tuple[float, float, float]  # value, low, high


def plot_all(study: SharedStudy) -> list[Path]:
    """Draw what the study's trials allow into `plots/` of its folder.

    Returns:
        the files, the one to look at first at the head.
    """
    folder = study.spec.folder / "plots"
    trials = [trial for trial in study.trials() if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    done = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if not done:
        return []
    figures: list[tuple[str, Figure | None]] = [
        ("front", plot_pareto_front(study, done) if study.spec.multi_objective else None),
        ("curve", plot_curve(study, done)),
        ("ranking", plot_ranking(study, done)),
        ("slice", plot_slices(study, done)),
        ("importance", plot_importance(study, done)),
        ("history", plot_history(study, trials)),
    ]
    paths = []
    for name, figure in figures:
        if figure is not None:
            if any(map(is_unsafe, done)):
                figure.suptitle(UNSAFE, color="#b3261e", fontsize=9)
            paths.append(folder / f"{name}.png")
            with atomic_path(paths[-1]) as part:
                figure.savefig(part, dpi=130)
    return paths


def plot_history(study: SharedStudy, trials: Sequence[FrozenTrial]) -> Figure:
    """Each trial's value in order, and the best so far."""
    from matplotlib.ticker import MaxNLocator

    figure, panels = _figure(len(study.spec.objectives))
    for number, axes in enumerate(panels):
        name, way = study.spec.objectives[number], study.spec.directions[number]
        done = [trial for trial in trials if trial.state is TrialState.COMPLETE]
        values = [trial.values[number] for trial in done]
        axes.plot([t.number for t in done], values, "o", color=COLORS[0], markersize=4, label="complete")
        pruned = [t for t in trials if t.state is TrialState.PRUNED and t.intermediate_values]
        if pruned:
            last = [trial.intermediate_values[max(trial.intermediate_values)] for trial in pruned]
            axes.plot([t.number for t in pruned], last, "x", color=COLORS[4], markersize=4, label="pruned, last value")
        if not study.spec.multi_objective:
            best = np.minimum.accumulate(values) if way == "min" else np.maximum.accumulate(values)
            axes.step([t.number for t in done], best, where="post", color=COLORS[1], label="best so far")
            axes.legend(frameon=False)
        _dress(axes, "trial", _name(name))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def plot_importance(study: SharedStudy, done: Sequence[FrozenTrial]) -> Figure | None:
    """How much of the objective's variation each parameter explains (fANOVA, Hutter et al. 2014)."""
    varied = [key for key in study.space if len({str(trial.params[key]) for trial in done}) > 1]
    if len(varied) < 2 or len(done) < 8 or len({tuple(trial.values) for trial in done}) < 2:
        return None
    import optuna

    figure, panels = _figure(len(study.spec.objectives))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    for number, axes in enumerate(panels):
        found = optuna.importance.get_param_importances(
            study.optuna_study, evaluator=evaluator, params=varied, target=_target(number)
        )
        names = list(found)[::-1]
        axes.barh(names, [found[name] for name in names], color=COLORS[0], height=0.6)
        _dress(axes, f"share of the variation of {_name(study.spec.objectives[number])}", "")
        axes.grid(visible=False, axis="y")
    return figure


def plot_slices(study: SharedStudy, done: Sequence[FrozenTrial]) -> Figure | None:
    """The objective against each parameter, later trials darker."""
    if len(study.space) < 2:
        return None
    figure, panels = _figure(len(study.space))
    best = {trial.number for trial in best_trials(study, done)}
    for (key, one), axes in zip(study.space.items(), panels, strict=True):
        listed = one.values is not None and not all(_is_number(value) for value in one.values)
        values = [trial.params[key] for trial in done]
        places = [one.values.index(value) for value in values] if listed and one.values else values
        axes.scatter(
            places, [t.values[0] for t in done], c=[t.number for t in done], cmap="Blues", vmin=-len(done), s=18
        )
        chosen = [i for i, trial in enumerate(done) if trial.number in best]
        axes.scatter(
            [places[i] for i in chosen], [done[i].values[0] for i in chosen], color=COLORS[1], s=40, label="best"
        )
        if listed:
            axes.set_xticks(range(len(one.texts)), one.texts, rotation=30, ha="right")
        if one.log:
            axes.set_xscale("log")
        _dress(axes, key, _name(study.spec.objectives[0]))
    panels[0].legend(frameon=False)
    return figure


def plot_pareto_front(study: SharedStudy, done: Sequence[FrozenTrial]) -> Figure:
    """Two objectives against each other, with the trials that none beats in both."""
    figure, (axes,) = _figure(1)
    (x, y), best = study.spec.objectives[:2], best_trials(study, done)
    points = np.array([trial.values[:2] for trial in done])
    axes.plot(*points.T, "o", color=COLORS[4], markersize=4, label="beaten by another")
    ordered = sorted(best, key=lambda trial: trial.values[0])
    axes.plot(
        [trial.values[0] for trial in ordered], [t.values[1] for t in ordered], "o-", color=COLORS[0], label="front"
    )
    for trial in ordered:
        axes.annotate(str(trial.number), trial.values[:2], textcoords="offset points", xytext=(5, 4), fontsize=8)
    _dress(axes, _name(x), _name(y))
    axes.legend(frameon=False, title="trials (numbered)")
    return figure


def plot_curve(study: SharedStudy, done: Sequence[FrozenTrial]) -> Figure | None:
    """Metrics against a listed number, one line for each value of another listed key, with intervals over tracks."""
    listed = [key for key, one in study.space.items() if one.values is not None or one.step]
    numeric = [k for k in listed if all(_is_number(v) for v in study.space[k].points()) and _distinct(done, k) > 2]
    if len(numeric) != 1 or len(study.space) > 2 or len(listed) != len(study.space):
        return None
    along = numeric[0]
    split = next((key for key in study.space if key != along), None)
    metrics, scores = _metrics(study), _scores(study, done)
    figure, panels = _figure(len(metrics))
    groups = [g for g in study.space[split].points() if any(t.params[split] == g for t in done)] if split else [None]
    lines: list[tuple[str, Any, str]] = [(str(group), group, "val") for group in groups]
    if split is None:
        lines = [(f"{part} tracks", None, part) for part in ("val", "test")]
    gap = min(np.diff(sorted(study.space[along].points()))) * 0.3 / len(lines)  # so that bars do not hide each other
    for metric, axes in zip(metrics, panels, strict=True):
        for number, (label, group, part) in enumerate(lines):
            rows = [t for t in done if not split or t.params[split] == group]
            shift = (number - (len(lines) - 1) / 2) * gap
            points = [(t.params[along] + shift, scores[t.number].get(f"{part}/{metric}")) for t in rows]
            _line(axes, points, label, COLORS[number % len(COLORS)])
        _dress(axes, along, _name(f"val/{metric}"))
    _legend(figure, panels[0])
    return figure


def plot_ranking(study: SharedStudy, done: Sequence[FrozenTrial]) -> Figure | None:
    """The values of one listed key in order of the objective, with intervals over tracks."""
    key, one = next(iter(study.space.items()))
    if len(study.space) > 1 or one.values is None or all(_is_number(value) for value in one.values):
        return None
    metrics, scores = _metrics(study), _scores(study, done)
    ordered = sorted(done, key=lambda t: t.values[0], reverse=study.spec.directions[0] == "min")
    figure, panels = _figure(len(metrics), height=1.2 + 0.32 * len(ordered))
    for metric, axes in zip(metrics, panels, strict=True):
        for shift, part in ((0.12, "val"), (-0.12, "test")):
            rows = [(place + shift, scores[t.number].get(f"{part}/{metric}")) for place, t in enumerate(ordered)]
            found = [(place, interval) for place, interval in rows if interval]
            if found:
                color = COLORS[("val", "test").index(part)]
                values = np.array([interval for _, interval in found])
                ends = np.abs(values[:, 1:].T - values[:, 0])
                axes.errorbar(
                    values[:, 0], [p for p, _ in found], xerr=ends, fmt="o", color=color, label=f"{part} tracks", ms=4
                )
        axes.set_yticks(range(len(ordered)), [one.override(t.params[key]).partition("=")[2] for t in ordered])
        _dress(axes, _name(f"val/{metric}"), "")
    _legend(figure, panels[0])
    return figure


def _line(axes: Axes, points: Sequence[tuple[float, Interval | None]], label: str, color: str) -> None:
    there = sorted((x, interval) for x, interval in points if interval)
    if there:
        values = np.array([interval for _, interval in there])
        ends = np.abs(values[:, 1:].T - values[:, 0])
        axes.errorbar(
            [x for x, _ in there], values[:, 0], yerr=ends, fmt="o-", color=color, label=label, capsize=2, ms=4, lw=1.2
        )


def _scores(study: SharedStudy, done: Sequence[FrozenTrial]) -> dict[int, dict[str, Interval]]:
    """Trial -> `<part>/<level>/<metric>` -> value and interval, of its `metrics.json`."""
    return {trial.number: read_scores(study.spec.folder / str(trial.number)) for trial in done}


def read_scores(run: Path) -> dict[str, Interval]:
    """`<part>/<level>/<metric>` -> value and the ends of its interval (the value where it has none) of a run."""
    try:
        found: Mapping[str, Any] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    scores = {}
    for part in ("val", "test"):
        for level, metrics in found.get(part, {}).items():
            for name, one in metrics.items():
                value = one["value"]
                if value is not None:
                    low, high = (value if one[end] is None else one[end] for end in ("low", "high"))
                    scores[f"{part}/{level}/{name}"] = (value, low, high)
    return scores


def _metrics(study: SharedStudy) -> list[str]:
    """What to show, as `<level>/<metric>`: the objectives, and what one wants to see beside them."""
    own = [name.removeprefix("val/") for name in study.spec.objectives if name.count("/") == 2]
    return list(dict.fromkeys([*own, *SHOWN]))[:3]


def _target(number: int) -> Any:
    return lambda trial: trial.values[number]


def _distinct(done: Sequence[FrozenTrial], key: str) -> int:
    return len({trial.params[key] for trial in done})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _name(metric: str) -> str:
    name = metric.rpartition("/")[2]
    level = " of segments" if "/segment/" in metric else ""
    return NAMES.get(name, name.replace("_", " ")) + level


def _figure(panels: int, height: float = 3.7) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure = Figure(figsize=(4.6 * columns if panels > 1 else 7, height * rows), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(rows, columns)).flat)
    for unused in axes[panels:]:
        unused.remove()
    return figure, axes[:panels]


def _legend(figure: Figure, axes: Axes) -> None:
    """One legend for all panels, above them, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    title = "bars: 95 % intervals over tracks"
    figure.legend(handles, labels, loc="outside upper left", ncols=6, frameon=False, title=title, alignment="left")


def _dress(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for name, axis in ((x, axes.xaxis), (y, axes.yaxis)):
        if name in SHARES:
            axis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)

"""Answers decided anew from a run's predictions, scored beside argmax's on the same tracks; nothing is trained."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from genrelab.decide import Argmax, Decided, Decision, How
from genrelab.decide.thresholds import MARK
from genrelab.errors import ConfigError, GenrelabError, suggest
from genrelab.files import write_json
from genrelab.metrics import (
    Answers,
    detail_differences,
    detail_scores,
    intervals,
    paired_difference,
    reliability,
    risk_coverage,
    scores,
)
from genrelab.registry import DECISIONS
from genrelab.report.folder import Level, LevelName, Part, RunFolder, level_of
from genrelab.report.results import without_nan

RESAMPLES = 1000
DEFAULT: How = "mean_log_prob"


def evaluate(
    run: RunFolder,
    kind: str,
    params: Mapping[str, Any] | None = None,
    aggregate: str = DEFAULT,
    part: Part | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Decide a run's answers anew and score them beside argmax's by mean log-probability.

    The decision is fitted on val, at each level for itself: tracks are surer than segments.

    Args:
        run: the run's folder.
        kind: of the decision.
        params: its parameters.
        aggregate: joins segments to tracks.
        part: that is scored; by default the run's headline.
        resamples: of the bootstrap.

    Returns:
        plain data: `name`, `decision`, `aggregate`, `part`, `notes`, and of each level `rows`, `fitted`,
        `metrics[metric]` and `argmax[metric]` with `{"value", "low", "high"}`, `differences[metric]` (the decision
        minus argmax, paired by track) with `p` too, `reliability`, `risk_coverage`.

    Raises:
        ConfigError: no such decision or aggregation, or parameters that do not fit.
        GenrelabError: the part was not predicted, or there is no val to fit on.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    params = dict(params or {})
    part = part or run.headline
    if part not in run.parts:
        raise GenrelabError(f"{run.path}: has no predictions of {part!r}; there is: {', '.join(run.parts)}")
    if "val" not in run.parts:
        raise GenrelabError(f"{run.path}: has no predictions of val, on which decisions are fitted")
    how = _how(aggregate)
    with threadpool_limits(1):
        levels = {level: _level(run, kind, params, how, part, level, resamples) for level in ("track", "segment")}
    found: dict[str, Any] = without_nan(
        {
            "format": 1,
            "run_id": run.record.get("run_id", run.path.name),
            "name": decision_name(kind, params, aggregate),
            "decision": {"kind": kind, **params},
            "aggregate": aggregate,
            "part": part,
            "resampling": {"unit": "track", "resamples": resamples, "confidence": 0.95, "seed": 0},
            "notes": _notes(run, part),
            **levels,
        }
    )
    return found


def write_evaluation(run: RunFolder, found: Mapping[str, Any]) -> Path:
    """Write `decisions/<name>.json` into the run's folder; val's beside test's, with its name behind."""
    behind = "" if found["part"] == run.headline else f"-{found['part']}"
    path = run.path / "decisions" / f"{found['name']}{behind}.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, found)
    return path


def decision_name(kind: str, params: Mapping[str, Any], aggregate: str = DEFAULT) -> str:
    """A short name: the kind, what differs from its defaults, and the aggregation; fit for a file."""
    defaults = {name: one.default for name, one in inspect.signature(DECISIONS.get(kind)).parameters.items()}
    told = [f"{name}-{value}" for name, value in params.items() if value != defaults.get(name)]
    parts = [kind, *told, *([aggregate] if aggregate != DEFAULT else [])]
    return re.sub(r"[^A-Za-z0-9._-]", "_", "-".join(parts))


def _how(aggregate: str) -> How:
    if aggregate not in get_args(How):
        raise ConfigError([f"aggregate: no rule {aggregate!r}{suggest(aggregate, get_args(How))}"])
    return cast(How, aggregate)


def _notes(run: RunFolder, part: Part) -> list[str]:
    notes = []
    if run.unsafe:
        notes.append("UNSAFE split: segments of the same tracks were trained on; these scores are no evidence")
    if part == "val":
        notes.append("scored on val, on which the decision was fitted: scores are too good")
    elif not run.unsafe and set(run.predictions.only("val").track_id) & set(run.predictions.only("test").track_id):
        notes.append("folds: what the decision learnt on val came in part from tracks that other folds test")
    return notes


def _level(
    run: RunFolder, kind: str, params: Mapping[str, Any], how: How, part: Part, level: LevelName, resamples: int
) -> dict[str, Any]:
    val, rows = (level_of(run.predictions.only(one), level, how) for one in ("val", part))
    plain = level_of(run.predictions.only(part), level)
    decision = make_decision(run, kind, params)
    decision.fit(val.logits, val.target)
    decided, argmax = decision.decide(rows.logits), Argmax().decide(plain.logits)
    answers = _answers(decided, rows)
    return {
        "rows": len(rows),
        "fitted": decision.fitted,
        "metrics": _scored(run, decided, rows, resamples),
        "argmax": _scored(run, argmax, rows, resamples),
        "differences": _differences(run, argmax, decided, rows, resamples),
        "reliability": reliability(answers),
        "risk_coverage": risk_coverage(answers),
    }


def make_decision(run: RunFolder, kind: str, params: Mapping[str, Any]) -> Decision:
    """The decision `kind` on the run's graph. Raises ConfigError."""
    if DECISIONS.marked(kind, MARK):
        raise ConfigError([f"decision.kind: {kind!r} is for runs of several genres a track (target=multi_label)"])
    tree = run.tree
    made: Decision = DECISIONS.build(
        kind, params, distances=tree.distances, supergenres=tree.supergenres, clusters=tree.clusters
    )
    return made


def _answers(decided: Decided, rows: Level) -> Answers:
    return Answers(decided.log_prob, rows.target, rows.track, decided.answer, decided.height, decided.group)


def _scored(run: RunFolder, decided: Decided, rows: Level, resamples: int) -> dict[str, dict[str, float]]:
    """Training's metrics from the ranking, but likelihood from the probabilities; then the details."""
    given = (rows.target, run.distances, run.supergenres, run.medoid)
    bounds = (rows.target, rows.track, run.distances, run.supergenres, run.medoid, resamples)
    value, ends = scores(decided.ranking, *given), intervals(decided.ranking, *bounds)
    value["nll"] = scores(decided.log_prob, *given)["nll"]
    ends["nll"] = intervals(decided.log_prob, *bounds)["nll"]
    found = {name: (value[name], *ends[name]) for name in value}
    found |= detail_scores(_answers(decided, rows), run.tree, resamples)
    return {name: {"value": one[0], "low": one[1], "high": one[2]} for name, one in found.items()}


def _differences(run: RunFolder, a: Decided, b: Decided, rows: Level, resamples: int) -> dict[str, dict[str, float]]:
    given = (rows.target, rows.track, run.distances, run.supergenres, run.medoid, resamples)
    found = paired_difference(a.ranking, b.ranking, *given)
    found["nll"] = paired_difference(a.log_prob, b.log_prob, *given)["nll"]
    found |= detail_differences(_answers(a, rows), _answers(b, rows), run.tree, resamples)
    return {name: {"value": one.value, "low": one.low, "high": one.high, "p": one.p} for name, one in found.items()}


# ---- on the terminal

ROWS = {
    "accuracy": "accuracy",
    "top3": "top 3",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "F1, macro",
    "distance": "distance",
    "distance_skill": "distance skill",
    "distance_at_3": "distance at 3",
    "distance_at_5": "distance at 5",
    "severity": "severity of mistakes",
    "supergenre_accuracy": "supergenre accuracy",
    "cluster_accuracy": "cluster accuracy",
    "hub_share": "commonest answer",
    "effective_classes": "effective genres",
    "centrality_gap": "centrality gap",
    "nll": "nll",
    "brier": "Brier score",
    "ece": "ECE",
    "aurc": "AURC",
}
HEDGED_ROWS = {
    "coverage": "a genre is named",
    "selective_accuracy": "of these right",
    "answered": "anything is said",
    "answered_accuracy": "of this right",
    "hierarchical_precision": "hierarchical precision",
    "hierarchical_recall": "hierarchical recall",
    "hierarchical_f": "hierarchical F",
}
ON_THE_GRAPH = {"distance", "distance_skill", "distance_at_3", "distance_at_5", "severity", "centrality_gap"}
IN_GROUPS = {"supergenre_accuracy", "cluster_accuracy"}
PER_CENT = {
    *("accuracy", "top3", "balanced_accuracy", "f1_macro", "supergenre_accuracy", "cluster_accuracy", "hub_share"),
    *HEDGED_ROWS,
}


def print_evaluation(run: RunFolder, found: Mapping[str, Any]) -> None:
    """Print the tracks' scores beside argmax's, with the paired differences, and what was fitted."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    one, part = found["track"], found["part"]
    title = f"{'UNSAFE ' * run.unsafe}{part}: {one['rows']} tracks, {found['segment']['rows']} segments"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for head in ("argmax", f"{found['name']}, 95 %", "difference, 95 %"):
        table.add_column(Text(head), justify="right")
    for metric, name in shown_rows(run, found).items():
        new, better = one["metrics"][metric], one["differences"][metric]
        shown = better["low"] is not None and better["low"] * better["high"] > 0  # the interval leaves 0 out
        table.add_row(
            name,
            _number(metric, one["argmax"][metric]["value"]),
            Text.assemble(_number(metric, new["value"]), _ends(metric, new)),
            Text.assemble((_number(metric, better["value"], True), "bold" if shown else ""), _ends(metric, better)),
        )
    console = Console()
    console.print(table)
    fitted = {level: found[level]["fitted"] for level in ("track", "segment") if found[level]["fitted"]}
    for level, values in fitted.items():
        told = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
        console.print(Text(f"fitted on val, {level}s: {told}"))
    for note in found["notes"]:
        console.print(Text(f"note: {note}", style="yellow"))


def shown_rows(run: RunFolder, found: Mapping[str, Any]) -> dict[str, str]:
    """The metrics that say something here, with their names."""
    hedged = found["track"]["metrics"]["coverage"]["value"] < 1
    kept = {**({**HEDGED_ROWS, **{k: ROWS[k] for k in ("nll", "brier", "ece")}} if hedged else ROWS)}
    mute = set(ON_THE_GRAPH) if run.taxonomy.flat else set()
    if len(set(run.supergenres)) in (1, len(run.supergenres)):
        mute |= IN_GROUPS
    if len(set(run.clusters)) == 1:
        mute |= {"cluster_accuracy"}
    return {metric: name for metric, name in kept.items() if metric not in mute}


def _number(metric: str, value: float | None, signed: bool = False) -> str:
    if value is None:
        return "\N{EN DASH}"
    scale, digits = _scale(metric)
    unit = " %" if scale == 100 and not signed else ""
    return f"{round(scale * value, digits) + 0.0:{'+' if signed else ''}.{digits}f}{unit}"  # + 0.0: no "-0.0"


def _ends(metric: str, found: Mapping[str, float | None]) -> tuple[str, str]:
    """An interval, dim."""
    low, high = found["low"], found["high"]
    if low is None or high is None or low == high:
        return "", "dim"
    scale, digits = _scale(metric)
    return f" [{scale * low:.{digits}f}, {scale * high:.{digits}f}]", "dim"


def _scale(metric: str) -> tuple[int, int]:
    """What a value is multiplied by, and its decimals."""
    if metric in PER_CENT:
        return 100, 1
    return 1, {"effective_classes": 1, "ece": 3, "brier": 3, "aurc": 3}.get(metric, 2)

"""A decision's scores on the terminal, beside the usual answers'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genrelab.evaluation.report.formatting import METRIC_TITLES
from genrelab.runs.run_dir import RunDir

METRIC_LABELS = {
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
HEDGED_METRIC_LABELS = {
    "coverage": "a genre is named",
    "selective_accuracy": "of these right",
    "answered": "anything is said",
    "answered_accuracy": "of this right",
    "hierarchical_precision": "hierarchical precision",
    "hierarchical_recall": "hierarchical recall",
    "hierarchical_f": "hierarchical F",
}
MULTILABEL_ROWS = (
    "f1_micro",
    "f1_macro",
    "subset_accuracy",
    "labels",
    "pr_auc",
    "roc_auc",
    "top1",
    "consistency",
    "bce",
)
GRAPH_METRICS = {"distance", "distance_skill", "distance_at_3", "distance_at_5", "severity", "centrality_gap"}
GROUP_METRICS = {"supergenre_accuracy", "cluster_accuracy"}
PERCENT_METRICS = {
    *("accuracy", "top3", "balanced_accuracy", "f1_macro", "supergenre_accuracy", "cluster_accuracy", "hub_share"),
    *HEDGED_METRIC_LABELS,
    *("f1_micro", "subset_accuracy", "top1", "consistency"),
}


def print_reevaluation(run: RunDir, found: Mapping[str, Any]) -> None:
    """Print the tracks' scores beside the usual answers', with the paired differences, and what was fitted."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    one, scored_split = found["track"], found["part"]
    title = f"{'UNSAFE ' * run.unsafe}{scored_split}: {one['rows']} tracks, {found['segment']['rows']} segments"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    usual, told = ("half", "from 0.5 on") if run.multi_label else ("argmax", "argmax")
    for head in (told, f"{found['name']}, 95 %", "difference, 95 %"):
        table.add_column(Text(head), justify="right")
    for metric, name in displayed_rows(run, found).items():
        new, better = one["metrics"][metric], one["differences"][metric]
        shown = better["low"] is not None and better["low"] * better["high"] > 0  # the interval leaves 0 out
        table.add_row(
            name,
            _format_number(metric, one[usual][metric]["value"]),
            Text.assemble(_format_number(metric, new["value"]), _format_interval(metric, new)),
            Text.assemble(
                (_format_number(metric, better["value"], True), "bold" if shown else ""),
                _format_interval(metric, better),
            ),
        )
    console = Console()
    console.print(table)
    fitted = {level: found[level]["fitted"] for level in ("track", "segment") if found[level]["fitted"]}
    for level, values in fitted.items():
        told = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
        console.print(Text(f"fitted on val, {level}s: {told}"))
    for note in found["notes"]:
        console.print(Text(f"note: {note}", style="yellow"))


def displayed_rows(run: RunDir, found: Mapping[str, Any]) -> dict[str, str]:
    """The metrics that say something here, with their names."""
    if run.multi_label:
        return {
            name: METRIC_TITLES[name]
            for name in MULTILABEL_ROWS
            if found["track"]["metrics"][name]["value"] is not None
        }
    hedged = found["track"]["metrics"]["coverage"]["value"] < 1
    kept = {
        **(
            {**HEDGED_METRIC_LABELS, **{k: METRIC_LABELS[k] for k in ("nll", "brier", "ece")}}
            if hedged
            else METRIC_LABELS
        )
    }
    mute = set(GRAPH_METRICS) if run.taxonomy.flat else set()
    if len(set(run.supergenres)) in (1, len(run.supergenres)):
        mute |= GROUP_METRICS
    if len(set(run.clusters)) == 1:
        mute |= {"cluster_accuracy"}
    return {metric: name for metric, name in kept.items() if metric not in mute}


def _format_number(metric: str, value: float | None, signed: bool = False) -> str:
    if value is None:
        return "\N{EN DASH}"
    scale, digits = _scale(metric)
    unit = " %" if scale == 100 and not signed else ""
    return f"{round(scale * value, digits) + 0.0:{'+' if signed else ''}.{digits}f}{unit}"  # + 0.0: no "-0.0"


def _format_interval(metric: str, found: Mapping[str, float | None]) -> tuple[str, str]:
    """An interval, dim."""
    low, high = found["low"], found["high"]
    if low is None or high is None or low == high:
        return "", "dim"
    scale, digits = _scale(metric)
    return f" [{scale * low:.{digits}f}, {scale * high:.{digits}f}]", "dim"


def _scale(metric: str) -> tuple[int, int]:
    """What a value is multiplied by, and its decimals."""
    if metric in PERCENT_METRICS:
        return 100, 1
    three = dict.fromkeys(("ece", "brier", "aurc", "pr_auc", "roc_auc", "bce"), 3)
    return 1, {"effective_classes": 1, **three}.get(metric, 2)

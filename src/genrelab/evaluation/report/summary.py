"""The table that a run ends with on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrelab.evaluation.report.auxiliary_scores import auxiliary_rows, auxiliary_table
from genrelab.evaluation.report.formatting import METRIC_TITLES, format_interval, format_metric
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID, RANDOM
from genrelab.utils.errors import GenrelabError

if TYPE_CHECKING:
    from rich.table import Table

MAX_TRAINED_BASELINES = 2  # baselines that 80 columns have room for; the page shows all
SUMMARY_METRICS = (
    "accuracy",
    "top3",
    "balanced_accuracy",
    "f1_macro",
    "distance",
    "distance_skill",
    "supergenre_accuracy",
    "effective_classes",
)


def summary_table(run: Path | Mapping[str, Any]) -> Table:
    """The headline scores with intervals, beside the baselines.

    Args:
        run: a run's folder, or the content of its `metrics.json`.

    Raises:
        GenrelabError: the folder has no `metrics.json`.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    metrics = _read_metrics(run) if isinstance(run, Path) else run
    split = metrics["headline"]
    found, segments = metrics[split]["track"], metrics[split]["segment"]
    baselines = metrics["baselines"][split]["track"]
    trained = [name for name in baselines if name not in (MAJORITY, MEDOID, RANDOM)][:MAX_TRAINED_BASELINES]
    title = "UNSAFE " if metrics.get("unsafe") else "OVERLAP " if metrics.get("overlap") else ""
    title += f"{split}: {metrics['tracks'][split]} tracks, {metrics['segments'][split]} segments"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column(Text("tracks, 95 %"), justify="right", no_wrap=True, min_width=21)
    for head in ("segments", *trained, "constant answer"):
        table.add_column(Text(head), justify="right", max_width=11)
    for metric in SUMMARY_METRICS:
        if metrics.get("flat") and metric in ("distance", "distance_skill", "supergenre_accuracy"):
            continue  # every two genres are equally far apart
        constant = baselines[MEDOID if metric in ("distance", "distance_skill") else MAJORITY]
        if metric == "top3" and constant[metric]["value"] == 1:
            continue  # of three genres it says nothing
        bounds = format_interval(metric, found[metric])  # as Text, because brackets would read as markup
        own = Text.assemble(
            (format_metric(metric, found[metric]["value"]), "bold"), " " if bounds else "", (bounds, "dim")
        )
        others = (segments, *(baselines[name] for name in trained), constant)
        cells = [Text(format_metric(metric, one.get(metric, {}).get("value"))) for one in others]
        table.add_row(METRIC_TITLES[metric], own, *cells)
    return table


def multilabel_summary_table(metrics: Mapping[str, Any]) -> Table:
    """The headline scores of tracks with several genres, from the content of `metrics.json`."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from genrelab.evaluation.report.multilabel_scores import displayed_multilabel_metrics, format_with_interval

    split = metrics["headline"]
    baselines = metrics["baselines"][split]["track"]
    title = f"{split}: {metrics['tracks'][split]} tracks, {metrics['segments'][split]} segments"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column(Text("tracks, 95 %"), justify="right", no_wrap=True)
    for head in ("segments", *reversed(baselines)):
        table.add_column(Text(head), justify="right", max_width=13)
    for metric in displayed_multilabel_metrics(metrics):
        others = (metrics[split]["segment"], *reversed(baselines.values()))
        cells = [Text(format_metric(metric, one[metric]["value"])) for one in others]
        table.add_row(
            METRIC_TITLES[metric], Text(format_with_interval(metric, metrics[split]["track"][metric])), *cells
        )
    return table


def conditions_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Top 1, 2 and 3 of new songs and of their excerpts, by condition."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for head in ("songs", "top 1, 95 %", "top 2", "top 3", "excerpts", "top 1, 95 %", "top 2", "top 3"):
        table.add_column(Text(head), justify="right")
    for row in rows:
        cells = [Text(str(row["condition"]))]
        for level, count in (("track", "songs"), ("segment", "excerpts")):
            one = row[level]
            bounds = format_interval("accuracy", one["top1"])
            cells.append(Text(str(row[count])))
            cells.append(Text.assemble(format_metric("accuracy", one["top1"]["value"]), " ", (bounds, "dim")))
            cells += [Text(format_metric("accuracy", one[top]["value"])) for top in ("top2", "top3")]
        table.add_row(*cells)
    return table


def print_summary(run_dir: Path) -> None:
    """Print `summary_table` of a run's folder, and the findings and warnings that its page begins with."""
    from rich.console import Console
    from rich.text import Text

    metrics = _read_metrics(Path(run_dir))
    console = Console()
    if counts := _track_counts(metrics):
        console.print(Text(counts))
    console.print(
        multilabel_summary_table(metrics) if metrics.get("target") == "multi_label" else summary_table(metrics)
    )
    if metrics.get("conditions"):
        console.print(conditions_table(metrics["conditions"]))
    if metrics.get("labels"):
        console.print(auxiliary_table(auxiliary_rows(metrics["labels"])))
    for line in metrics.get("verdict", ()):
        console.print(Text(line))
    for line in metrics.get("warnings", ()):
        if "left out; run.json" in line:
            continue  # said above
        console.print(Text(f"note: {line}", style="yellow"))


def _track_counts(metrics: Mapping[str, Any]) -> str:
    """How many tracks trained, chose and tested, and how many files gave none."""
    known = metrics.get("dataset") or {}
    tracks, left_out = known.get("tracks") or {}, known.get("left_out")
    parts = " / ".join(f"{split} {tracks[split]}" for split in ("train", "val", "test") if split in tracks)
    files = f"; {left_out} file{'s' * (left_out > 1)} left out (run.json says why)" if left_out else ""
    return f"{parts} tracks{files}" if parts else ""


def _read_metrics(folder: Path) -> Mapping[str, Any]:
    path = folder / "metrics.json"
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such file; write it with: genrelab report {folder}") from error
    except ValueError as error:
        raise GenrelabError(f"{path}: unreadable ({error}); write it anew with: genrelab report {folder}") from error
    return found

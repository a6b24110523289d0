"""Scores of further labels (language, mood), from `labels.parquet` and the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from genrelab.datamodules.auxiliary_targets import FILE, read_auxiliary_rows
from genrelab.evaluation.report.formatting import format_interval, format_metric
from genrelab.metrics.confidence_intervals import percentile_interval, wilson_upper_bound_at_zero
from genrelab.postprocessing import aggregate_segments
from genrelab.runs.run_dir import RunDir

if TYPE_CHECKING:
    from rich.table import Table

RESAMPLES = 1000
CONFIDENCE = 0.95


def score_auxiliary_targets(run: RunDir) -> dict[str, Any]:
    """Accuracy of each further label on the tracks of the headline's part whose label is known.

    Returns:
        by label: `tracks`, `classes`, `accuracy` ({"value", "low", "high"}), `majority` (accuracy of always answering
        train's commonest value) and that `answer`. Empty where the run has no labels.

    Raises:
        GenrelabError: `labels.parquet` is unreadable.
    """
    known, path = run.record.get("labels") or {}, run.path / FILE
    if not known or not path.exists():
        return {}
    rows = read_auxiliary_rows(path)
    rows = rows[(rows["split"] == run.primary_split) & rows["truth"].notna()]
    return {name: _scored(rows[rows["label"] == name], target_record) for name, target_record in known.items()}


def _scored(rows: pd.DataFrame, known: Mapping[str, Any]) -> dict[str, Any]:
    """One label's scores; its answer for a track joins the segments' probabilities as genres' do."""
    classes = list(known["classes"])
    common = classes[int(np.argmax(known["train_targets"]))]
    found: dict[str, Any] = {"tracks": 0, "classes": classes, "accuracy": {"value": None, "low": None, "high": None}}
    if not len(rows):
        return {**found, "majority": None, "answer": common}
    shares = np.log(np.maximum(np.stack(rows["probabilities"].to_list()).astype(np.float64), 1e-12))
    joined, tracks = aggregate_segments(shares, rows["track_id"].to_numpy())
    truth = rows.groupby("track_id")["truth"].first().loc[tracks].to_numpy()
    hits = np.array(classes, dtype=object)[joined.argmax(axis=1)] == truth
    value, low, high = _share(hits)
    return {
        **found,
        "tracks": len(tracks),
        "accuracy": {"value": value, "low": low, "high": high},
        "majority": float((truth == common).mean()),
        "answer": common,
    }


def _share(hits: np.ndarray) -> tuple[float, float, float]:
    """A share with its bootstrap interval over tracks; Wilson's bound where all resamples are alike."""
    value, count = float(hits.mean()), len(hits)
    if value in (0.0, 1.0):
        bound = wilson_upper_bound_at_zero(count, CONFIDENCE)
        return (value, 0.0, bound) if value == 0 else (value, 1 - bound, 1.0)
    drawn = np.random.default_rng(0).binomial(count, value, RESAMPLES) / count  # hits of tracks drawn with replacement
    return (value, *percentile_interval(drawn, CONFIDENCE))


def auxiliary_rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The scores as they are shown, one row a label."""
    return [
        {
            "label": name,
            "values": ", ".join(one["classes"][:6]) + (", ..." if len(one["classes"]) > 6 else ""),
            "tracks": one["tracks"],
            "own": format_metric("accuracy", one["accuracy"]["value"]),
            "ends": format_interval("accuracy", one["accuracy"]),
            "majority": format_metric("accuracy", one["majority"]),
            "answer": one["answer"],
        }
        for name, one in found.items()
    ]


def auxiliary_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What `auxiliary_rows` gives, for the terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("further label", no_wrap=True)
    for head in ("tracks", "accuracy, 95 %", "constant answer"):
        table.add_column(Text(head), justify="right")
    for row in rows:
        own = Text.assemble((row["own"], "bold"), " ", (row["ends"], "dim"))
        table.add_row(Text(row["label"]), str(row["tracks"]), own, Text(f"{row['majority']} ({row['answer']})"))
    return table

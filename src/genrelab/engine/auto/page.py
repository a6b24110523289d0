"""The race as a table on the terminal and as a page, from `race.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrelab.engine.auto.outcome import percent
from genrelab.evaluation.report import svg
from genrelab.evaluation.report.page import load_template
from genrelab.utils.io import write_text

if TYPE_CHECKING:
    from rich.table import Table


def write_race_page(folder: Path, race: Mapping[str, Any]) -> Path:
    """Write `report/race.html` into a run's folder; it needs nothing but itself.

    Args:
        folder: Of the run.
        race: Content of `race.json`.
    """
    marks = [svg.IntervalMark("nested", race["nested"]["accuracy"], _bounds(race["nested"]), strong=True)]
    marks += [svg.IntervalMark(row["title"], row["accuracy"], _bounds(row)) for row in race["candidates"]]
    text = load_template("race.html.jinja", "genrelab.engine.auto").render(
        run_id=folder.name,
        race=race,
        rows=[_cells(row) for row in race["candidates"]],
        chart=svg.interval_chart("Accuracy", marks, percent=True, note="more is better"),
    )
    write_text(folder / "report" / "race.html", text)
    return folder / "report" / "race.html"


def race_table(race: Mapping[str, Any]) -> Table:
    """Return the race as a table for the terminal.

    Args:
        race: Content of `race.json`.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = f"{race['tracks']} tracks, {race['folds']} outer folds, accuracy with 95 % intervals"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("")
    for head in ("accuracy", "loss", "minus chosen", "seconds", "size"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in race["candidates"]:
        cells = _cells(row)
        name = Text(f"{row['title']} *" if row["used"] else row["title"], style="bold" if row["used"] else "")
        score = Text(percent(row))
        table.add_row(name, score, cells["nll"], Text(cells["difference"]), cells["seconds"], cells["size"])
    table.add_row(Text("nested: choose, then answer", style="bold"), Text(percent(race["nested"])), *_nested(race))
    return table


def _nested(race: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return f"{race['nested']['nll']:.2f}", "", f"{sum(row['seconds'] for row in race['candidates']):.1f}", ""


def _bounds(found: Mapping[str, float]) -> tuple[float, float]:
    return found["low"], found["high"]


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the table as shown."""
    away = row["difference"]
    points = "" if away is None else f"{100 * away['value']:+.0f} [{100 * away['low']:+.0f}, {100 * away['high']:+.0f}]"
    return {
        **row,
        "accuracy": f"{100 * row['accuracy']:.1f} %",
        "interval": f"[{100 * row['low']:.1f}, {100 * row['high']:.1f}]",
        "nll": f"{row['nll']:.2f}",
        "inner_nll": f"{row['inner_nll']:.3f}",
        "params": ", ".join(f"{name} {value:.3g}" for name, value in row["params"].items()),
        "difference": points,
        "seconds": f"{row['seconds']:.1f}",
        "size": f"{row['size']:,}",
    }

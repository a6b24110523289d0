"""The table that a run ends with on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrelab.errors import GenrelabError
from genrelab.report.wording import TITLES, interval, number

if TYPE_CHECKING:
    from rich.table import Table

ROWS = (
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
    from rich.table import Table
    from rich.text import Text

    metrics = _read(run) if isinstance(run, Path) else run
    part = metrics["headline"]
    found, segments = metrics[part]["track"], metrics[part]["segment"]
    baselines = metrics["baselines"][part]["track"]
    trained = [name for name in baselines if name not in ("majority genre", "medoid genre", "uniform random")]
    names = [*trained, "majority genre", "medoid genre"]
    table = Table(title=f"{part}: {metrics['tracks'][part]} tracks, {metrics['segments'][part]} segments")
    table.add_column("", no_wrap=True)
    for head in ("tracks", "95 %", "segments", *names):
        table.add_column(Text(head), justify="right")
    for metric in ROWS:
        table.add_row(
            TITLES[metric],
            Text(number(metric, found[metric]["value"]), style="bold"),
            Text(interval(metric, found[metric])),  # brackets would read as markup
            number(metric, segments[metric]["value"]),
            *(number(metric, baselines[name].get(metric, {}).get("value")) for name in names),
        )
    return table


def print_summary(run_dir: Path) -> None:
    """Print `summary_table` of a run's folder."""
    from rich.console import Console

    Console().print(summary_table(Path(run_dir)))


def _read(folder: Path) -> Mapping[str, Any]:
    path = folder / "metrics.json"
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such file; write it with: genrelab report {folder}") from error
    except ValueError as error:
        raise GenrelabError(f"{path}: unreadable ({error}); write it anew with: genrelab report {folder}") from error
    return found

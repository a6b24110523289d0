"""The comparison on the terminal, in as many columns as fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.filters import RUN
from genrelab.evaluation.comparison.formatting import cells, difference, key_title, shown_value, title
from genrelab.evaluation.report.formatting import clock, number
from genrelab.utils.io import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

SHORT = {
    "distance_skill": "distance skill",
    "balanced_accuracy": "balanced acc.",
    "supergenre_accuracy": "supergenre",
    "effective_classes": "effective genres",
    "hub_share": "commonest answer",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "top1": "likeliest right",
    "subset_accuracy": "all exactly right",
    "bce": "binary cross-entropy",
    "nll": "log-lik. (negative)",
}
KEY_WIDTH = len("20260101-120000-ab12cd") + 1  # a run stays whole, longer settings fold
KEYS_SHARE = 0.5  # of the width, at most, for settings that need not be there


@dataclass(frozen=True)
class _Column:
    title: str
    cells: list[Text]
    left: bool = False

    @property
    def width(self) -> int:
        """With a space beside it."""
        longest = max((len(line) for cell in self.cells for line in cell.plain.split("\n")), default=0)
        return max(longest, max(map(len, self.title.split()), default=0)) + 1

    @property
    def fitting(self) -> int:
        """The width it gets: settings fold."""
        return min(self.width, KEY_WIDTH) if self.left else self.width


def print_comparison(found: Comparison, console: Console | None = None) -> None:
    """Print the rows, the tests, what must be known, and what was left out."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    table, missing = _table(found, console.width)
    console.print(table)
    if missing:
        console.print(Text(f"not shown, in table.csv of --out FOLDER: {', '.join(missing)}", style="dim"))
    if found.reference is not None:
        console.print()
        console.print(_tests(found, console.width))
        for line in notes_of_tests(found):
            console.print(Text(line, style="dim"))
    for line in found.notes:
        console.print(Text(f"note: {line}", style="yellow"))
    if found.left:
        console.print(Text(f"left out ({len(found.left)}):", style="bold"))
        for one in found.left:
            console.print(Text(f"  {shown(one.path)}: {one.reason}"), soft_wrap=True)


def _new(heading: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=heading, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=0, show_edge=False
    )


def _table(found: Comparison, width: int) -> tuple[Table, list[str]]:
    """As many columns as fit into the width, and the titles of those that do not."""
    shown_columns, missing = _key_columns(found, width)
    left = width + 1 - sum(column.fitting for column in shown_columns)
    for column in _number_columns(found):
        if left >= column.width:
            left -= column.width
            shown_columns.append(column)
        else:
            missing.append(column.title)
    table = _new(heading(found))
    for column in shown_columns:
        table.add_column(
            column.title,
            justify="left" if column.left else "right",
            width=column.fitting - 1,
            overflow="fold",
        )
    for at in range(len(found.rows)):
        table.add_row(*(column.cells[at] for column in shown_columns))
    return table, missing


def heading(found: Comparison) -> str:
    """How many runs on how many tracks: "15 runs in 5 rows, scores of 108 test tracks"."""
    runs = len(found.runs)
    tracks, parts = {row.tracks for row in found.rows}, {run.part for run in found.runs}
    on = f"{tracks.pop()} " if len(tracks) == 1 and None not in tracks else ""
    rows = f" in {len(found.rows)} row{'s' * (len(found.rows) > 1)}" if len(found.rows) != runs else ""
    return f"{runs} run{'s' * (runs > 1)}{rows}, scores of {on}{' or '.join(sorted(parts))} tracks"


def _key_columns(found: Comparison, width: int) -> tuple[list[_Column], list[str]]:
    """The settings that tell rows apart, further ones as they fit, and the titles of those that do not."""
    from rich.text import Text

    keys = list(found.rows[0].settings)
    telling = found.rows[0].telling
    made = {
        key: _Column(key_title(key, keys), [Text(shown_value(row.settings[key])) for row in found.rows], left=True)
        for key in keys
    }
    room, chosen = width * KEYS_SHARE, list(telling)
    for key in keys:
        if key not in chosen and sum(made[one].fitting for one in (*chosen, key)) <= room:
            chosen.append(key)
    columns = [made[key] for key in keys if key in chosen]
    missing = [made[key].title for key in keys if key not in chosen]
    if not columns:
        columns.append(_Column("", [Text(row.label) for row in found.rows], left=True))
    if any(len(row.runs) > 1 for row in found.rows):
        columns.append(_Column("runs", [Text(str(len(row.runs))) for row in found.rows]))
    if len({row.tracks for row in found.rows}) > 1 and RUN not in keys:
        columns.append(_Column("tracks", [Text(str(row.tracks or "differ")) for row in found.rows]))
    return columns, missing


def _number_columns(found: Comparison) -> list[_Column]:
    """In the order in which they are wanted; what does not fit is left to table.csv and the page."""
    from rich.text import Text

    headline = found.headline
    known = [name for name in found.metrics if name not in found.same_as_accuracy]

    def metric(name: str) -> _Column:
        made = [cells(row, name) for row in found.rows]
        return _Column(
            SHORT.get(name, title(name).lower()),
            [Text.assemble((value, "bold"), (f"\n{below}" if below else "", "dim")) for value, below in made],
        )

    def plain(title: str, values: Sequence[str]) -> _Column:
        return _Column(title, [Text(value) for value in values])

    first = [metric(name) for name in headline.terminal[:2] if name in known]
    context = [
        plain("constant answer", [number(headline.first, row.constant(headline.first)) for row in found.rows]),
        plain("log. regr.", [number(headline.first, row.trained_baseline(headline.first)) for row in found.rows]),
    ]
    rest = [metric(name) for name in headline.terminal[2:] if name in known]
    seconds = [row.number("seconds") for row in found.rows]
    run = [
        plain("epochs", ["" if (n := row.number("epochs")) is None else f"{n:.3g}" for row in found.rows]),
        plain("time", ["" if one is None else clock(one) for one in seconds]),
    ]
    flagged = len({row.flags for row in found.rows}) > 1
    flags = [plain("flags", [", ".join(row.flags) for row in found.rows])] if flagged else []
    later = [metric(name) for name in headline.later if name in known]
    return [column for column in (*first, *context, *flags, *rest, *run, *later) if any(c.plain for c in column.cells)]


def _tests(found: Comparison, width: int) -> Table:
    """Each row minus the reference, with what the interval shows."""
    from rich.text import Text

    assert found.reference is not None
    left = min(KEY_WIDTH, max(14, *(len(row.label) + 1 for row in found.rows)))
    metrics = [name for name in found.headline.tested if any(p and name in p.differences for p in found.paired)]
    metrics = [name for name in metrics if name not in found.same_as_accuracy][: max(1, (width - left) // 21)]
    table = _new(f"against {found.reference.label}, on the same tracks")
    table.add_column("", overflow="fold")
    for name in metrics:
        table.add_column(SHORT.get(name, title(name).lower()), justify="right", width=20)
    for row, paired in zip(found.rows, found.paired, strict=True):
        if paired is None:
            continue
        if paired.refused:
            table.add_row(Text(row.label), Text(paired.refused, style="yellow"), *([""] * (len(metrics) - 1)))
            continue
        made = []
        for name in metrics:
            value, ends = difference(name, paired.differences.get(name))
            verdict = paired.verdict(name) or ""
            colour = {"better": "green", "worse": "red"}.get(verdict, "dim")
            made.append(Text.assemble((f"{value} {ends}\n"), (verdict, colour)))
        table.add_row(Text(row.label), *made)
    return table


def notes_of_tests(found: Comparison) -> list[str]:
    """How the tests are meant, and what holds for some of them."""
    assert found.reference is not None
    seeds = [len(row.runs) for row in found.rows]
    tested = [one for one in found.paired if one and not one.refused]
    how = "tracks, and the runs of a row as blocks" if max(seeds) > 1 else "tracks"
    lines = [f"Brackets: 95 % of 1,000 bootstrap resamples of {how}, the same tracks for both."]
    if min(seeds) == 1:
        lines.append("A row of one run says how good these weights are, not how good the setting is: train more seeds.")
    if len(tested) >= 5:
        lines.append(f"{len(tested)} rows are tested: of twenty tests one differs by chance alone.")
    for row, one in zip(found.rows, found.paired, strict=True):
        lines += [f"{row.label}: {note}" for note in (one.notes if one else ())]
    return lines

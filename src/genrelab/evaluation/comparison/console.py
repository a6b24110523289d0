"""The comparison on the terminal, in as many columns as fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genrelab.evaluation.comparison.comparison import Comparison
from genrelab.evaluation.comparison.filters import RUN_KEY
from genrelab.evaluation.comparison.formatting import (
    format_cells,
    format_difference,
    format_setting,
    key_title,
    metric_title,
)
from genrelab.evaluation.report.formatting import format_duration, format_metric
from genrelab.utils.io import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

SHORT_TITLES = {
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


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print the rows, the tests, what must be known, and what was left out."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    table, missing = _table(comparison, console.width)
    console.print(table)
    if missing:
        console.print(Text(f"not shown, in table.csv of --out FOLDER: {', '.join(missing)}", style="dim"))
    if comparison.reference is not None:
        console.print()
        console.print(_tests(comparison, console.width))
        for line in test_notes(comparison):
            console.print(Text(line, style="dim"))
    for line in comparison.notes:
        console.print(Text(f"note: {line}", style="yellow"))
    if comparison.skipped:
        console.print(Text(f"left out ({len(comparison.skipped)}):", style="bold"))
        for one in comparison.skipped:
            console.print(Text(f"  {shown(one.path)}: {one.reason}"), soft_wrap=True)


def _new_table(heading: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=heading, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=0, show_edge=False
    )


def _table(comparison: Comparison, width: int) -> tuple[Table, list[str]]:
    """As many columns as fit into the width, and the titles of those that do not."""
    shown_columns, missing = _key_columns(comparison, width)
    left = width + 1 - sum(column.fitting for column in shown_columns)
    for column in _number_columns(comparison):
        if left >= column.width:
            left -= column.width
            shown_columns.append(column)
        else:
            missing.append(column.title)
    table = _new_table(comparison_heading(comparison))
    for column in shown_columns:
        table.add_column(
            column.title,
            justify="left" if column.left else "right",
            width=column.fitting - 1,
            overflow="fold",
        )
    for at in range(len(comparison.groups)):
        table.add_row(*(column.cells[at] for column in shown_columns))
    return table, missing


def comparison_heading(comparison: Comparison) -> str:
    """How many runs on how many tracks: "15 runs in 5 rows, scores of 108 test tracks"."""
    runs = len(comparison.runs)
    tracks, splits = {group.n_tracks for group in comparison.groups}, {run.split for run in comparison.runs}
    on = f"{tracks.pop()} " if len(tracks) == 1 and None not in tracks else ""
    rows = (
        f" in {len(comparison.groups)} row{'s' * (len(comparison.groups) > 1)}"
        if len(comparison.groups) != runs
        else ""
    )
    return f"{runs} run{'s' * (runs > 1)}{rows}, scores of {on}{' or '.join(sorted(splits))} tracks"


def _key_columns(comparison: Comparison, width: int) -> tuple[list[_Column], list[str]]:
    """The settings that tell rows apart, further ones as they fit, and the titles of those that do not."""
    from rich.text import Text

    keys = list(comparison.groups[0].settings)
    telling = comparison.groups[0].distinguishing_keys
    made = {
        key: _Column(
            key_title(key, keys), [Text(format_setting(group.settings[key])) for group in comparison.groups], left=True
        )
        for key in keys
    }
    room, chosen = width * KEYS_SHARE, list(telling)
    for key in keys:
        if key not in chosen and sum(made[one].fitting for one in (*chosen, key)) <= room:
            chosen.append(key)
    columns = [made[key] for key in keys if key in chosen]
    missing = [made[key].title for key in keys if key not in chosen]
    if not columns:
        columns.append(_Column("", [Text(group.label) for group in comparison.groups], left=True))
    if any(len(group.runs) > 1 for group in comparison.groups):
        columns.append(_Column("runs", [Text(str(len(group.runs))) for group in comparison.groups]))
    if len({group.n_tracks for group in comparison.groups}) > 1 and RUN_KEY not in keys:
        columns.append(_Column("tracks", [Text(str(group.n_tracks or "differ")) for group in comparison.groups]))
    return columns, missing


def _number_columns(comparison: Comparison) -> list[_Column]:
    """In the order in which they are wanted; what does not fit is left to table.csv and the page."""
    from rich.text import Text

    headline = comparison.metric_selection
    known = [name for name in comparison.metrics if name not in comparison.redundant_with_accuracy]

    def metric(name: str) -> _Column:
        made = [format_cells(group, name) for group in comparison.groups]
        return _Column(
            SHORT_TITLES.get(name, metric_title(name).lower()),
            [Text.assemble((value, "bold"), (f"\n{below}" if below else "", "dim")) for value, below in made],
        )

    def plain(title: str, values: Sequence[str]) -> _Column:
        return _Column(title, [Text(value) for value in values])

    first = [metric(name) for name in headline.console[:2] if name in known]
    context = [
        plain(
            "constant answer",
            [format_metric(headline.primary, group.constant_baseline(headline.primary)) for group in comparison.groups],
        ),
        plain(
            "log. regr.",
            [format_metric(headline.primary, group.trained_baseline(headline.primary)) for group in comparison.groups],
        ),
    ]
    rest = [metric(name) for name in headline.console[2:] if name in known]
    seconds = [group.mean_value("seconds") for group in comparison.groups]
    run = [
        plain(
            "epochs", ["" if (n := group.mean_value("epochs")) is None else f"{n:.3g}" for group in comparison.groups]
        ),
        plain("time", ["" if one is None else format_duration(one) for one in seconds]),
    ]
    flagged = len({group.flags for group in comparison.groups}) > 1
    flags = [plain("flags", [", ".join(group.flags) for group in comparison.groups])] if flagged else []
    later = [metric(name) for name in headline.console_last if name in known]
    return [column for column in (*first, *context, *flags, *rest, *run, *later) if any(c.plain for c in column.cells)]


def _tests(comparison: Comparison, width: int) -> Table:
    """Each row minus the reference, with what the interval shows."""
    from rich.text import Text

    assert comparison.reference is not None
    left = min(KEY_WIDTH, max(14, *(len(group.label) + 1 for group in comparison.groups)))
    metrics = [
        name
        for name in comparison.metric_selection.console_tests
        if any(p and name in p.differences for p in comparison.paired_tests)
    ]
    metrics = [name for name in metrics if name not in comparison.redundant_with_accuracy][
        : max(1, (width - left) // 21)
    ]
    table = _new_table(f"against {comparison.reference.label}, on the same tracks")
    table.add_column("", overflow="fold")
    for name in metrics:
        table.add_column(SHORT_TITLES.get(name, metric_title(name).lower()), justify="right", width=20)
    for group, test in zip(comparison.groups, comparison.paired_tests, strict=True):
        if test is None:
            continue
        if test.refused:
            table.add_row(Text(group.label), Text(test.refused, style="yellow"), *([""] * (len(metrics) - 1)))
            continue
        made = []
        for name in metrics:
            value, bounds = format_difference(name, test.differences.get(name))
            verdict = test.verdict(name) or ""
            color = {"better": "green", "worse": "red"}.get(verdict, "dim")
            made.append(Text.assemble((f"{value} {bounds}\n"), (verdict, color)))
        table.add_row(Text(group.label), *made)
    return table


def test_notes(comparison: Comparison) -> list[str]:
    """How the tests are meant, and what holds for some of them."""
    assert comparison.reference is not None
    seeds = [len(group.runs) for group in comparison.groups]
    tested = [one for one in comparison.paired_tests if one and not one.refused]
    how = "tracks, and the runs of a row as blocks" if max(seeds) > 1 else "tracks"
    lines = [f"Brackets: 95 % of 1,000 bootstrap resamples of {how}, the same tracks for both."]
    if min(seeds) == 1:
        lines.append("A row of one run says how good these weights are, not how good the setting is: train more seeds.")
    if len(tested) >= 5:
        lines.append(f"{len(tested)} rows are tested: of twenty tests one differs by chance alone.")
    for group, one in zip(comparison.groups, comparison.paired_tests, strict=True):
        lines += [f"{group.label}: {note}" for note in (one.notes if one else ())]
    return lines

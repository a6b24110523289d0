"""`compare`: folders in, rows with scores and paired tests out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genrelab.evaluation.comparison.filters import differing, matching
from genrelab.evaluation.comparison.groups import FLAGS, Row, find_row, rows_of, shown_metrics
from genrelab.evaluation.comparison.loader import LeftOut, Run, find_runs
from genrelab.evaluation.comparison.primary_metrics import Headline, headline_of
from genrelab.evaluation.comparison.significance import Paired, compare_all
from genrelab.postprocessing import OutputType
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown


@dataclass(frozen=True)
class Comparison:
    """What some runs came to, side by side.

    Args:
        rows: runs, or groups of runs.
        left: folders that could not be compared, with the reason.
        metrics: the metrics that say something here.
        reference: the row that the others are tested against; None where nothing is tested.
        paired: by row, its test against the reference; None for the reference, and where nothing is tested.
        notes: what a reader must know.
    """

    rows: tuple[Row, ...]
    left: tuple[LeftOut, ...]
    metrics: tuple[str, ...]
    reference: Row | None
    paired: tuple[Paired | None, ...]
    notes: tuple[str, ...]

    @property
    def output_type(self) -> OutputType:
        """Of all runs' logits: one genre a track, or several."""
        return self.rows[0].output_type

    @property
    def headline(self) -> Headline:
        """Which metrics stand where."""
        return headline_of(self.output_type.multilabel)

    @property
    def runs(self) -> list[Run]:
        """All runs, row by row."""
        return [run for row in self.rows for run in row.runs]

    @property
    def same_as_accuracy(self) -> set[str]:
        """Metrics that say what accuracy says, as balanced accuracy does where genres have equally many tracks."""

        def says_it(name: str) -> bool:
            pairs = [pair for row in self.rows for pair in zip(row.each(name), row.each("accuracy"), strict=False)]
            return all(abs(a - b) < 1e-9 for a, b in pairs)

        return {name for name in ("balanced_accuracy", "recall_macro") if says_it(name)}

    @property
    def two(self) -> tuple[Run, Run] | None:
        """The two runs, where there are exactly two, tested on the same tracks or on some in common.

        None of several genres a track: there an answer is no single genre that goes to another.
        """
        runs = self.runs if not self.output_type.multilabel else []
        tested = len(runs) == 2 and any(one and not one.refused for one in self.paired)
        if not tested or self.reference is None:
            return None
        first = self.reference.runs[0]
        return first, next(run for run in runs if run is not first)


def compare(
    folders: Sequence[Path],
    where: Sequence[str] = (),
    by: Sequence[str] = (),
    against: str | None = None,
    common: bool = False,
) -> Comparison:
    """Collect runs, filter and group them, and test them against one of them.

    Args:
        folders: of runs, or of folders of runs at any depth.
        where: conditions that a run must meet, see `keys.matching`.
        by: keys to group by, see `rows.rows_of`.
        against: the run (folder, name or run id) whose row is the reference. Two runs are tested without being
            asked, the second against the first.
        common: test on the common tracks where the tested tracks differ, instead of refusing.

    Raises:
        GenrelabError: a path that is no folder, no scored run, a condition that none meets, a reference that is not
            there, or one with which nothing can be compared.
    """
    runs, left = find_runs(folders)
    if not runs:
        raise GenrelabError(_nothing(folders, left))
    kept = matching(runs, where)
    if not kept:
        raise GenrelabError(f"none of the {len(runs)} runs meets {' and '.join(where)}")
    if len({run.output_type.multilabel for run in kept}) > 1:
        counts = [sum(run.output_type.multilabel == several for run in kept) for several in (False, True)]
        raise GenrelabError(
            f"{counts[0]} of the runs name one genre a track and {counts[1]} several, which have other metrics; "
            "compare one kind by --filter data.target=genre or --filter data.target=multi_label"
        )
    rows = rows_of(kept, by)
    reference = find_row(rows, against) if against else None
    paired: list[Paired | None] = [None] * len(rows)
    notes = _notes(rows)
    if reference is not None:
        if len(rows) == 1:
            raise GenrelabError(
                f"--baseline {against}: it is the only row; name more folders, or group with --group-by run"
            )
        paired = compare_all(rows, reference, common)
    elif len(kept) == 2:
        try:
            paired, reference = compare_all(rows, rows[0], common), rows[0]
        except GenrelabError as error:
            notes.append(f"no paired test: {str(error).partition(': ')[2]}")
    return Comparison(tuple(rows), tuple(left), tuple(shown_metrics(rows)), reference, tuple(paired), tuple(notes))


def _nothing(folders: Sequence[Path], left: Sequence[LeftOut]) -> str:
    places = ", ".join(shown(Path(folder)) for folder in folders)
    if not left:
        return f"{places}: holds no run; name a run's folder, or a folder of runs such as outputs/runs"
    reasons = "; ".join(f"{shown(one.path)}: {one.reason}" for one in left[:5])
    more = f"; and {len(left) - 5} more" if len(left) > 5 else ""
    return f"{places}: no finished run to compare ({reasons}{more})"


def _notes(rows: Sequence[Row]) -> list[str]:
    """Warnings that hold for runs, and what makes rows hard to compare."""
    notes = []
    for flag, text in FLAGS.items():
        flagged = [row for row in rows if flag in row.flags]
        if flagged:
            notes.append(text if len(flagged) == len(rows) else f"{text} ({'; '.join(row.label for row in flagged)})")
    pooled = {key: None for row in rows if len(row.runs) > 1 for key in differing(row.runs)}
    if pooled:
        notes.append(f"runs of one row differ in {', '.join(pooled)}: ± is not the spread over seeds alone")
    try:
        if len({run.tested for row in rows for run in row.runs}) > 1:
            notes.append("not all runs were tested on the same tracks: rows differ by their tracks too")
    except GenrelabError:
        notes.append("not all runs have predictions, so whether they were tested on the same tracks is unknown")
    genres = {run.record.get("taxonomy", {}).get("hash") for row in rows for run in row.runs}
    if len(genres) > 1:
        notes.append("not all runs know the same genres")
    return notes

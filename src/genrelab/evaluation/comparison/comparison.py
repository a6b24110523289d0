"""`compare`: folders in, rows with scores and paired tests out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genrelab.evaluation.comparison.filters import filter_runs, varying_keys
from genrelab.evaluation.comparison.groups import FLAGS, RunGroup, compared_metrics, find_group, group_runs
from genrelab.evaluation.comparison.loader import Run, SkippedRun, find_runs
from genrelab.evaluation.comparison.primary_metrics import MetricSelection, get_metric_selection
from genrelab.evaluation.comparison.significance import PairedTest, test_all_groups
from genrelab.postprocessing import OutputType
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import shown


@dataclass(frozen=True)
class Comparison:
    """What some runs came to, side by side.

    Args:
        groups: runs, or groups of runs.
        skipped: folders that could not be compared, with the reason.
        metrics: the metrics that say something here.
        reference: the row that the others are tested against; None where nothing is tested.
        paired_tests: by row, its test against the reference; None for the reference, and where nothing is tested.
        notes: what a reader must know.
    """

    groups: tuple[RunGroup, ...]
    skipped: tuple[SkippedRun, ...]
    metrics: tuple[str, ...]
    reference: RunGroup | None
    paired_tests: tuple[PairedTest | None, ...]
    notes: tuple[str, ...]

    @property
    def output_type(self) -> OutputType:
        """Of all runs' logits: one genre a track, or several."""
        return self.groups[0].output_type

    @property
    def metric_selection(self) -> MetricSelection:
        """Which metrics stand where."""
        return get_metric_selection(self.output_type.multilabel)

    @property
    def runs(self) -> list[Run]:
        """All runs, row by row."""
        return [run for group in self.groups for run in group.runs]

    @property
    def redundant_with_accuracy(self) -> set[str]:
        """Metrics that say what accuracy says, as balanced accuracy does where genres have equally many tracks."""

        def says_it(name: str) -> bool:
            pairs = [
                pair
                for group in self.groups
                for pair in zip(group.values(name), group.values("accuracy"), strict=False)
            ]
            return all(abs(a - b) < 1e-9 for a, b in pairs)

        return {name for name in ("balanced_accuracy", "recall_macro") if says_it(name)}

    @property
    def run_pair(self) -> tuple[Run, Run] | None:
        """The two runs, where there are exactly two, tested on the same tracks or on some in common.

        None of several genres a track: there an answer is no single genre that goes to another.
        """
        runs = self.runs if not self.output_type.multilabel else []
        tested = len(runs) == 2 and any(one and not one.refused for one in self.paired_tests)
        if not tested or self.reference is None:
            return None
        first = self.reference.runs[0]
        return first, next(run for run in runs if run is not first)


def compare(
    folders: Sequence[Path],
    filters: Sequence[str] = (),
    group_by: Sequence[str] = (),
    baseline: str | None = None,
    common_tracks: bool = False,
) -> Comparison:
    """Collect runs, filter and group them, and test them against one of them.

    Args:
        folders: of runs, or of folders of runs at any depth.
        filters: conditions that a run must meet, see `keys.matching`.
        group_by: keys to group by, see `rows.group_runs`.
        baseline: the run (folder, name or run id) whose row is the reference. Two runs are tested without being
            asked, the second against the first.
        common_tracks: test on the common tracks where the tested tracks differ, instead of refusing.

    Raises:
        GenrelabError: a path that is no folder, no scored run, a condition that none meets, a reference that is not
            there, or one with which nothing can be compared.
    """
    runs, skipped = find_runs(folders)
    if not runs:
        raise GenrelabError(_no_runs_message(folders, skipped))
    matching = filter_runs(runs, filters)
    if not matching:
        raise GenrelabError(f"none of the {len(runs)} runs meets {' and '.join(filters)}")
    if len({run.output_type.multilabel for run in matching}) > 1:
        counts = [sum(run.output_type.multilabel == multilabel for run in matching) for multilabel in (False, True)]
        raise GenrelabError(
            f"{counts[0]} of the runs name one genre a track and {counts[1]} several, which have other metrics; "
            "compare one kind by --filter data.target=genre or --filter data.target=multi_label"
        )
    groups = group_runs(matching, group_by)
    reference = find_group(groups, baseline) if baseline else None
    paired_tests: list[PairedTest | None] = [None] * len(groups)
    notes = _comparison_notes(groups)
    if reference is not None:
        if len(groups) == 1:
            raise GenrelabError(
                f"--baseline {baseline}: it is the only row; name more folders, or group with --group-by run"
            )
        paired_tests = test_all_groups(groups, reference, common_tracks)
    elif len(matching) == 2:
        try:
            paired_tests, reference = test_all_groups(groups, groups[0], common_tracks), groups[0]
        except GenrelabError as error:
            notes.append(f"no paired test: {str(error).partition(': ')[2]}")
    return Comparison(
        tuple(groups), tuple(skipped), tuple(compared_metrics(groups)), reference, tuple(paired_tests), tuple(notes)
    )


def _no_runs_message(folders: Sequence[Path], skipped: Sequence[SkippedRun]) -> str:
    places = ", ".join(shown(Path(folder)) for folder in folders)
    if not skipped:
        return f"{places}: holds no run; name a run's folder, or a folder of runs such as outputs/runs"
    reasons = "; ".join(f"{shown(one.path)}: {one.reason}" for one in skipped[:5])
    more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return f"{places}: no finished run to compare ({reasons}{more})"


def _comparison_notes(groups: Sequence[RunGroup]) -> list[str]:
    """Warnings that hold for runs, and what makes rows hard to compare."""
    notes = []
    for flag, text in FLAGS.items():
        flagged = [group for group in groups if flag in group.flags]
        if flagged:
            notes.append(
                text if len(flagged) == len(groups) else f"{text} ({'; '.join(group.label for group in flagged)})"
            )
    pooled = {key: None for group in groups if len(group.runs) > 1 for key in varying_keys(group.runs)}
    if pooled:
        notes.append(f"runs of one row differ in {', '.join(pooled)}: ± is not the spread over seeds alone")
    try:
        if len({run.tested_track_ids for group in groups for run in group.runs}) > 1:
            notes.append("not all runs were tested on the same tracks: rows differ by their tracks too")
    except GenrelabError:
        notes.append("not all runs have predictions, so whether they were tested on the same tracks is unknown")
    genres = {run.record.get("taxonomy", {}).get("hash") for group in groups for run in group.runs}
    if len(genres) > 1:
        notes.append("not all runs know the same genres")
    return notes

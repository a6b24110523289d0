"""Is one row better than another? Paired tests over the same tracks, seeds drawn as blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Literal

import numpy as np

from genrelab.evaluation.comparison.groups import ON_THE_GRAPH, Row
from genrelab.evaluation.comparison.loader import Run
from genrelab.evaluation.report.formatting import TINY_TRACKS
from genrelab.evaluation.report.scores import CONFIDENCE, RESAMPLES
from genrelab.metrics import DIRECTION, MULTILABEL_DIRECTION, BootstrapResult, Difference, paired_difference_of_results
from genrelab.runs.run_dir import Level, RunDir
from genrelab.utils.errors import GenrelabError

Verdict = Literal["better", "worse", "no difference shown", "too few tracks"]
WAYS = {**MULTILABEL_DIRECTION, **DIRECTION}
Kept = dict[tuple[str, ...], list[BootstrapResult]]


@dataclass(frozen=True)
class Paired:
    """A row against the reference.

    Args:
        tracks: how many tracks both were compared on.
        differences: metric -> the row minus the reference.
        refused: why there is no comparison; empty where there is one.
        notes: what a reader of the differences must know.
    """

    tracks: int = 0
    differences: dict[str, Difference] = field(default_factory=dict)
    refused: str = ""
    notes: tuple[str, ...] = ()

    def verdict(self, metric: str) -> Verdict | None:
        """What the interval shows; None where the metric has no test, or no way is better."""
        found = self.differences.get(metric)
        if found is None or metric not in WAYS or not np.isfinite([found.low, found.high]).all():
            return None
        if self.tracks < TINY_TRACKS:
            return "too few tracks"
        if found.low <= 0 <= found.high:
            return "no difference shown"
        return "better" if (found.value > 0) == (WAYS[metric] == "max") else "worse"


def against(row: Row, reference: Row, common: bool = False, kept: Kept | None = None) -> Paired:
    """Compare a row with a reference on the tracks that all their runs were tested on.

    Distances and the constant answer are those of the reference's first run, for both.

    Args:
        row: one run, or one of each seed.
        reference: likewise.
        common: compare on the common tracks where the tested tracks differ, instead of refusing.
        kept: scores of the reference's runs over resamples, by tracks; filled here, for the next row.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    try:
        tracks, notes = comparable(reference, row, common)
    except GenrelabError as error:
        return Paired(refused=str(error))
    kept, key = {} if kept is None else kept, tuple(tracks)
    judge = reference.runs[0].folder
    with threadpool_limits(1):
        if key not in kept:
            kept[key] = [_drawn(run, tracks, judge) for run in reference.runs]
        found = paired_difference_of_results(
            kept[key], [_drawn(run, tracks, judge) for run in row.runs], confidence=CONFIDENCE
        )
    if judge.taxonomy.flat:
        found = {name: one for name, one in found.items() if name not in ON_THE_GRAPH}
    return Paired(len(tracks), found, notes=notes)


def _drawn(run: Run, tracks: np.ndarray, judge: RunDir) -> BootstrapResult:
    rows = rows_on(run, tracks)
    return run.output_type.bootstrap(rows.logits, rows.target, rows.track, judge.hierarchy, RESAMPLES)


def comparable(reference: Row, row: Row, common: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """The tracks to compare on, and what to know about them.

    Raises:
        GenrelabError: other genres, other tracks, or other genres for the same tracks.
    """
    runs = [*reference.runs, *row.runs]
    if reference.runs[0].part != row.runs[0].part:
        raise GenrelabError("one has test scores, the other val scores only")
    judge = reference.runs[0].folder
    for run in runs[1:]:
        if run.folder.predictions.genres != judge.predictions.genres:
            raise GenrelabError(f"other genres: {_genres(run)}, the reference {_genres(reference.runs[0])}")
    shared = frozenset.intersection(*(run.tested for run in runs))
    notes = []
    if any(run.tested != shared for run in runs):
        counts = sorted({len(run.tested) for run in runs})
        tested = " and ".join(map(str, counts))
        if not shared:
            raise GenrelabError("other test tracks, none in common")
        if not common:
            raise GenrelabError(
                f"other test tracks ({len(shared)} in common of {tested}); --common-tracks compares on those"
            )
        notes.append(f"on the {len(shared)} common tracks of {tested}")
    tracks = np.array(sorted(shared), dtype=object)
    targets = [rows_on(run, tracks).target for run in runs]
    if differing := max(int((one != targets[0]).reshape(len(one), -1).any(axis=1).sum()) for one in targets):
        raise GenrelabError(f"{differing} of the common tracks have another genre")
    if any(not np.array_equal(run.folder.distances, judge.distances) for run in runs):
        notes.append("distances are those of the reference's graph, for both")
    return tracks, tuple(notes)


def rows_on(run: Run, tracks: Sequence[str] | np.ndarray) -> Level:
    """A run's answers for some tracks, in the order of `tracks`, which is sorted."""
    level = run.answers  # each track once, sorted by name
    keep = np.isin(level.track.astype(str), np.asarray(tracks).astype(str))
    return Level(level.logits[keep], level.target[keep], level.track[keep])


def compare_all(rows: Sequence[Row], reference: Row, common: bool = False) -> list[Paired | None]:
    """Every row against the reference; None for the reference itself.

    Raises:
        GenrelabError: none could be compared.
    """
    kept: Kept = {}
    found = [None if row is reference else against(row, reference, common, kept) for row in rows]
    refused = [one.refused for one in found if one]
    if refused and all(refused):
        name = shorten(reference.label, 70, placeholder="…")
        raise GenrelabError(f"nothing can be compared with {name}: {refused[0]}")
    return found


def _genres(run: Run) -> str:
    taxonomy = run.folder.taxonomy
    return f"{len(taxonomy.genres)} of {taxonomy.name}"

"""Is one row better than another? Paired tests over the same tracks, seeds drawn as blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Literal

import numpy as np

from genrelab.evaluation.comparison.groups import GRAPH_METRICS, RunGroup
from genrelab.evaluation.comparison.loader import Run
from genrelab.evaluation.report.formatting import TINY_TRACKS
from genrelab.evaluation.report.scores import CONFIDENCE, RESAMPLES
from genrelab.metrics import DIRECTION, MULTILABEL_DIRECTION, BootstrapResult, Difference, paired_difference_of_results
from genrelab.runs.run_dir import Level, RunDir
from genrelab.utils.errors import GenrelabError

Verdict = Literal["better", "worse", "no difference shown", "too few tracks"]
DIRECTIONS = {**MULTILABEL_DIRECTION, **DIRECTION}
ResultCache = dict[tuple[str, ...], list[BootstrapResult]]


@dataclass(frozen=True)
class PairedTest:
    """A row against the reference.

    Args:
        n_tracks: how many tracks both were compared on.
        differences: metric -> the row minus the reference.
        refused: why there is no comparison; empty where there is one.
        notes: what a reader of the differences must know.
    """

    n_tracks: int = 0
    differences: dict[str, Difference] = field(default_factory=dict)
    refused: str = ""
    notes: tuple[str, ...] = ()

    def verdict(self, metric: str) -> Verdict | None:
        """What the interval shows; None where the metric has no test, or no way is better."""
        found = self.differences.get(metric)
        if found is None or metric not in DIRECTIONS or not np.isfinite([found.low, found.high]).all():
            return None
        if self.n_tracks < TINY_TRACKS:
            return "too few tracks"
        if found.low <= 0 <= found.high:
            return "no difference shown"
        return "better" if (found.value > 0) == (DIRECTIONS[metric] == "max") else "worse"


def paired_test(
    group: RunGroup, reference: RunGroup, common: bool = False, cache: ResultCache | None = None
) -> PairedTest:
    """Compare a row with a reference on the tracks that all their runs were tested on.

    Distances and the constant answer are those of the reference's first run, for both.

    Args:
        group: one run, or one of each seed.
        reference: likewise.
        common: compare on the common tracks where the tested tracks differ, instead of refusing.
        cache: scores of the reference's runs over resamples, by tracks; filled here, for the next row.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    try:
        tracks, notes = comparable_tracks(reference, group, common)
    except GenrelabError as error:
        return PairedTest(refused=str(error))
    cache, key = {} if cache is None else cache, tuple(tracks)
    reference_dir = reference.runs[0].run_dir
    with threadpool_limits(1):
        if key not in cache:
            cache[key] = [_bootstrap_run(run, tracks, reference_dir) for run in reference.runs]
        found = paired_difference_of_results(
            cache[key], [_bootstrap_run(run, tracks, reference_dir) for run in group.runs], confidence=CONFIDENCE
        )
    if reference_dir.taxonomy.flat:
        found = {name: one for name, one in found.items() if name not in GRAPH_METRICS}
    return PairedTest(len(tracks), found, notes=notes)


def _bootstrap_run(run: Run, tracks: np.ndarray, reference_dir: RunDir) -> BootstrapResult:
    rows = select_tracks(run, tracks)
    return run.output_type.bootstrap(rows.logits, rows.target, rows.track, reference_dir.hierarchy, RESAMPLES)


def comparable_tracks(reference: RunGroup, group: RunGroup, common: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """The tracks to compare on, and what to know about them.

    Raises:
        GenrelabError: other genres, other tracks, or other genres for the same tracks.
    """
    runs = [*reference.runs, *group.runs]
    if reference.runs[0].split != group.runs[0].split:
        raise GenrelabError("one has test scores, the other val scores only")
    reference_dir = reference.runs[0].run_dir
    for run in runs[1:]:
        if run.run_dir.predictions.genres != reference_dir.predictions.genres:
            raise GenrelabError(
                f"other genres: {_describe_genres(run)}, the reference {_describe_genres(reference.runs[0])}"
            )
    shared = frozenset.intersection(*(run.tested_track_ids for run in runs))
    notes = []
    if any(run.tested_track_ids != shared for run in runs):
        counts = sorted({len(run.tested_track_ids) for run in runs})
        tested = " and ".join(map(str, counts))
        if not shared:
            raise GenrelabError("other test tracks, none in common")
        if not common:
            raise GenrelabError(
                f"other test tracks ({len(shared)} in common of {tested}); --common-tracks compares on those"
            )
        notes.append(f"on the {len(shared)} common tracks of {tested}")
    tracks = np.array(sorted(shared), dtype=object)
    targets = [select_tracks(run, tracks).target for run in runs]
    if differing := max(int((one != targets[0]).reshape(len(one), -1).any(axis=1).sum()) for one in targets):
        raise GenrelabError(f"{differing} of the common tracks have another genre")
    if any(not np.array_equal(run.run_dir.distances, reference_dir.distances) for run in runs):
        notes.append("distances are those of the reference's graph, for both")
    return tracks, tuple(notes)


def select_tracks(run: Run, tracks: Sequence[str] | np.ndarray) -> Level:
    """A run's answers for some tracks, in the order of `tracks`, which is sorted."""
    level = run.predictions  # each track once, sorted by name
    keep = np.isin(level.track.astype(str), np.asarray(tracks).astype(str))
    return Level(level.logits[keep], level.target[keep], level.track[keep])


def test_all_groups(groups: Sequence[RunGroup], reference: RunGroup, common: bool = False) -> list[PairedTest | None]:
    """Every row against the reference; None for the reference itself.

    Raises:
        GenrelabError: none could be compared.
    """
    cache: ResultCache = {}
    found = [None if group is reference else paired_test(group, reference, common, cache) for group in groups]
    refused = [one.refused for one in found if one]
    if refused and all(refused):
        name = shorten(reference.label, 70, placeholder="…")
        raise GenrelabError(f"nothing can be compared with {name}: {refused[0]}")
    return found


def _describe_genres(run: Run) -> str:
    taxonomy = run.run_dir.taxonomy
    return f"{len(taxonomy.genres)} of {taxonomy.name}"

"""Folds where tracks are few, one holdout where there are enough of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.splits.registry import SPLITS
from genrelab.datasets.splits.split import Split, SplitError
from genrelab.datasets.splits.stratified_group import RATIOS, GroupBy, assign

FEW_TRACKS = 300  # below, a tenth of the tracks tests too little
FOLDS = (5, 4, 3)  # as many as artists allow


def resolve_split(params: Mapping[str, Any], read_index: Callable[[], DatasetIndex]) -> dict[str, Any]:
    """Resolve `split=auto` into the split that it stands for; other splits are returned as they are.

    Args:
        params: the option, with its `kind`.
        read_index: reads the tracks; called only where their number decides.

    Returns:
        The option `stratified` with `fold: null` (all in turn) below 300 tracks, else `grouped`, which `ratios` asks
        for too.

    Raises:
        SplitError: Below 300 tracks a genre has fewer artists (or tracks) than three; names the genres and the
            remedies.
    """
    if params["kind"] != "auto":
        return dict(params)
    shared = {"seed": params.get("seed", 0), "group_by": params.get("group_by", "artist")}
    ratios = params.get("ratios")
    if ratios is None and len(index := read_index()) < FEW_TRACKS:
        return {"kind": "stratified", "folds": _most_folds(index, **shared), "fold": None, **shared}
    return {"kind": "grouped", "ratios": list(ratios or RATIOS), **shared}


def _most_folds(index: DatasetIndex, seed: int, group_by: GroupBy) -> int:
    def assigned(folds: int) -> int:
        assign(index, np.full(folds, 1 / folds), seed, group_by, "folds")
        return folds

    for folds in FOLDS[:-1]:
        with suppress(SplitError):
            return assigned(folds)
    return assigned(FOLDS[-1])


@SPLITS.register("auto")
def auto(
    dataset_index: DatasetIndex, ratios: Sequence[float] | None = None, seed: int = 0, group_by: GroupBy = "artist"
) -> Split:
    """Split as `grouped` where there are 300 tracks or more, else as `stratified` in five folds, four or three.

    A run resolves it by `resolve_split` before it starts, since folds are several splits.

    Args:
        dataset_index: tracks; artists that are unknown count as one artist a track.
        ratios: shares of train, val and test of one holdout, whatever the number of tracks; None: by their number.
        seed: of this split alone.
        group_by: "artist" keeps artists (and albums) apart; None ignores them and marks the results `artist_leak`.

    Raises:
        ConfigError: folds are several splits; or ratios that are not three positive numbers summing to 1.
        SplitError: a genre has fewer than three artists (or tracks); names the genres and the remedies.
    """
    given = {"kind": "auto", "ratios": ratios, "seed": seed, "group_by": group_by}
    params = resolve_split(given, lambda: dataset_index)
    split: Split = SPLITS.build(params.pop("kind"), params, dataset_index=dataset_index)
    return split

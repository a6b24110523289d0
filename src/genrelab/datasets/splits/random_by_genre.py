"""The published split by song: each genre shuffled and cut by floors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genrelab.datasets.index import DatasetIndex, SplitName
from genrelab.datasets.splits.registry import SPLITS
from genrelab.datasets.splits.split import Split, SplitError
from genrelab.datasets.splits.stratified_group import check_ratios, judge_artists


@SPLITS.register("shuffled")
def shuffled(dataset_index: DatasetIndex, ratios: Sequence[float] = (0.7, 0.2, 0.1), seed: int = 0) -> Split:
    """Shuffle each genre's tracks and cut at int(share * n); what is left over is test (row A08). Artists are ignored.

    Floors take from val what they give to test, in small genres all of it; `grouped` has neither fault.

    Args:
        dataset_index: tracks; of several genres the first counts.
        ratios: shares of train, val and test.
        seed: of the shuffling; the published one was unseeded.

    Raises:
        ConfigError: ratios that are not three positive numbers summing to 1.
        SplitError: a genre has no train track.
    """
    shares = check_ratios(ratios)
    generator = np.random.default_rng(abs(seed))
    parts: dict[str, SplitName] = {}
    gaps: dict[str, list[str]] = {"train": [], "val": []}
    for genre, tracks in sorted(dataset_index.tracks.groupby("genre")["track_id"]):
        order = [str(track) for track in generator.permutation(sorted(tracks))]
        train, val = (int(round(share * len(order), 9)) for share in shares[:2])
        for part, count in (("train", train), ("val", val)):
            if not count:
                gaps[part].append(f"{genre} ({len(order)})")
        cut: tuple[tuple[SplitName, Sequence[str]], ...] = (
            ("train", order[:train]), ("val", order[train : train + val]), ("test", order[train + val :]),
        )  # fmt: skip
        parts |= {track: part for part, its in cut for track in its}
    if gaps["train"]:
        raise SplitError(f"too few tracks for one in train in {', '.join(gaps['train'][:8])}: add tracks")
    notes = [f"no val track of {len(gaps['val'])} small genres: {', '.join(gaps['val'][:8])}"] if gaps["val"] else []
    state, leak, crossing, told = judge_artists(parts, dataset_index, None)
    return Split(parts, "shuffled", seed, state, leak, crossing, notes=(*notes, *told))

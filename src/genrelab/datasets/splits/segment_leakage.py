"""The split that published systems made unawares: segments shuffled, those of one track on both sides."""

from __future__ import annotations

from collections.abc import Sequence

from genrelab.datasets.index import DatasetIndex
from genrelab.datasets.splits.registry import SPLITS
from genrelab.datasets.splits.split import Split
from genrelab.datasets.splits.stratified_group import check_ratios

UNSAFE = "unsafe"  # the mark of kinds whose results are no evidence
NO_EVIDENCE = "UNSAFE split: segments of the same tracks were trained on; these scores are no evidence"


@SPLITS.register("random_segments", UNSAFE)
def random_segments(dataset_index: DatasetIndex, ratios: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0) -> Split:
    """Split segments at random, whatever track they are of (rows B05, E04); every result is marked UNSAFE.

    A network then meets in test the very recordings it has learnt: scores say nothing of other music. The split
    is here so that published numbers can be held against those of whole tracks.

    Args:
        dataset_index: tracks.
        ratios: shares of train, val and test; each segment is drawn for itself, so that parts come near them.
        seed: of the drawing.

    Raises:
        ConfigError: ratios that are not three positive numbers summing to 1.
    """
    shares = check_ratios(ratios)
    tracks = dict.fromkeys(dataset_index.tracks["track_id"], "train")
    note = "UNSAFE: segments of one track stand in several parts, by choice of split=random_segments"
    return Split(
        tracks,  # type: ignore[arg-type]
        "random_segments",
        seed,
        "ignored",
        artist_leak=True,
        unsafe=True,
        notes=(note,),
        shares=shares,
    )

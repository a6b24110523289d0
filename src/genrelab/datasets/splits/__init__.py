"""Splits: tracks to train, val and test. Segments are cut inside a part; only `random_segments` splits them: UNSAFE."""

from genrelab.datasets.index import Part
from genrelab.datasets.splits.predefined import fault_filtered, official
from genrelab.datasets.splits.random_by_genre import shuffled
from genrelab.datasets.splits.segment_leakage import NO_EVIDENCE, UNSAFE, random_segments
from genrelab.datasets.splits.split import Artists, Split, SplitError, crossing_artists, read_split
from genrelab.datasets.splits.stratified_group import grouped, split_folds, stratified

__all__ = [
    "NO_EVIDENCE",
    "UNSAFE",
    "Artists",
    "Part",
    "Split",
    "SplitError",
    "crossing_artists",
    "fault_filtered",
    "grouped",
    "official",
    "random_segments",
    "read_split",
    "shuffled",
    "split_folds",
    "stratified",
]

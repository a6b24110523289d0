"""Splits: tracks to train, val and test. Segments are cut inside a part; only `random_segments` splits them: UNSAFE."""

from genrelab.catalog.catalog import Part
from genrelab.split.listed import fault_filtered, official
from genrelab.split.rules import grouped, split_folds, stratified
from genrelab.split.shuffled import shuffled
from genrelab.split.split import Artists, Split, SplitError, crossing_artists, read_split
from genrelab.split.unsafe import NO_EVIDENCE, UNSAFE, random_segments

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

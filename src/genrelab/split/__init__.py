"""Splits: tracks to train, val and test. Segments are cut inside a part; nothing here splits segments."""

from genrelab.catalog.catalog import Part
from genrelab.split.listed import fault_filtered, official
from genrelab.split.rules import grouped, split_folds, stratified
from genrelab.split.split import Artists, Split, SplitError, crossing_artists, read_split

__all__ = [
    "Artists",
    "Part",
    "Split",
    "SplitError",
    "crossing_artists",
    "fault_filtered",
    "grouped",
    "official",
    "read_split",
    "split_folds",
    "stratified",
]

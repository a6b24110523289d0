from .auto import FEW_TRACKS, resolve_split
from .predefined import fault_filtered, official
from .random_by_genre import shuffled
from .segment_leakage import NO_EVIDENCE, UNSAFE, random_segments
from .split import Artists, Split, SplitError, crossing_artists, read_split
from .stratified_group import RATIOS, grouped, split_folds, stratified

__all__ = [
    "FEW_TRACKS",
    "NO_EVIDENCE",
    "RATIOS",
    "UNSAFE",
    "Artists",
    "Split",
    "SplitError",
    "crossing_artists",
    "fault_filtered",
    "grouped",
    "official",
    "random_segments",
    "read_split",
    "resolve_split",
    "shuffled",
    "split_folds",
    "stratified",
]

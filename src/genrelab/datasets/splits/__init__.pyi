from .predefined import fault_filtered, official
from .random_by_genre import shuffled
from .segment_leakage import NO_EVIDENCE, UNSAFE, random_segments
from .split import Artists, Split, SplitError, crossing_artists, read_split
from .stratified_group import grouped, split_folds, stratified

__all__ = [
    "NO_EVIDENCE",
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
    "shuffled",
    "split_folds",
    "stratified",
]

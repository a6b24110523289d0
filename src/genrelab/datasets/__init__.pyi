from .index import AUDIO_EXTENSIONS, COLUMNS, SPLIT_NAMES, DatasetIndex, SplitName

__all__ = [
    "AUDIO_EXTENSIONS",
    "COLUMNS",
    "SPLIT_NAMES",
    "DatasetIndex",
    "SplitName",
]

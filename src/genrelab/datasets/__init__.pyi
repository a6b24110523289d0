from .index import AUDIO_EXTENSIONS, COLUMNS, PARTS, DatasetIndex, Part

__all__ = [
    "AUDIO_EXTENSIONS",
    "COLUMNS",
    "PARTS",
    "DatasetIndex",
    "Part",
]

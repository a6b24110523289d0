from .index import AUDIO_EXTENSIONS, COLUMNS, PARTS, Catalog, Part

__all__ = [
    "AUDIO_EXTENSIONS",
    "COLUMNS",
    "PARTS",
    "Catalog",
    "Part",
]

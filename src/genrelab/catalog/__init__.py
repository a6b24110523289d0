"""Catalogs: one reader per kind of dataset, each giving a table of tracks."""

from genrelab.catalog import (
    csv_file,
    demo,
    embeddings,
    feature_sets,
    fma,
    folder,
    gtzan,
    jamendo,
    musicmap,
    pictures,
    table,
)
from genrelab.catalog.catalog import AUDIO_EXTENSIONS, COLUMNS, PARTS, Catalog, Part
from genrelab.catalog.given import Given, GivenFeature

__all__ = [
    "AUDIO_EXTENSIONS",
    "COLUMNS",
    "PARTS",
    "Catalog",
    "Given",
    "GivenFeature",
    "Part",
    "csv_file",
    "demo",
    "embeddings",
    "feature_sets",
    "fma",
    "folder",
    "gtzan",
    "jamendo",
    "musicmap",
    "pictures",
    "table",
]

"""Catalogs: one reader per kind of dataset, each giving a table of tracks."""

from genrelab.datasets import audio_folder as folder
from genrelab.datasets import csv_table as csv_file
from genrelab.datasets import embeddings, fma, gtzan, jamendo, musicmap
from genrelab.datasets import feature_table as table
from genrelab.datasets import published_feature_sets as feature_sets
from genrelab.datasets import spectrogram_images as pictures
from genrelab.datasets import synthetic as demo
from genrelab.datasets.index import AUDIO_EXTENSIONS, COLUMNS, PARTS, Catalog, Part
from genrelab.features.precomputed import Given, GivenFeature

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

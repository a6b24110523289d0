"""Catalogs: one reader per kind of dataset, each giving a table of tracks."""

from genrelab.catalog import csv_file, demo, folder, gtzan
from genrelab.catalog.catalog import AUDIO_EXTENSIONS, COLUMNS, PARTS, Catalog, Part

__all__ = ["AUDIO_EXTENSIONS", "COLUMNS", "PARTS", "Catalog", "Part", "csv_file", "demo", "folder", "gtzan"]

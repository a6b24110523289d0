"""Catalogs: one reader per kind of dataset, each giving a table of tracks."""

from genrelab.catalog import csv_file, folder, gtzan
from genrelab.catalog.catalog import AUDIO_EXTENSIONS, COLUMNS, PARTS, Catalog

__all__ = ["AUDIO_EXTENSIONS", "COLUMNS", "PARTS", "Catalog", "csv_file", "folder", "gtzan"]

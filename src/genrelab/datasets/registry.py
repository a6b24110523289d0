"""The readers of datasets, by kind."""

from genrelab.utils.registry import Registry

CATALOGS = Registry("dataset", "genrelab.datasets")

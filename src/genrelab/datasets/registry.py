"""The readers of datasets, by kind."""

from genrelab.utils.registry import Registry

DATASETS = Registry("dataset", "genrelab.datasets")

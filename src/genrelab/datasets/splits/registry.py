"""The ways to split a dataset, by kind."""

from genrelab.utils.registry import Registry

SPLITS = Registry("split", "genrelab.datasets.splits")

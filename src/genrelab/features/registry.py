"""The feature extractors, by kind."""

from genrelab.utils.registry import Registry

FEATURES = Registry("feature", "genrelab.features")

"""The decision rules, by kind."""

from genrelab.utils.registry import Registry

DECISIONS = Registry("decision", "genrelab.postprocessing")

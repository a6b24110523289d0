"""The readers and built-in taxonomies, by kind."""

from genrelab.utils.registry import Registry

TAXONOMIES = Registry("taxonomy", "genrelab.taxonomy")

"""Taxonomies: genres as places on a graph of typed, weighted links."""

from genrelab.taxonomy import gtzan_mapping, musicmap_html_reader, readers, tree_reader  # noqa: F401 - registers the kinds
from genrelab.taxonomy.taxonomy import EdgeWeights, Link, Taxonomy, UnknownGenre

__all__ = ["EdgeWeights", "Link", "Taxonomy", "UnknownGenre"]

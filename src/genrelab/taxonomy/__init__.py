"""Taxonomies: genres as places on a graph of typed, weighted links."""

from genrelab.taxonomy import gtzan, musicmap_html, readers, tree  # noqa: F401 - the import registers the kinds
from genrelab.taxonomy.taxonomy import EdgeWeights, Link, Taxonomy, UnknownGenre

__all__ = ["EdgeWeights", "Link", "Taxonomy", "UnknownGenre"]

"""Taxonomies: genres as places on a graph of typed, weighted links."""

from genrelab.taxonomy import gtzan_mapping as gtzan
from genrelab.taxonomy import musicmap_html_reader as musicmap_html
from genrelab.taxonomy import readers
from genrelab.taxonomy import tree_reader as tree
from genrelab.taxonomy.taxonomy import EdgeWeights, Link, Taxonomy, UnknownGenre

__all__ = ["EdgeWeights", "Link", "Taxonomy", "UnknownGenre"]

"""Taxonomies: genres as places on a graph of typed, weighted links."""

from genrelab.taxonomy.taxonomy import EdgeWeights, Link, Taxonomy, UnknownGenre

__all__ = ["EdgeWeights", "Link", "Taxonomy", "UnknownGenre"]

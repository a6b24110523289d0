"""Embeddings of a library by a trained run: a table of vectors, nearest tracks, a map, probes."""

from genrelab.inference.embeddings.table import Embeddings, nearest_rows, read_embeddings, write_embeddings

__all__ = ["Embeddings", "nearest_rows", "read_embeddings", "write_embeddings"]

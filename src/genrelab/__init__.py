"""genrelab: music genre recognition experiments in which genres are places on a graph."""

__version__ = "0.1.0"

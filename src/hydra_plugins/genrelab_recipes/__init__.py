"""Hydra finds here how genrelab reads recipes of other folders."""

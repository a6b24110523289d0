"""The losses, by kind."""

from genrelab.utils.registry import Registry

LOSSES = Registry("loss", "genrelab.losses")

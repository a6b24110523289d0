"""The networks and the scikit-learn systems, by kind."""

from genrelab.utils.registry import Registry

MODELS = Registry("model", "genrelab.models", "genrelab.models.classical")

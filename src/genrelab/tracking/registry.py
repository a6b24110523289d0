"""The loggers beside `metrics.csv`, by kind."""

from genrelab.utils.registry import Registry

LOGGERS = Registry("logger", "genrelab.tracking.loggers")

"""Catalogs: one reader per kind of dataset, each giving a table of tracks."""

import lazy_loader

# Names stand in __init__.pyi, and are imported when asked for: checking a configuration needs no pandas.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

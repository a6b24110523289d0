"""The fast engine: librosa's numbers, many times as fast. `engine.py` is its only face."""

from genrelab.utils.numba_cache import keep_somewhere

keep_somewhere()

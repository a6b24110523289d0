"""The numba backend: librosa's numbers, many times as fast. `analysis.py` is its interface."""

from genrelab.utils.numba_cache import keep_somewhere

keep_somewhere()

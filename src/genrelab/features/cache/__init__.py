"""The store: features computed once, kept on disk, gathered a whole batch at a time."""

from genrelab.features.cache.feature_cache import FeatureCache
from genrelab.features.cache.precomputed_cache import PrecomputedFeatureCache
from genrelab.features.cache.report import PrepareReport
from genrelab.features.cache.shards import FeatureShards, cache_lock
from genrelab.features.cache.track_index import RejectedFiles, file_signature
from genrelab.features.cache.waveform_cache import WaveformCache

AnyFeatureCache = FeatureCache | PrecomputedFeatureCache | WaveformCache

__all__ = [
    "AnyFeatureCache",
    "FeatureCache",
    "FeatureShards",
    "PrecomputedFeatureCache",
    "PrepareReport",
    "RejectedFiles",
    "WaveformCache",
    "cache_lock",
    "file_signature",
]

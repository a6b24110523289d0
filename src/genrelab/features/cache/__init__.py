"""The store: features computed once, kept on disk, gathered a whole batch at a time."""

from genrelab.features.cache.feature_cache import FeatureStore
from genrelab.features.cache.precomputed_cache import GivenStore
from genrelab.features.cache.report import PrepareReport
from genrelab.features.cache.shards import FeatureShards, store_lock
from genrelab.features.cache.track_index import Quarantine, signature
from genrelab.features.cache.waveform_cache import OnlineStore

Store = FeatureStore | GivenStore | OnlineStore

__all__ = [
    "FeatureShards",
    "FeatureStore",
    "GivenStore",
    "OnlineStore",
    "PrepareReport",
    "Quarantine",
    "Store",
    "signature",
    "store_lock",
]

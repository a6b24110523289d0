"""The store: features computed once, kept on disk, gathered a whole batch at a time."""

from genrelab.store.given import GivenStore
from genrelab.store.index import FeatureShards, store_lock
from genrelab.store.ledger import Quarantine, signature
from genrelab.store.online import OnlineStore
from genrelab.store.report import PrepareReport
from genrelab.store.store import FeatureStore

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

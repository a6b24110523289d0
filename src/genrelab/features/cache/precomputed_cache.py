"""`PrecomputedFeatureCache`: the store's face on features that came with a dataset; nothing is computed or written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from genrelab.audio import Augment
from genrelab.features import FeatureSpec
from genrelab.features.cache.builder import BuildPlan
from genrelab.features.cache.report import PrepareReport
from genrelab.features.cache.worker import ORIGINAL
from genrelab.features.precomputed import PrecomputedFeature, PrecomputedFeatures
from genrelab.utils.errors import ConfigError, GenrelabError

HASHED_ROWS = 4096  # of a large table: evenly chosen


class PrecomputedFeatureCache:
    """Serves a dataset's own features as `FeatureCache` serves computed ones.

    Args:
        precomputed: the features, and which segment each row is.
    """

    audio = None  # there is none

    def __init__(self, precomputed: PrecomputedFeatures) -> None:
        self._precomputed = precomputed
        self.specs = tuple(_spec(feature) for feature in precomputed.features)
        self._index = pd.DataFrame({"track_id": precomputed.track_id.astype(object), "segment": precomputed.segment})
        self._index["position"] = np.arange(len(self._index))
        self._index = self._index.sort_values(["track_id", "segment"], kind="stable", ignore_index=True)

    def prepare(
        self, tracks: pd.DataFrame, augments: Sequence[Augment] = (), augmented_tracks: Collection[str] = frozenset()
    ) -> PrepareReport:
        """Nothing is to do; tells how many tracks are there.

        Raises:
            ConfigError: augmented copies are asked for.
        """
        if augments:
            raise ConfigError(["augment: this dataset brings features, there is no audio to change; use augment=none"])
        return PrepareReport(built=0, present=len(tracks))

    def plan_build(
        self, tracks: pd.DataFrame, augments: Sequence[Augment] = (), augmented_tracks: Collection[str] = frozenset()
    ) -> BuildPlan:
        """Nothing ever is."""
        return BuildPlan((), len(tracks), {}, {})

    def rows(self, track_ids: Collection[str], augment_names: Sequence[str] = (ORIGINAL,)) -> pd.DataFrame:
        """The rows of some tracks: `track_id, source, segment, start, augment, position`, sorted.

        Raises:
            GenrelabError: a track has none.
        """
        rows = self._index[self._index["track_id"].isin(set(track_ids))]
        if lacking := sorted(set(track_ids) - set(rows["track_id"])):
            raise GenrelabError(f"the dataset has no features of {lacking[0]!r} ({len(lacking)} such tracks)")
        rows = rows.assign(source=self.specs[0].params["content"], start=0, augment=ORIGINAL)
        return rows[["track_id", "source", "segment", "start", "augment", "position"]].reset_index(drop=True)

    def load(self, rows: pd.DataFrame) -> list[np.ndarray]:
        """One array per feature, `[N, *shape]`, in the order of the rows."""
        position = rows["position"].to_numpy(np.int64)
        return [np.ascontiguousarray(feature.values[position]) for feature in self._precomputed.features]


def _spec(feature: PrecomputedFeature) -> FeatureSpec:
    shape, dtype = feature.values.shape[1:], feature.values.dtype.name
    if dtype not in ("float16", "float32", "uint8"):
        raise GenrelabError(f"feature {feature.name}: {dtype} values; float32, float16 or uint8 are served")
    params = {"size": list(shape), "content": _hash(feature.values), "names": list(feature.columns)}
    scale = (0.0, 255.0) if dtype == "uint8" else None
    return FeatureSpec(feature.name, "given", params, 0, 0, shape, dtype, scale)  # type: ignore[arg-type]


def _hash(values: np.ndarray) -> str:
    """Hash of the values; of a large table that of rows chosen evenly."""
    step = max(1, len(values) // HASHED_ROWS)
    digest = hashlib.sha256(repr((values.shape, values.dtype.str)).encode())
    digest.update(np.ascontiguousarray(values[::step]).tobytes())
    return digest.hexdigest()[:16]

"""`WaveformCache`: waveforms on disk, features made of them when they are asked for."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from genrelab.audio import Augment
from genrelab.audio.spec import AudioSpec
from genrelab.features import FeatureSpec, compile_kernels, extract_segments, make_spec, quantize
from genrelab.features.cache.builder import BuildPlan
from genrelab.features.cache.feature_cache import FeatureCache
from genrelab.features.cache.report import PrepareReport
from genrelab.features.cache.worker import ORIGINAL
from genrelab.features.packed_waveform import unpack_rows

log = logging.getLogger(__name__)

CHUNK = 64  # waveforms in memory at once while features are computed


class WaveformCache:
    """Has the face of `FeatureCache`, but keeps segments' waveforms: features are computed anew whenever they are used.

    Args:
        root: the store's folder.
        audio: decoding and segmentation.
        specs: features, in the order that `load` returns them.
        backend: computes those that `load` is asked for; training steps have a backend of their own.
    """

    def __init__(
        self, root: str | os.PathLike[str], audio: AudioSpec, specs: Sequence[FeatureSpec], backend: str = "numba"
    ) -> None:
        self.root = Path(root)
        self.audio = audio
        self.specs = tuple(specs)
        self.backend = backend
        self._sounds = FeatureCache(root, audio, [make_spec("waveform", {"kind": "waveform"}, audio)])

    def prepare(
        self,
        tracks: pd.DataFrame,
        augments: Sequence[Augment] = (),
        augmented_tracks: Collection[str] = frozenset(),
        backend: str = "numba",
        workers: int | None = None,
        progress: bool = True,
    ) -> PrepareReport:
        """Store the waveforms that are missing; see `FeatureCache.prepare`. `backend` makes no difference to them."""
        compile_kernels(self.backend, partial(print, file=sys.stderr) if progress else log.info)
        return self._sounds.prepare(tracks, augments, augmented_tracks, "librosa", workers, progress)

    def plan_build(
        self, tracks: pd.DataFrame, augments: Sequence[Augment] = (), augmented_tracks: Collection[str] = frozenset()
    ) -> BuildPlan:
        """What `prepare` would have to do."""
        return self._sounds.plan_build(tracks, augments, augmented_tracks)

    def rows(self, track_ids: Collection[str], augment_names: Sequence[str] = (ORIGINAL,)) -> pd.DataFrame:
        """The stored rows of some tracks; see `FeatureCache.rows`."""
        return self._sounds.rows(track_ids, augment_names)

    def waveforms(self, rows: pd.DataFrame) -> np.ndarray:
        """Stored waveforms `[N, n_samples + 1]` int16, for `features.waveform.unpack`."""
        return self._sounds.load(rows)[0]

    def load(self, rows: pd.DataFrame) -> list[np.ndarray]:
        """Compute the features of some rows.

        Returns:
            one array per spec, `[N, *spec.shape]` in the dtype that a store of features would hold.
        """
        found = [np.empty((len(rows), *spec.shape), spec.dtype) for spec in self.specs]
        for at in range(0, len(rows), CHUNK):
            sounds = unpack_rows(self.waveforms(rows.iloc[at : at + CHUNK]))
            for place, arrays in enumerate(extract_segments(self.specs, list(sounds), self.backend), start=at):
                for out, spec, array in zip(found, self.specs, arrays, strict=True):
                    out[place] = quantize(spec, array)
        return found

"""`GenreDataModule`: a store and a split, served as whole batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Literal

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from genrelab.datamodules.loader import Batch, BatchLoader, draw_epoch
from genrelab.datamodules.normalizer import Mode, Normalizer
from genrelab.datamodules.on_the_fly_features import LazyRows
from genrelab.datasets.splits import Split
from genrelab.features.cache import AnyFeatureCache, WaveformCache
from genrelab.utils.errors import GenrelabError

SplitName = Literal["train", "val", "test"]
FIT_CHUNK = 512  # rows read at once when statistics are fitted
SAMPLE_VALUES = 2**22  # feature values in a sample of train rows, for batch norm's statistics


def sample_rows(shapes: Sequence[tuple[int, ...]]) -> int:
    """Return how many train rows batch norm's statistics are computed from: 128, or up to 2048 of small rows (vectors).

    Args:
        shapes: `(H, W)` or `(D,)` of each feature.
    """
    return min(max(SAMPLE_VALUES // sum(prod(shape) for shape in shapes), 128), 2048)


class GenreDataModule(pl.LightningDataModule):
    """Serves the segments of a split from a prepared store.

    The test loader exists in the test stage only: nothing before it can look at test segments.

    Args:
        feature_cache: prepared features, or waveforms of which a `OnTheFlyFeatures` makes them.
        split: which track belongs to which part.
        targets: index of the genre, per track id.
        several: indices of all genres per track id, where batches shall hold several; None where they hold the one.
        n_classes: number of genres, needed with `several`.
        augment_names: copies that train segments have beside the original.
        batch_size: segments in a batch.
        copies_per_epoch: "one": an epoch sees each train segment once, as one of its copies, drawn by (seed, epoch);
            "all": an epoch sees every copy (the published systems).
        normalize: statistics per frequency bin, global, or none; fitted on train.
        seed: of shuffling and drawing.
        cache_on_device: hold all rows on the accelerator where they fill at most a quarter of its memory.
        class_balanced: draw train segments so that an epoch has equally many of each genre.
    """

    def __init__(
        self,
        feature_cache: AnyFeatureCache,
        split: Split,
        targets: Mapping[str, int],
        augment_names: Sequence[str] = (),
        batch_size: int = 64,
        copies_per_epoch: Literal["one", "all"] = "one",
        normalize: Mode = "per_bin",
        seed: int = 0,
        cache_on_device: bool = True,
        multilabel_targets: Mapping[str, Sequence[int]] | None = None,
        n_classes: int = 0,
        class_balanced: bool = False,
    ) -> None:
        super().__init__()
        self.feature_cache = feature_cache
        self.split = split
        self.targets = dict(targets)
        self.multilabel_targets = None if multilabel_targets is None else dict(multilabel_targets)
        self.n_classes = n_classes
        self.augment_names = tuple(augment_names)
        self.batch_size = batch_size
        self.copies_per_epoch = copies_per_epoch
        self.normalize = normalize
        self.seed = seed
        self.cache_on_device = cache_on_device
        self.class_balanced = class_balanced
        # Tracks are numbered over all parts, so that a number names one track wherever it appears.
        self.track_ids = tuple(sorted(split.assignment))
        self._number = {track: number for number, track in enumerate(self.track_ids)}
        self._rows: dict[str, pd.DataFrame] = {}
        self._resident: dict[str, Batch] = {}

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of each feature, `(H, W)` or `(D,)`."""
        return [spec.shape for spec in self.feature_cache.specs]

    def rows(self, split: SplitName) -> pd.DataFrame:
        """The store's rows of a part: originals, and in train the augmented copies."""
        if split not in self._rows:
            labels = ("none", *self.augment_names) if split == "train" else ("none",)
            rows = self.feature_cache.rows(self.split.tracks(split), labels)
            if self.split.unsafe:
                rows = rows[
                    self.split.contains(split, rows["track_id"].tolist(), rows["segment"].tolist())
                ].reset_index(drop=True)
            if not len(rows):
                raise GenrelabError(
                    f"the {split} part holds no segment; give it more tracks (split.ratios) or longer ones"
                )
            self._rows[split] = rows
        return self._rows[split]

    def fit_normalizer(self) -> Normalizer:
        """Statistics of the train rows."""
        rows = self.rows("train")
        chunks = (self.feature_cache.load(rows.iloc[at : at + FIT_CHUNK]) for at in range(0, len(rows), FIT_CHUNK))
        return Normalizer.fit(chunks, self.shapes, self.normalize)

    def full_batch(self, split: SplitName) -> Batch:
        """All rows of a part as one batch on the CPU; waveforms stay on disk until they are gathered."""
        if split not in self._resident:
            rows = self.rows(split)
            track = rows["track_id"].map(self._number).to_numpy(np.int64, copy=True)
            features: tuple[Any, ...]
            if isinstance(self.feature_cache, WaveformCache):
                features = (LazyRows(rows, self.feature_cache.waveforms, 2 * self.feature_cache.audio.segment_samples),)
            else:
                features = tuple(torch.from_numpy(feature) for feature in self.feature_cache.load(rows))
            self._resident[split] = Batch(
                features,
                torch.from_numpy(self.make_targets(rows["track_id"])),
                torch.from_numpy(track),
                torch.from_numpy(rows["segment"].to_numpy(np.int64, copy=True)),
            )
        return self._resident[split]

    def make_targets(self, track_ids: pd.Series[str]) -> np.ndarray:
        """What some tracks' segments should be: `[N]` int64, or `[N, C]` float32 where a track has several genres."""
        if self.multilabel_targets is None:
            return track_ids.map(self.targets).to_numpy(np.int64, copy=True)
        known = {track: number for number, track in enumerate(dict.fromkeys(track_ids))}
        hot = np.zeros((len(known), self.n_classes), dtype=np.float32)
        for track, number in known.items():
            hot[number, list(self.multilabel_targets[track])] = 1.0
        return hot[track_ids.map(known).to_numpy()]

    def train_dataloader(self) -> BatchLoader:
        """Batches of the train part, shuffled and drawn by (seed, epoch)."""
        rows = self.rows("train")
        groups = rows.groupby(["track_id", "segment"], sort=True).indices
        copies = [np.asarray(places) for places in groups.values()]
        tracks = rows["track_id"].to_numpy()[[places[0] for places in copies]]
        genres = np.array([self.targets[track] for track in tracks]) if self.class_balanced else None
        rank, world_size = self._rank()

        def order() -> Tensor:
            epoch = self.trainer.current_epoch if self.trainer is not None else 0
            return draw_epoch(copies, self.seed, epoch, self.copies_per_epoch == "all", rank, world_size, genres)

        return BatchLoader(self._on_device("train"), order, self.batch_size, drop_single=True)

    def train_sample_dataloader(self, n_rows: int | None = None) -> BatchLoader:
        """Originals spread evenly over the train part, the same at every call and in every process.

        Rows that follow each other are of one artist, so batches take every k-th row of the sample.

        Args:
            n_rows: how many at most; None: see `sample_rows`.
        """
        n_rows = n_rows or sample_rows(self.shapes)
        originals = np.flatnonzero(self.rows("train")["augment"].to_numpy() == "none")
        chosen = originals[np.linspace(0, len(originals) - 1, min(n_rows, len(originals))).round().astype(np.int64)]
        n_batches = max(len(chosen) // max(32, n_rows // 8), 1)
        size = -(-len(chosen) // n_batches)
        order = torch.from_numpy(np.concatenate([chosen[first::n_batches] for first in range(n_batches)]))
        return BatchLoader(self._on_device("train"), lambda: order, size, drop_single=True)

    def val_dataloader(self) -> BatchLoader:
        """Batches of the val part, in order."""
        return self._sequential_dataloader("val")

    def test_dataloader(self) -> BatchLoader:
        """Batches of the test part, in order.

        Raises:
            GenrelabError: outside the test stage.
        """
        if self.trainer is None or not self.trainer.testing:
            raise GenrelabError("the test part is locked until the test stage; use val to look at results")
        return self._sequential_dataloader("test")

    def _sequential_dataloader(self, split: SplitName) -> BatchLoader:
        rank, world_size = self._rank()
        order = torch.arange(len(self.rows(split)))[rank::world_size]
        return BatchLoader(self._on_device(split), lambda: order, self.batch_size)

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)

    def _on_device(self, split: SplitName) -> Batch:
        """The part's rows, on the accelerator where they fit well."""
        batch = self.full_batch(split)
        device = self.trainer.strategy.root_device if self.trainer is not None else torch.device("cpu")
        if device.type != "cuda" or not self.cache_on_device:
            return batch
        size = sum(feature.nbytes for feature in batch.features)
        if size > torch.cuda.mem_get_info(device)[0] / 4:
            return batch
        return Batch(
            tuple(feature.to(device) for feature in batch.features),
            *(column.to(device) for column in batch[1:]),
        )

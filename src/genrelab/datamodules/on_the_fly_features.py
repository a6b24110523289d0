"""Features made inside the step: waveforms go to the device, and all that follows happens there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from genrelab.audio import Augment
from genrelab.audio.transforms_torch import apply_to_rows
from genrelab.features import FeatureSpec, VectorFeature, build_feature
from genrelab.features.extraction import extract_batch
from genrelab.features.packed_waveform import unpack
from genrelab.utils.errors import ConfigError

Features = tuple[Tensor, ...]
CHUNK = 256  # rows on their way to the device at once


class OnTheFlyFeatures:
    """Makes the features of a batch of stored waveforms, on their device and without ever waiting for it.

    Args:
        specs: the features.
        augments: changes of train segments: each becomes, by equal chance, one of its copies or stays as it is. Drawn
            by torch's generators, which an epoch seeds.

    Raises:
        ConfigError: a feature or a change that is not made in torch.
    """

    def __init__(self, specs: Sequence[FeatureSpec], augments: Sequence[Augment] = ()) -> None:
        self.specs = tuple(specs)
        self.augments = tuple(augments)
        problems = [told for spec in specs if (told := _unfit(spec))]
        problems += [
            f"augment: {augment.name} has no apply_batch, which makes it in the step; use data.on_the_fly=false"
            for augment in augments
            if not hasattr(augment, "apply_batch")
        ]
        if problems:
            raise ConfigError(problems)

    @torch.no_grad()
    def __call__(self, stored: Features, training: bool = False) -> Features:
        """Features `[B, H, W]` float32, not normalized, of `(waveforms [B, n_samples + 1] int16,)`."""
        samples = unpack(stored[0])
        rate = self.specs[0].sample_rate
        if training and self.augments:
            copy = torch.randint(1 + len(self.augments), (len(samples),))
            for number, augment in enumerate(self.augments, start=1):
                samples = apply_to_rows(samples, copy == number, augment, rate)
        return tuple(extract_batch(self.specs, samples))


def _unfit(spec: FeatureSpec) -> str:
    """Why a feature cannot be made in the step; "" where it can."""
    feature = build_feature(spec)
    if isinstance(feature, VectorFeature):
        return f"features.{spec.name}: a table of numbers is not computed in the step; use data.on_the_fly=false"
    if type(feature).__module__.startswith("genrelab."):
        return ""
    try:
        found = extract_batch([spec], torch.zeros(1, spec.n_samples))
    except Exception as error:  # a kind of the user's own, written for numpy
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return f"features.{spec.name}: {spec.kind} is not computed in torch ({reason}); use data.on_the_fly=false"
    if tuple(found[0].shape[1:]) != spec.shape:
        return f"features.{spec.name}: {spec.kind} has another shape in torch; use data.on_the_fly=false"
    return ""


class LazyRows:
    """Rows of a store with as much of a tensor's face as `BatchLoader` needs: gathered when a batch is made of them.

    Waveforms are ten times as large as the features that are made of them, too much to hold them all in memory.

    Args:
        rows: the store's.
        gather: the store's `waveforms`.
        row_bytes: size of one.
    """

    def __init__(self, rows: pd.DataFrame, gather: Callable[[pd.DataFrame], np.ndarray], row_bytes: int) -> None:
        self._rows = rows
        self._gather = gather
        self.nbytes = len(rows) * row_bytes

    def index_select(self, dim: int, chosen: Tensor) -> Tensor:
        """Those rows, as one tensor on the CPU."""
        return torch.from_numpy(self._gather(self._rows.iloc[chosen.numpy()]))

    def to(self, device: torch.device) -> Tensor:
        """All rows on a device, where they are held from then on."""
        first = self.index_select(0, torch.arange(1))
        whole = torch.empty((len(self._rows), *first.shape[1:]), dtype=first.dtype, device=device)
        for at in range(0, len(self._rows), CHUNK):
            part = torch.arange(at, min(at + CHUNK, len(self._rows)))
            whole[at : at + len(part)] = self.index_select(0, part)
        return whole

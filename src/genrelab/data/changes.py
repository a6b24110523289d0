"""What is changed in a train batch on its way into the network, drawn anew at every step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Features = tuple[Tensor, ...]


@dataclass(frozen=True)
class BatchChanges:
    """Changes of train batches; val and test are never touched. Drawn by torch's generator, which an epoch seeds.

    Args:
        roll_time: rotate pictures along time by one drawn share of their length: a segment begins anywhere in its
            track, which a small train set alone does not teach.
        mask_bands: widest band of rows that is set to train's mean, as a share of a picture's rows; drawn from 0 to it
            for each segment (SpecAugment, Park et al. 2019, arXiv 1904.08779).
        mask_frames: the same for columns.
        mixup: both parameters of the beta distribution that a batch's share of a second, shuffled batch is drawn from
            (Zhang et al. 2018, arXiv 1710.09412); 0 mixes nothing.
    """

    roll_time: bool = False
    mask_bands: float = 0.0
    mask_frames: float = 0.0
    mixup: float = 0.0

    def stored(self, features: Features) -> Features:
        """Rotate stored pictures `[B, H, W]`; vectors stay."""
        if not self.roll_time:
            return features
        share = float(torch.rand(()))
        return tuple(f.roll(int(share * f.shape[-1]), dims=-1) if f.ndim == 3 else f for f in features)

    def normalised(self, features: Features) -> Features:
        """Mask normalised pictures, whose train mean is 0."""
        for axis, share in ((1, self.mask_bands), (2, self.mask_frames)):
            if share > 0:
                features = tuple(_masked(f, axis, share) if f.ndim == 3 else f for f in features)
        return features

    def partner(self, count: int) -> tuple[float, Tensor]:
        """The share of the batch itself, and which segment each is mixed with, `[count]`."""
        share = float(torch.distributions.Beta(self.mixup, self.mixup).sample())
        return share, torch.randperm(count)


def _masked(pictures: Tensor, axis: int, share: float) -> Tensor:
    size, count = pictures.shape[axis], len(pictures)
    width = torch.rand(count, device=pictures.device) * share * size
    start = torch.rand(count, device=pictures.device) * (size - width)
    place = torch.arange(size, device=pictures.device)
    hidden = (place >= start[:, None].floor()) & (place < (start + width)[:, None].floor())  # [B, size]
    return pictures.masked_fill(hidden[:, :, None] if axis == 1 else hidden[:, None, :], 0.0)

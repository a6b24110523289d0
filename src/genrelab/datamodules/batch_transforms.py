"""What is changed in a train batch on its way into the network, drawn anew at every step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from genrelab.models.windowed import crop_width

Features = tuple[Tensor, ...]


@dataclass(frozen=True)
class BatchAugmentation:
    """Changes of train batches; val and test are never touched. Drawn by torch's generator, which an epoch seeds.

    Args:
        random_roll: rotate pictures along time by one drawn share of their length: a segment begins anywhere in its
            track, which a small train set alone does not teach. "per_sample" draws a share for each segment.
        crop_ratio: keep this share of the columns of each picture, from a column drawn for each segment; 1 keeps all.
        freq_mask_ratio: widest band of rows that is set to train's mean, as a share of a picture's rows; drawn from 0
            to it for each segment (SpecAugment, Park et al. 2019, arXiv 1904.08779).
        time_mask_ratio: the same for columns.
        mixup_alpha: both parameters of the beta distribution that a batch's share of a second, shuffled batch is drawn
            from (Zhang et al. 2018, arXiv 1710.09412); 0 mixes nothing.
        time_reverse_prob: share of segments that run backwards. This and what follows treats pictures as pictures
            (row E09, where it did not help), drawn for each segment, alike for all its pictures; what comes in from
            outside is train's mean.
        degrees: most degrees that a picture is turned, either way.
        translate: most that it is moved, a share of its sides.
        scale: most that it is made larger or smaller, a share; below 1.
        noise_std: standard deviation of white noise, in those of train.
    """

    random_roll: bool | Literal["per_sample"] = False
    crop_ratio: float = 1.0
    freq_mask_ratio: float = 0.0
    time_mask_ratio: float = 0.0
    mixup_alpha: float = 0.0
    time_reverse_prob: float = 0.0
    degrees: float = 0.0
    translate: float = 0.0
    scale: float = 0.0
    noise_std: float = 0.0

    def before_norm(self, features: Features) -> Features:
        """Rotate and crop stored pictures `[B, H, W]`; vectors stay."""
        if self.random_roll is True:
            share = float(torch.rand(()))
            features = tuple(f.roll(int(share * f.shape[-1]), dims=-1) if f.ndim == 3 else f for f in features)
        wrap = self.random_roll == "per_sample"
        if wrap or self.crop_ratio < 1:
            shares = torch.rand(len(features[0]), device=features[0].device)
            features = tuple(_columns(f, shares, self.crop_ratio, wrap) if f.ndim == 3 else f for f in features)
        return features

    def after_norm(self, features: Features) -> Features:
        """Flip, move and mask normalized pictures, whose train mean is 0; noise goes into vectors too."""
        if self.time_reverse_prob > 0:
            back = torch.rand(len(features[0]), device=features[0].device) < self.time_reverse_prob
            features = tuple(torch.where(back[:, None, None], f.flip(-1), f) if f.ndim == 3 else f for f in features)
        if self.degrees > 0 or self.translate > 0 or self.scale > 0:
            moves = self._moves(len(features[0]), features[0].device)
            features = tuple(_moved(f, *moves) if f.ndim == 3 else f for f in features)
        if self.noise_std > 0:
            features = tuple(f + self.noise_std * torch.randn_like(f) for f in features)
        for axis, share in ((1, self.freq_mask_ratio), (2, self.time_mask_ratio)):
            if share > 0:
                features = tuple(_masked(f, axis, share) if f.ndim == 3 else f for f in features)
        return features

    def _moves(self, count: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Angle in radians `[B]`, size `[B]` and shift `[B, 2]` (along time, along bands; shares of the sides)."""
        drawn = 2 * torch.rand(4, count, device=device) - 1
        return math.radians(self.degrees) * drawn[0], 1 + self.scale * drawn[1], self.translate * drawn[2:].T

    def mixup_partner(self, count: int) -> tuple[float, Tensor]:
        """The share of the batch itself, and which segment each is mixed with, `[count]`."""
        share = float(torch.distributions.Beta(self.mixup_alpha, self.mixup_alpha).sample())
        return share, torch.randperm(count)


def _moved(feature_maps: Tensor, angle: Tensor, size: Tensor, shift: Tensor) -> Tensor:
    """Turn, scale and shift `[B, H, W]` in one bilinear step; 0 comes in from outside."""
    height, width = feature_maps.shape[1:]
    cos, sin = angle.cos() / size, angle.sin() / size  # where each place of the result is taken from
    turn = torch.stack((cos, sin * height / width, -sin * width / height, cos), dim=1).reshape(-1, 2, 2)
    move = -(turn @ (2 * shift)[:, :, None])
    theta = torch.cat((turn, move), dim=2).to(feature_maps.dtype)
    grid = functional.affine_grid(theta, [len(feature_maps), 1, height, width], align_corners=False)
    return functional.grid_sample(feature_maps[:, None], grid, align_corners=False)[:, 0]


def _columns(feature_maps: Tensor, shares: Tensor, crop_ratio: float, wrap: bool) -> Tensor:
    """A stretch of columns of each of `[B, H, W]`; with `wrap` any column may be the first, and the end is joined to
    the beginning."""
    width = feature_maps.shape[-1]
    count = crop_width(width, crop_ratio)
    n_starts = width if wrap else width - count + 1
    start = (shares * n_starts).long().clamp(max=n_starts - 1)  # [B]
    columns = (start[:, None] + torch.arange(count, device=start.device)) % width
    return feature_maps.gather(2, columns[:, None, :].expand(-1, feature_maps.shape[1], -1))


def _masked(feature_maps: Tensor, axis: int, share: float) -> Tensor:
    size, count = feature_maps.shape[axis], len(feature_maps)
    width = torch.rand(count, device=feature_maps.device) * share * size
    start = torch.rand(count, device=feature_maps.device) * (size - width)
    place = torch.arange(size, device=feature_maps.device)
    hidden = (place >= start[:, None].floor()) & (place < (start + width)[:, None].floor())  # [B, size]
    return feature_maps.masked_fill(hidden[:, :, None] if axis == 1 else hidden[:, None, :], 0.0)

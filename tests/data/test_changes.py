"""Changes of train batches: what they touch, what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genrelab.data import BatchChanges


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(64, 20, 30, generator=generator) + 1, torch.rand(64, 5, generator=generator) + 1


def test_nothing_is_changed_unless_asked_for():
    features = batch()
    changes = BatchChanges()
    assert changes.normalised(changes.stored(features)) is features


def test_pictures_are_rotated_together_and_vectors_stay():
    picture, vector = batch()
    torch.manual_seed(3)
    share = float(torch.rand(()))
    torch.manual_seed(3)
    rolled, half, same = BatchChanges(roll_time=True).stored((picture, picture[..., ::2], vector))
    assert same is vector
    assert torch.equal(rolled, picture.roll(int(share * 30), dims=-1))
    assert torch.equal(half, picture[..., ::2].roll(int(share * 15), dims=-1))


@pytest.mark.parametrize(("name", "axis"), [("mask_bands", 1), ("mask_frames", 2)])
def test_masks_are_bands_of_at_most_their_share_drawn_for_each_segment(name, axis):
    torch.manual_seed(0)
    picture, vector = batch()
    masked, same = BatchChanges(**{name: 0.3}).normalised((picture, vector))
    assert same is vector
    hidden = (masked == 0).numpy()
    assert np.array_equal(masked.numpy()[~hidden], picture.numpy()[~hidden]), "what is not masked stays"
    lines = hidden.all(axis=3 - axis)  # [B, size]: whole rows or columns
    assert np.array_equal(hidden, np.broadcast_to(np.expand_dims(lines, 3 - axis), hidden.shape))
    widths = lines.sum(axis=1)
    assert widths.max() <= 0.3 * picture.shape[axis] + 1 and len(set(widths.tolist())) > 3
    edges = np.abs(np.diff(lines.astype(int), axis=1)).sum(axis=1)
    assert edges.max() <= 2, "one band each"


def test_mixing_draws_a_share_and_a_permutation():
    torch.manual_seed(0)
    drawn = [BatchChanges(mixup=0.4).partner(10) for _ in range(200)]
    shares = np.array([share for share, _ in drawn])
    assert shares.min() >= 0 and shares.max() <= 1 and 0.35 < shares.mean() < 0.65
    assert all(sorted(other.tolist()) == list(range(10)) for _, other in drawn)

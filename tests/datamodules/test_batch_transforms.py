"""Changes of train batches: what they touch, what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genrelab.datamodules import BatchAugmentation


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(64, 20, 30, generator=generator) + 1, torch.rand(64, 5, generator=generator) + 1


def test_nothing_is_changed_unless_asked_for():
    features = batch()
    changes = BatchAugmentation()
    assert changes.after_norm(changes.before_norm(features)) is features


def test_pictures_are_rotated_together_and_vectors_stay():
    picture, vector = batch()
    torch.manual_seed(3)
    share = float(torch.rand(()))
    torch.manual_seed(3)
    rolled, half, same = BatchAugmentation(random_roll=True).before_norm((picture, picture[..., ::2], vector))
    assert same is vector
    assert torch.equal(rolled, picture.roll(int(share * 30), dims=-1))
    assert torch.equal(half, picture[..., ::2].roll(int(share * 15), dims=-1))


def columns_of(cut, whole):
    """First column of `whole` that each row of `cut` begins with; every further one must follow it, round the end."""
    width = whole.shape[-1]
    round_the_end = torch.cat((whole, whole), dim=-1)
    starts = []
    for part, row in zip(cut, round_the_end, strict=True):
        fits = [at for at in range(width) if torch.equal(row[:, at : at + cut.shape[-1]], part)]
        assert len(fits) == 1
        starts += fits
    return starts


def test_each_segment_is_rotated_by_a_share_of_its_own():
    torch.manual_seed(0)
    picture, vector = batch()
    rolled, half, same = BatchAugmentation(random_roll="per_sample").before_norm((picture, picture[..., ::2], vector))
    assert same is vector and rolled.shape == picture.shape
    starts = columns_of(rolled, picture)
    assert len(set(starts)) > 20
    assert all(abs(a - 2 * b) <= 1 for a, b in zip(starts, columns_of(half, picture[..., ::2]), strict=True))


@pytest.mark.parametrize("random_roll", [False, "per_sample"])
def test_crops_begin_where_each_segment_draws(random_roll):
    torch.manual_seed(0)
    picture, vector = batch()
    cut, same = BatchAugmentation(random_roll=random_roll, crop_ratio=0.3).before_norm((picture, vector))
    assert same is vector and cut.shape == (64, 20, 9)
    starts = columns_of(cut, picture)
    last = 29 if random_roll else 21
    assert min(starts) <= 2 and last - 2 <= max(starts) <= last and len(set(starts)) > 10


def test_the_last_column_is_within_reach(monkeypatch):
    picture = batch()[0]
    monkeypatch.setattr(torch, "rand", lambda count, device=None: torch.full((count,), 1 - 2**-24))
    for ratio, start in [(0.3, 21), (1.0, 0)]:
        cut = BatchAugmentation(crop_ratio=ratio).before_norm((picture,))[0]
        assert set(columns_of(cut, picture)) == {start}


@pytest.mark.parametrize(("name", "axis"), [("freq_mask_ratio", 1), ("time_mask_ratio", 2)])
def test_masks_are_bands_of_at_most_their_share_drawn_for_each_segment(name, axis):
    torch.manual_seed(0)
    picture, vector = batch()
    masked, same = BatchAugmentation(**{name: 0.3}).after_norm((picture, vector))
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
    drawn = [BatchAugmentation(mixup_alpha=0.4).mixup_partner(10) for _ in range(200)]
    shares = np.array([share for share, _ in drawn])
    assert shares.min() >= 0 and shares.max() <= 1 and 0.35 < shares.mean() < 0.65
    assert all(sorted(other.tolist()) == list(range(10)) for _, other in drawn)


def test_flipped_segments_run_backwards():
    picture, vector = batch()
    flipped, other, same = BatchAugmentation(time_reverse_prob=0.5).after_norm((picture, picture[:, :5], vector))
    back = (flipped == picture.flip(-1)).all(dim=(1, 2))
    assert same is vector and 10 < back.sum() < 54
    assert torch.equal(flipped[~back], picture[~back])
    assert torch.equal(other, flipped[:, :5]), "all pictures of a segment alike"


def test_moves_are_those_of_pictures():
    from genrelab.datamodules.batch_transforms import _moved

    picture = torch.zeros(1, 20, 40)
    picture[0, 5, 10] = 1.0
    still, shifted, turned, larger = (
        _moved(picture, torch.tensor([angle]), torch.tensor([size]), torch.tensor([shift]))
        for angle, size, shift in [
            (0.0, 1.0, (0.0, 0.0)),
            (0.0, 1.0, (0.25, 0.5)),
            (np.pi, 1.0, (0.0, 0.0)),
            (0.0, 2.0, (0.0, 0.0)),
        ]
    )
    assert torch.allclose(still, picture, atol=1e-5)
    assert shifted[0, 15, 20] == pytest.approx(1, abs=1e-4) and shifted.sum() == pytest.approx(1, abs=1e-3)
    assert turned[0, 14, 29] == pytest.approx(1, abs=1e-4), "half a turn keeps sides of a picture that is no square"
    assert larger[0, 0:2, 0:2].sum() > 0 and larger.sum() > 3
    line = torch.zeros(1, 21, 41)
    line[0, 10, :] = 1.0
    upright = _moved(line, torch.tensor([np.pi / 2]), torch.ones(1), torch.zeros(1, 2))
    assert upright[0, :, 20].min() > 0.9 and upright[0, :, :15].abs().max() < 1e-3, "degrees are those of pixels"


def test_moves_stay_within_what_is_asked_and_touch_no_vector():
    picture, vector = batch()
    torch.manual_seed(0)
    angle, size, shift = BatchAugmentation(degrees=10, translate=0.1, scale=0.2)._moves(1000, torch.device("cpu"))
    assert 0.16 < angle.abs().max() <= np.pi / 18 and 0.8 <= size.min() < 0.82 and 0.09 < shift.abs().max() <= 0.1
    moved, same = BatchAugmentation(degrees=10, translate=0.1, scale=0.2).after_norm((picture, vector))
    assert same is vector and moved.shape == picture.shape and not torch.equal(moved, picture)


def test_noise_has_its_deviation_in_pictures_and_vectors():
    picture, vector = batch()
    noisy = BatchAugmentation(noise_std=0.3).after_norm((picture, vector))
    for one, own in zip(noisy, (picture, vector), strict=True):
        assert (one - own).std() == pytest.approx(0.3, abs=0.03)

"""Statistics of train, per frequency bin, in chunks as in one piece."""

import numpy as np
import pytest
import torch

from genrelab.datamodules import Normalizer


def make_rows(n: int = 50) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    picture = generator.normal(loc=np.arange(4)[None, :, None] * 10, scale=2, size=(n, 4, 6))
    return [picture.astype(np.float16), generator.normal(3, 5, size=(n, 7)).astype(np.float32)]


SHAPES = [(4, 6), (7,)]


@pytest.mark.parametrize("chunk", [7, 50])
def test_frequency_statistics_standardize_each_bin(chunk):
    rows = make_rows()
    chunks = ([feature[at : at + chunk] for feature in rows] for at in range(0, 50, chunk))
    normalizer = Normalizer.fit(chunks, SHAPES, "per_bin")
    picture, vector = normalizer([torch.from_numpy(feature) for feature in rows])
    assert picture.dtype == torch.float32 and picture.shape == (50, 4, 6)
    assert torch.allclose(picture.mean(dim=(0, 2)), torch.zeros(4), atol=1e-3)
    assert torch.allclose(picture.std(dim=(0, 2)), torch.ones(4), atol=1e-2)
    assert torch.allclose(vector.mean(dim=0), torch.zeros(7), atol=1e-5)


def test_global_and_none():
    rows = make_rows()
    inputs = [torch.from_numpy(feature) for feature in rows]
    picture, _ = Normalizer.fit([rows], SHAPES, "global")(inputs)
    assert abs(float(picture.mean())) < 1e-3 and abs(float(picture.std()) - 1) < 1e-2
    assert float(picture[:, 0].mean()) < -1, "one mean for all bins keeps their differences"
    picture, _ = Normalizer.fit([rows], SHAPES, "none")(inputs)
    assert torch.equal(picture, inputs[0].float())


def test_a_constant_bin_stays_finite():
    rows = [np.full((5, 4, 6), 3, np.float16), np.zeros((5, 7), np.float32)]
    for feature in Normalizer.fit([rows], SHAPES, "per_bin")([torch.from_numpy(r) for r in rows]):
        assert torch.isfinite(feature).all() and (feature.abs() < 1e-3).all()


def test_plain_round_trip_and_no_weights():
    normalizer = Normalizer.fit([make_rows()], SHAPES, "per_bin")
    again = Normalizer(normalizer.to_list())
    inputs = [torch.from_numpy(feature) for feature in make_rows()]
    assert all(torch.equal(a, b) for a, b in zip(normalizer(inputs), again(inputs), strict=True))
    assert not normalizer.state_dict(), "statistics travel as plain data beside the weights"

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genrelab.features.resize import area_weights, linear_weights, resize

SIZE = st.integers(1, 70)


@given(n=SIZE, m=SIZE)
def test_area_weights_are_exact(n, m):
    """Twin: repeat each cell m times, then average blocks of n: both cut the axis into n * m pieces."""
    cells = np.random.default_rng(n * 100 + m).normal(size=n)
    twin = np.repeat(cells, m).reshape(m, n).mean(axis=1)
    assert area_weights(n, m) @ cells == pytest.approx(twin, abs=1e-5)
    assert (area_weights(n, m) @ cells).mean() == pytest.approx(cells.mean(), abs=1e-5)


@given(n=SIZE, m=SIZE)
def test_linear_weights_are_torchs(n, m):
    cells = np.random.default_rng(n).normal(size=n).astype(np.float32)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(cells)[None, None], size=m, mode="linear")
    assert linear_weights(n, m) @ cells == pytest.approx(theirs[0, 0].numpy(), abs=1e-4)


def test_identity_and_constants():
    picture = np.random.default_rng(0).normal(size=(13, 40)).astype(np.float32)
    assert np.array_equal(resize(picture, None, None), picture)
    assert np.array_equal(resize(picture, 13, 40), picture)
    assert resize(np.full((13, 646), 7.0), 32, 256) == pytest.approx(7.0)
    assert resize(picture, 32, 9).shape == (32, 9) and resize(picture, 5, 90).flags.c_contiguous


def test_time_and_rows_keep_their_order():
    picture = np.arange(6)[:, None] * 10.0 + np.arange(8)[None]
    small = resize(picture, 3, 4)
    assert (np.diff(small, axis=0) > 0).all() and (np.diff(small, axis=1) > 0).all()
    assert small[0, 0] == pytest.approx(5.5)

"""Blobs in a few dimensions: vectors whose genres overlap."""

import numpy as np
import pytest
import torch


def make_blobs(classes=4, width=6, rows=240, spread=1.5, seed=0):
    generator = np.random.default_rng(seed)
    centers = generator.normal(size=(classes, width)) * spread
    target = generator.integers(classes, size=rows)
    x = centers[target] + generator.normal(size=(rows, width))
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(target)


@pytest.fixture
def blobs():
    """Train `x, y` and new `x`."""
    x, y = make_blobs()
    return x[:160], y[:160], x[160:]

"""Random forests against scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from genrelab.models.classical import RandomForest
from genrelab.models.classical.random_forest import _rounded_down


@pytest.mark.parametrize(
    "params", [{}, {"max_depth": 3}, {"min_samples_leaf": 5, "class_weight": "balanced"}, {"max_features": 0.5}]
)
def test_shares_are_scikit_learns(params, blobs):
    x, y, new = blobs
    net = RandomForest([(6,)], 4, n_estimators=20, **params)
    net.fit(x.clone(), y, seed=3)
    model = RandomForestClassifier(**net.options, random_state=3).fit(x.numpy(), y.numpy())
    shares = model.predict_proba(new.numpy())
    assert np.allclose(net(new).exp() * 21 - 0.25, shares * 20, atol=1e-4)
    assert net.found["trees"] == 20 and net.found["nodes"] == sum(t.tree_.node_count for t in model.estimators_)


def test_thresholds_part_float32_values_as_float64_ones_do():
    generator = np.random.default_rng(0)
    thresholds = generator.normal(size=5000)
    values = np.concatenate([thresholds.astype(np.float32), generator.normal(size=5000).astype(np.float32)])
    thresholds = np.concatenate([thresholds, thresholds])
    rounded = _rounded_down(thresholds)
    assert rounded.dtype == torch.float32
    assert np.array_equal(values <= thresholds, values <= rounded.numpy())


def test_a_forest_of_one_genre_knows_it():
    net = RandomForest([(2,)], 3, n_estimators=5)
    net.fit(torch.randn(8, 2), torch.full((8,), 1), seed=0)
    assert net(torch.randn(4, 2)).argmax(dim=1).tolist() == [1] * 4

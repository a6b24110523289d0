"""Logistic regression and support vector machines against scikit-learn's own predictions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler
from sklearn.svm import SVC

from genrelab.models.registry import MODELS


def fitted(kind, x, y, classes, **params):
    net = MODELS.build(kind, params, in_shapes=[(x.shape[1],)], n_classes=classes)
    net.fit(x.clone(), y, seed=0)
    return net


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("balanced", [False, True])
def test_logistic_regressions_probabilities(classes, balanced, blobs):
    x, y, new = blobs
    y = y % classes
    model = LogisticRegression(max_iter=1000, C=0.3, class_weight="balanced" if balanced else None)
    wanted = model.fit(x.numpy(), y.numpy()).predict_log_proba(new.numpy())
    net = fitted("logistic_regression", x, y, classes, c=0.3, class_weight="balanced" if balanced else None)
    assert np.allclose(net(new), wanted, atol=1e-4)
    assert net.found["converged"]


def test_too_few_iterations_are_recorded(blobs):
    x, y, _ = blobs
    assert fitted("logistic_regression", x, y, 4, max_iter=1).found == {"iterations": 1, "converged": False}


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("balanced", [False, True])
def test_the_svms_decisions(classes, kernel, balanced, blobs):
    x, y, new = blobs
    y = y % classes
    weights = "balanced" if balanced else None
    model = SVC(C=2.0, kernel=kernel, class_weight=weights, decision_function_shape="ovr").fit(x.numpy(), y.numpy())
    logits = fitted("svm", x, y, classes, kernel=kernel, c=2.0, class_weight="balanced" if balanced else None)(new)
    decision = model.decision_function(new.numpy())
    if classes == 2:
        # scikit-learn gives the margin itself; ours is a vote and the margin's share for either.
        assert np.array_equal(logits.argmax(1), decision > 0)
    else:
        assert np.allclose(logits, decision, atol=1e-3)
    assert np.mean(logits.argmax(1).numpy() == model.predict(new.numpy())) > 0.97, "ties of votes apart"


def test_a_gamma_of_ones_own(blobs):
    x, y, new = blobs
    decision = SVC(gamma=0.7).fit(x.numpy(), y.numpy()).decision_function(new.numpy())
    assert np.allclose(fitted("svm", x, y, 4, gamma=0.7)(new), decision, atol=1e-3)


def test_a_temperature_changes_probabilities_alone(blobs):
    x, y, new = blobs
    net = fitted("svm", x, y, 4)
    before = net(new)
    net.temperature = torch.tensor(0.5)
    assert torch.allclose(net(new), 2 * before)


@pytest.mark.parametrize("shape", [(6,), (3, 8)])
def test_power_transform_is_scikit_learns_and_survives_a_checkpoint(shape):
    generator = np.random.default_rng(0)
    x = torch.from_numpy(np.exp(generator.normal(size=(90, *shape))).astype(np.float32))
    x[:, 0] = 2.5  # a constant column (or row) stays finite
    y = torch.arange(90) % 3
    net = MODELS.build("logistic_regression", {"c": 0.5, "power_transform": True}, in_shapes=[shape], n_classes=3)
    pooled = net.vectors(x).double().numpy()
    net.fit(net.vectors(x), y, seed=0)
    scaled = make_pipeline(StandardScaler(), PowerTransformer()).fit_transform(pooled)
    assert np.allclose(net.inputs(x).numpy(), scaled, atol=2e-3)
    model = LogisticRegression(C=0.5, max_iter=1000).fit(scaled, y.numpy())
    assert np.allclose(net(x).exp().numpy(), model.predict_proba(scaled), atol=2e-3)
    again = MODELS.build("logistic_regression", {"c": 0.5, "power_transform": True}, in_shapes=[shape], n_classes=3)
    again.load_state_dict(net.state_dict())
    assert torch.equal(again(x), net(x))

"""What all estimators share: states of any size, pooling, seeds, genres that train lacks."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from genrelab.models.classical import MARK, check_memory
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError, GenrelabError

SHORT = {"random_forest": {"n_estimators": 15}, "knn": {"n_neighbors": 7}}
KINDS = [kind for kind in MODELS.kinds() if MODELS.marked(kind, MARK) and kind != "autoencoder_kmeans"]


def make(kind, width=6, classes=4, **params):
    return MODELS.build(kind, {**SHORT.get(kind, {}), **params}, in_shapes=[(width,)], n_classes=classes)


def fitted(kind, x, y, **params):
    net = make(kind, x.shape[1], **params)
    net.fit(x.clone(), y, seed=0)
    return net


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_dict_is_plain_and_makes_the_same_system(kind, blobs):
    x, y, new = blobs
    net = fitted(kind, x, y)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = make(kind)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(net(new), other(new))
    assert net(new).shape == (80, 4) and torch.isfinite(net(new)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_of_another_kind_is_refused(kind, blobs):
    x, y, _ = blobs
    state = fitted(kind, x, y).state_dict()
    with pytest.raises(RuntimeError, match="Unexpected key"):
        make(kind).load_state_dict({**state, "forward": torch.zeros(1)})
    with pytest.raises(RuntimeError, match="Missing key"):
        make(kind).load_state_dict({})


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_answers(kind, blobs):
    x, y, new = blobs
    assert torch.equal(fitted(kind, x, y)(new), fitted(kind, x, y)(new))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [[0, 2, 3], [1, 3]])
def test_genres_without_train_tracks_are_never_the_answer(kind, kept, blobs):
    x, y, new = blobs
    rows = torch.isin(y, torch.tensor(kept))
    logits = fitted(kind, x[rows], y[rows])(new)
    assert torch.isfinite(logits).all()
    assert set(logits.argmax(dim=1).tolist()) <= set(kept)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_do_not_depend_on_the_batch(kind, blobs):
    x, y, new = blobs
    net = fitted(kind, x, y)
    assert torch.allclose(net(new), torch.cat([net(new[:30]), net(new[30:])]), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_does_not_change_answers(kind, blobs):
    x, y, new = blobs
    net = fitted(kind, x, y)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(net(new), net(new.clone()))
        inside = net(new)
    assert torch.equal(inside, net(new)) and inside.dtype == torch.float32


@pytest.mark.parametrize(("pooling", "width"), [("none", 3 * 8 + 5), ("mean", 3 + 5), ("mean_std", 6 + 5)], ids=str)
def test_pooling_takes_pictures_over_time_and_leaves_vectors(pooling, width):
    net = MODELS.build("knn", {"pooling": pooling, "n_neighbors": 3}, in_shapes=[(3, 8), (5,)], n_classes=2)
    picture, vector = torch.randn(10, 3, 8), torch.randn(10, 5)
    x = net.vectors(picture, vector)
    assert x.shape == (10, net.width) and net.width == width
    assert torch.equal(x[:, -5:], vector)
    if pooling == "mean_std":
        assert np.allclose(x[:, :3], picture.numpy().mean(axis=2), atol=1e-6)
        assert np.allclose(x[:, 3:6], picture.numpy().std(axis=2), atol=1e-6)
    net.fit(x.clone(), torch.arange(10) % 2, seed=0)
    own = net._standardize(x)
    if pooling == "none":
        assert torch.equal(own, x)
    else:
        assert np.allclose(own.mean(dim=0), 0, atol=1e-5) and np.allclose(own.std(dim=0, correction=0), 1, atol=1e-4)


def test_a_constant_column_does_not_blow_up():
    net = MODELS.build("knn", {"pooling": "mean_std", "n_neighbors": 1}, in_shapes=[(2, 4)], n_classes=2)
    x = net.vectors(torch.ones(6, 2, 4))
    net.fit(x.clone(), torch.arange(6) % 2, seed=0)
    assert torch.isfinite(net(torch.full((1, 2, 4), 1.001))).all()


def test_too_many_values_are_refused_with_a_remedy():
    check_memory(1000, 1000)
    with pytest.raises(GenrelabError, match="pooling=mean_std"):
        check_memory(10**7, 10**6)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("knn", {"n_neighbors": 0}),
        ("svm", {"c": 0.0}),
        ("svm", {"gamma": -1.0}),
        ("logistic_regression", {"max_iter": 0}),
        ("random_forest", {"n_estimators": 0}),
        ("random_forest", {"max_features": 0.0}),
    ],
)
def test_numbers_out_of_range_are_told(kind, params):
    with pytest.raises(ConfigError, match=f"model.{next(iter(params))}"):
        make(kind, **params)

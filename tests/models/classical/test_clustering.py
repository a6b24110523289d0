"""Clusters against scikit-learn's, their genres against trying every assignment."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genrelab.models.classical.clustering import AutoencoderMeans, PrincipalMixture, _table, match
from genrelab.utils.errors import ConfigError


def test_the_mixture_is_scikit_learns(blobs):
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    x, y, new = blobs
    net = PrincipalMixture([(6,)], 4, components=3, clusters=5)
    net.fit(x.clone(), y, seed=2)
    pca = PCA(3, random_state=2).fit(x.numpy())
    z = pca.transform(x.numpy()).astype(np.float32).astype(np.float64)
    model = GaussianMixture(5, n_init=5, max_iter=500, random_state=2).fit(z)
    assert np.array_equal(net.cluster_of(new), model.predict(pca.transform(new.numpy())))
    assert net.found["explained"] == pytest.approx(pca.explained_variance_ratio_.sum(), abs=1e-4)
    assert net.found["matching"] == "majority" and net.found["converged"]


def test_clear_blobs_are_found_without_their_names():
    generator = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = torch.from_numpy((np.eye(3)[y] * 10 + generator.normal(size=(90, 3))).astype(np.float32))
    net = PrincipalMixture([(3,)], 3, components=2)
    net.fit(x.clone(), torch.from_numpy(y), seed=0)
    assert np.array_equal(net(x).argmax(dim=1), y)
    assert net.found["matching"] == "Hungarian" and sorted(net.found["genre_of_cluster"]) == [0, 1, 2]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 4), st.data())
def test_the_hungarian_method_gives_what_trying_all_gives(classes, data):
    rows = data.draw(st.lists(st.tuples(*[st.integers(0, classes - 1)] * 2), min_size=1, max_size=30))
    cluster, target = np.array(rows).T
    target = np.append(target, range(classes))  # all are there
    cluster = np.append(cluster, range(classes))
    rows = list(zip(cluster, target, strict=True))
    genres, how = match(cluster, target, classes, classes)
    assert how == "Hungarian" and sorted(genres) == list(range(classes))
    best = max(sum(order[c] == t for c, t in rows) for order in permutations(range(classes)))
    assert (genres[cluster] == target).sum() == best


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.integers(2, 6), st.data())
def test_a_clusters_genre_leads_and_the_rest_follow_their_shares(clusters, classes, data):
    rows = data.draw(
        st.lists(st.tuples(st.integers(0, clusters - 1), st.integers(0, classes - 1)), min_size=1, max_size=40)
    )
    cluster, target = np.array(rows).T
    genres, how = match(cluster, target, clusters, classes)
    table = np.exp(_table(cluster, target, genres, classes))
    assert np.allclose(table.sum(axis=1), 1) and (table > 0).all()
    assert np.allclose(table[np.arange(clusters), genres], table.max(axis=1)), "a tie may be, another genre never"
    if how == "majority":
        for k in set(cluster):
            counts = np.bincount(target[cluster == k], minlength=classes)
            assert counts[genres[k]] == counts.max()


def test_an_empty_cluster_stands_for_the_commonest_genre():
    genres, _ = match(np.array([0, 0, 1]), np.array([2, 2, 0]), 4, 3)
    assert genres.tolist() == [2, 0, 2, 2]


def sequences(rows=48):
    """Pictures of slow or fast waves in two rows."""
    generator = np.random.default_rng(0)
    y = np.arange(rows) % 2
    time = np.arange(24) / 24 * 2 * np.pi
    phase = generator.normal(size=(rows, 2, 1)) * 0.2
    wave = np.sin(time * np.where(y, 5, 1)[:, None, None] + phase)
    return torch.from_numpy(wave.astype(np.float32)), torch.from_numpy(y)


def test_the_autoencoder_learns_and_its_checkpoint_holds_it():
    pictures, y = sequences()
    shapes = [(1, 24), (1, 24)]
    params = {"hidden": 24, "latent": 8, "epochs": 40, "lr": 0.01, "components": 3}
    torch.manual_seed(0)
    net = AutoencoderMeans(shapes, 2, **params)
    x = net.vectors(pictures[:, :1], pictures[:, 1:])
    net.fit(x.clone(), y, seed=0)
    assert net.found["squared_error"] < 0.8 * net.found["squared_error_at_first"]
    logits = net(pictures[:, :1], pictures[:, 1:])
    assert (logits.argmax(dim=1) == y).float().mean() > 0.9
    other = AutoencoderMeans(shapes, 2, **params)
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(pictures[:, :1], pictures[:, 1:]), logits)


def test_pictures_come_back_from_vectors():
    net = AutoencoderMeans([(2, 5), (3, 5)], 2)
    a, b = torch.randn(4, 2, 5), torch.randn(4, 3, 5)
    back = net._feature_maps(net.vectors(a, b))
    assert torch.equal(back[0], a) and torch.equal(back[1], b)


@pytest.mark.parametrize(
    ("params", "key"), [({"clusters": 1}, "clusters"), ({"components": 0}, "components"), ({"starts": 0}, "starts")]
)
def test_numbers_out_of_range_are_told(params, key):
    with pytest.raises(ConfigError, match=f"model.{key}"):
        PrincipalMixture([(6,)], 3, **params)


def test_more_clusters_than_segments_are_told(blobs):
    with pytest.raises(ConfigError, match="take fewer"):
        PrincipalMixture([(6,)], 4, clusters=9).fit(blobs[0][:8].clone(), blobs[1][:8], seed=0)

"""k nearest neighbors against scikit-learn's and against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genrelab.models.classical import NearestNeighbors


def knn(x, y, k, classes=4):
    net = NearestNeighbors([(x.shape[1],)], classes, n_neighbors=k)
    net.fit(x.clone(), y, seed=0)
    return net


@pytest.mark.parametrize("k", [1, 5, 55])
def test_votes_are_scikit_learns(k, blobs):
    from sklearn.neighbors import KNeighborsClassifier

    x, y, new = blobs
    votes = KNeighborsClassifier(k, algorithm="brute").fit(x.numpy(), y.numpy()).predict_proba(new.numpy()) * k
    shares = knn(x, y, k)(new).exp().numpy()
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(np.floor(shares * (k + 1) + 1e-3), votes.round()), "the vote more overturns none"


def test_the_nearest_breaks_a_tie_and_more_votes_win():
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    y = torch.tensor([2, 1, 1, 2])
    assert knn(x, y, 4)(torch.tensor([[-1.0], [1.4]])).argmax(dim=1).tolist() == [2, 1]
    assert knn(x, y, 3)(torch.tensor([[-1.0]])).argmax(dim=1).tolist() == [1]


def test_top_n_follows_the_votes():
    x = torch.arange(6.0)[:, None]
    y = torch.tensor([0, 0, 0, 3, 3, 1])
    assert knn(x, y, 6)(torch.tensor([[0.0]])).topk(3).indices.tolist() == [[0, 3, 1]]


@pytest.mark.parametrize(("rows", "k"), [(3020, 55), (9, 3), (10, 3), (1, 1), (160, 13)])
def test_e05s_rule(rows, k):
    net = knn(torch.zeros(rows, 1), torch.zeros(rows, dtype=torch.int64), None)
    assert net.found == {"n_neighbors": k}


def test_more_neighbors_than_rows_are_all_rows():
    x = torch.zeros(3, 1)
    assert knn(x, torch.tensor([0, 1, 1]), 55)(x).argmax(dim=1).tolist() == [1, 1, 1]


def test_far_from_the_origin_distances_keep_their_digits(blobs):
    x, y, new = blobs
    assert torch.equal(knn(x, y, 9)(new).argmax(1), knn(x + 3000, y, 9)(new + 3000).argmax(1))

"""Several genres a track: each told from the rest, as scikit-learn tells it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genrelab.models.classical import MULTILABEL, Estimator, LogisticRegression, NearestNeighbors, RandomForest
from genrelab.models.registry import MODELS

KINDS = {
    "knn": lambda: NearestNeighbors([(6,)], 4, n_neighbors=9),
    "logistic_regression": lambda: LogisticRegression([(6,)], 4),
    "random_forest": lambda: RandomForest([(6,)], 4, n_estimators=40),
}


@pytest.fixture
def labeled(blobs):
    """Train `x`, `y [N, 4]` (the last genre is nobody's), new `x`."""
    x, y, new = blobs
    multilabel = torch.stack([y == 0, (y == 0) | (y == 1), y == 2, torch.zeros_like(y, dtype=torch.bool)], dim=1)
    return x, multilabel.float(), new


def fitted(kind: str, x: torch.Tensor, y: torch.Tensor) -> Estimator:
    net = KINDS[kind]()
    net.fit(x.clone(), y, seed=0)
    return net


def test_neighbors_vote_for_all_their_genres(labeled):
    from sklearn.neighbors import KNeighborsClassifier

    x, y, new = labeled
    model = KNeighborsClassifier(9, algorithm="brute").fit(x.numpy(), y.numpy())
    votes = np.stack(
        [one[:, -1] if one.shape[1] > 1 else np.zeros(len(new)) for one in model.predict_proba(new.numpy())]
    )
    found = fitted("knn", x, y)(new).sigmoid().numpy()
    assert np.abs(found - votes.T).max() < 0.1 and ((found > 0.5) == (votes.T > 0.5)).mean() > 0.99


def test_each_genre_has_a_regression_of_its_own(labeled):
    from sklearn.linear_model import LogisticRegression as Fitted

    x, y, new = labeled
    found = fitted("logistic_regression", x, y)
    p = found(new).sigmoid().numpy()
    for genre in range(3):
        wanted = Fitted(max_iter=1000).fit(x.numpy(), y[:, genre].numpy()).predict_proba(new.numpy())[:, 1]
        np.testing.assert_allclose(p[:, genre], wanted, atol=1e-4)
    np.testing.assert_allclose(p[:, 3], 0.5 / (len(x) + 1), rtol=1e-4)
    assert found.found["converged"]


@pytest.mark.parametrize("nobodys", [0.0, 1.0])
def test_a_forest_learns_all_genres_at_once(labeled, nobodys):
    from sklearn.ensemble import RandomForestClassifier

    x, y, new = labeled
    y[:, 3] = nobodys
    model = RandomForestClassifier(40, random_state=0).fit(x.numpy(), y.numpy())
    wanted = [
        dict(zip(known, one.T, strict=True))
        for known, one in zip(model.classes_, model.predict_proba(new), strict=True)
    ]
    shares = np.stack([one.get(1.0, np.zeros(len(new))) for one in wanted], axis=1)
    prior = (y.sum(dim=0).numpy() + 0.5) / (len(y) + 1)
    np.testing.assert_allclose(fitted("random_forest", x, y)(new).sigmoid(), (40 * shares + prior) / 41, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_knows_that_there_are_several(labeled, kind):
    x, y, new = labeled
    net, again = fitted(kind, x, y), KINDS[kind]()
    assert net.multilabel and not again.multilabel and MODELS.marked(kind, MULTILABEL)
    again.load_state_dict(net.state_dict())
    assert again.multilabel and torch.equal(again(new), net(new))

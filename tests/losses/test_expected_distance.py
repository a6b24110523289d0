"""Cross-entropy plus expected distance, against loops and against a transport solver."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError

LINE = torch.tensor([[0.0, 1, 2, 5], [1, 0, 1, 4], [2, 1, 0, 3], [5, 4, 3, 0]])


def build(distances=LINE, **params):
    return LOSSES.build("expected_distance", params, distances=distances)


def case(seed=0, batch=5):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 4, generator=generator), torch.randint(4, (batch,), generator=generator)


@given(st.integers(0, 999), st.floats(0, 5), st.booleans(), st.sampled_from(["none", "max"]))
@settings(max_examples=40, deadline=None)
def test_equals_a_loop_over_the_formula(seed, weight, squared, normalize):
    logits, target = case(seed)
    unit = 5 if normalize == "max" else 1
    total = 0.0
    for row, genre in zip(torch.softmax(logits.double(), dim=1).tolist(), target.tolist(), strict=True):
        away = [float(d) / unit for d in LINE[genre]]
        total += -math.log(row[genre]) + weight * sum(
            p * d ** (2 if squared else 1) for p, d in zip(row, away, strict=True)
        )
    found = build(weight=weight, squared=squared, normalize=normalize)(logits, target)
    assert found.item() == pytest.approx(total / len(target), rel=1e-5, abs=1e-5)


def test_it_is_the_transport_cost_to_the_one_hot_target():
    from scipy.optimize import linprog

    logits, target = case(3, batch=1)
    p = torch.softmax(logits.double(), dim=1)[0].numpy()
    onehot = np.eye(4)[target[0]]
    rows, columns = np.kron(np.eye(4), np.ones(4)), np.kron(np.ones(4), np.eye(4))
    cost = linprog(LINE.numpy().ravel(), A_eq=np.vstack((rows, columns)), b_eq=np.concatenate((p, onehot))).fun
    found = build(weight=1.0)(logits, target) - cross_entropy(logits, target)
    assert found.item() == pytest.approx(cost, rel=1e-5)


def test_limits():
    logits, target = case()
    torch.testing.assert_close(build(weight=0.0)(logits, target), cross_entropy(logits, target))
    p = torch.softmax(logits, dim=1)[torch.arange(5), target]
    flat = build(1 - torch.eye(4), weight=2.0)(logits, target)
    torch.testing.assert_close(flat, cross_entropy(logits, target) + 2 * (1 - p).mean())


def test_the_gradient_is_that_of_the_closed_form():
    logits, target = case()
    logits.requires_grad_()
    (build(weight=0.7)(logits, target) - cross_entropy(logits, target)).backward()
    p = torch.softmax(logits.detach(), dim=1)
    away = LINE[target]
    expected = 0.7 * p * (away - (p * away).sum(dim=1, keepdim=True)) / len(target)
    torch.testing.assert_close(logits.grad, expected, atol=1e-6, rtol=1e-4)


def test_an_unreachable_genre_is_the_farthest():
    distances = LINE.clone()
    distances[3, :3] = distances[:3, 3] = math.inf
    assert build(distances).cost[3].tolist() == [3, 3, 3, 0]  # one more than the farthest, 2
    assert build(torch.zeros(1, 1), normalize="max").cost.tolist() == [[0]]


def test_out_of_range():
    with pytest.raises(ConfigError, match=r"loss.weight: -1.0 is not"):
        build(weight=-1.0)

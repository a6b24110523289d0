"""The graph soft loss: its limits, its closed forms, a loop twin."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from genrelab.losses import CrossEntropy, GraphSoft
from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError

LINE = torch.tensor([[0.0, 1, 2, 5], [1, 0, 1, 4], [2, 1, 0, 3], [5, 4, 3, 0]])


def case(n_classes, seed=0, batch=7):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(batch, n_classes, generator=generator)
    return logits.requires_grad_(), torch.randint(n_classes, (batch,), generator=generator)


def twin(logits, target, distances, beta):
    """The formula in loops."""
    total = 0.0
    for row, genre in zip(logits.tolist(), target.tolist(), strict=True):
        largest = max(row)
        log_sum = largest + math.log(sum(math.exp(value - largest) for value in row))
        weights = [math.exp(-beta * d) if math.isfinite(d) else 0.0 for d in distances[genre]]
        for weight, value in zip(weights, row, strict=True):
            total -= weight / sum(weights) * (value - log_sum)
    return total / len(target)


@given(data=st.data(), n_classes=st.integers(2, 6), beta=st.floats(0, 20), normalize=st.sampled_from(["none", "max"]))
@settings(max_examples=60, deadline=None)
def test_equals_a_loop_over_the_formula(data, n_classes, beta, normalize):
    edges = st.one_of(st.integers(1, 11).map(float), st.just(math.inf))
    distances = np.zeros((n_classes, n_classes))
    for a in range(n_classes):
        for b in range(a):
            distances[a, b] = distances[b, a] = data.draw(edges)
    largest = distances[np.isfinite(distances)].max()
    per_edge = beta / largest if normalize == "max" and largest > 0 else beta
    logits, target = case(n_classes, seed=data.draw(st.integers(0, 1000)))
    loss = GraphSoft(torch.from_numpy(distances).float(), beta, normalize)
    assert loss(logits, target).item() == pytest.approx(twin(logits, target, distances, per_edge), rel=1e-5, abs=1e-6)


def test_large_beta_is_cross_entropy():
    logits, target = case(4)
    torch.testing.assert_close(GraphSoft(LINE, 1e4)(logits, target), cross_entropy(logits, target))


def test_no_beta_is_uniform():
    logits, target = case(4)
    expected = -torch.log_softmax(logits, dim=1).mean()
    torch.testing.assert_close(GraphSoft(LINE, 0)(logits, target), expected)


@pytest.mark.parametrize("beta", [0.3, 1.5, 4.0])
@pytest.mark.parametrize("n_classes", [2, 10, 248])
def test_flat_taxonomy_is_label_smoothing(beta, n_classes):
    logits, target = case(n_classes)
    flat = 1 - torch.eye(n_classes)
    other = math.exp(-beta)
    epsilon = n_classes * other / (1 + (n_classes - 1) * other)
    smoothed = CrossEntropy(label_smoothing=epsilon)(logits, target)
    torch.testing.assert_close(GraphSoft(flat, beta)(logits, target), smoothed)


def test_gradient_is_probabilities_minus_labels():
    logits, target = case(4)
    loss = GraphSoft(LINE, 1.5)
    loss(logits, target).backward()
    expected = (torch.softmax(logits, dim=1) - loss.soft_targets[target]) / len(target)
    torch.testing.assert_close(logits.grad, expected)


@pytest.mark.parametrize("beta", [0, 1.5, 1e300])
def test_unreachable_genres_have_no_weight(beta):
    distances = LINE.clone()
    distances[3, :3] = distances[:3, 3] = math.inf
    loss = GraphSoft(distances, beta)
    assert torch.isfinite(loss.soft_targets).all()
    assert loss.soft_targets[3].tolist() == [0, 0, 0, 1]
    assert loss.soft_targets[:3, 3].tolist() == [0, 0, 0]
    torch.testing.assert_close(loss.soft_targets.sum(dim=1), torch.ones(4))
    logits, target = case(4)
    loss(logits, target).backward()
    assert torch.isfinite(logits.grad).all()


def test_normalizing_divides_by_the_largest_reachable_distance():
    distances = torch.nn.functional.pad(LINE, (0, 1, 0, 1), value=math.inf)
    distances[4, 4] = 0
    edges, shares = GraphSoft(distances, 2.0), GraphSoft(distances, 10.0, "max")
    torch.testing.assert_close(edges.soft_targets, shares.soft_targets)
    assert edges.betas == {"beta": 2.0, "effective_beta": 10.0}
    assert shares.betas == {"beta": 10.0, "effective_beta": 10.0}
    assert GraphSoft(torch.zeros(1, 1), 2.0, "max").soft_targets.tolist() == [[1.0]]


def test_half_precision_logits_are_scored_in_single():
    logits, target = case(4)
    loss = GraphSoft(LINE, 1.5)
    half = logits.detach().bfloat16()
    assert loss(half, target).dtype == torch.float32
    torch.testing.assert_close(loss(half, target), loss(half.float(), target))


def test_labels_are_no_part_of_a_checkpoint():
    loss = GraphSoft(LINE, 1.5)
    assert loss.state_dict() == {}
    assert "soft_targets" in dict(loss.named_buffers())  # moves with the module


@pytest.mark.parametrize("beta", [-0.1, math.inf, math.nan])
def test_beta_out_of_range(beta):
    with pytest.raises(ConfigError, match=rf"loss\.beta: {beta} .*\b0\b"):
        LOSSES.build("graph_soft", {"beta": beta}, distances=LINE)

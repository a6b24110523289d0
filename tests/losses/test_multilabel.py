import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from genrelab.losses import BinaryCrossEntropy, GraphSigmoid
from genrelab.utils.errors import ConfigError


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(7, 2, generator=generator)
    distances = torch.cdist(points, points) * 5
    distances.fill_diagonal_(0)
    distances[6, :6] = distances[:6, 6] = torch.inf
    logits = torch.randn(20, 7, generator=generator)
    target = (torch.rand(20, 7, generator=generator) < 0.3).float()
    target[0] = 0  # a segment without any genre
    return distances, logits, target


def test_graph_sigmoid_is_its_formula(case):
    distances, logits, target = case
    soft = np.zeros_like(target.numpy())
    for row in range(20):
        for j in range(7):
            soft[row, j] = max((np.exp(-0.8 * distances[i, j]) for i in range(7) if target[row, i]), default=0)
    loss = GraphSigmoid(distances, beta=0.8)
    assert np.allclose(loss.soften(target).numpy(), soft, atol=1e-6)
    expected = binary_cross_entropy_with_logits(logits, torch.from_numpy(soft))
    assert torch.allclose(loss(logits, target), expected)


def test_a_large_beta_is_binary_cross_entropy(case):
    distances, logits, target = case
    plain = BinaryCrossEntropy(torch.full((7,), 0.3))
    assert torch.allclose(GraphSigmoid(distances, beta=1000.0)(logits, target), plain(logits, target))
    assert torch.allclose(plain(logits, target), binary_cross_entropy_with_logits(logits, target))


def test_beta_0_calls_everything_reachable_right(case):
    distances, _, target = case
    soft = GraphSigmoid(distances, beta=0.0).soften(target)
    within = target[:, :6].any(dim=1)
    assert (soft[:, :6] == within[:, None].float()).all() and torch.isfinite(soft).all()
    assert (soft[:, 6] == target[:, 6]).all()


def test_soft_targets_never_fall_below_the_hard_ones_nor_rise_with_beta(case):
    distances, _, target = case
    softs = [GraphSigmoid(distances, beta=beta).soften(target) for beta in (0.1, 0.5, 2.0)]
    assert all((soft >= target).all() for soft in softs)
    assert (softs[0] >= softs[1]).all() and (softs[1] >= softs[2]).all()


def test_normalized_beta_does_not_depend_on_the_unit(case):
    distances, logits, target = case
    losses = [GraphSigmoid(distances * k, beta=3.0, normalize="max")(logits, target) for k in (1.0, 7.0)]
    assert torch.allclose(*losses)


def test_balanced_weights_make_both_sides_of_a_genre_weigh_alike(case):
    _, _, target = case
    share = target.mean(dim=0).clamp(min=0.05)
    loss = BinaryCrossEntropy(share, pos_weight="balanced")
    assert torch.allclose(loss.weight * share, 1 - share)
    assert BinaryCrossEntropy(share, pos_weight="balanced", most=2.0).weight.max() <= 2


def test_pos_weight_multiplies_what_a_track_has(case):
    _, logits, target = case
    log = torch.nn.functional.logsigmoid
    expected = -(3 * target * log(logits) + (1 - target) * log(-logits)).mean()
    assert torch.allclose(BinaryCrossEntropy(torch.ones(7), pos_weight=3.0)(logits, target), expected)


@pytest.mark.parametrize("make", [
    lambda d: GraphSigmoid(d, beta=-1.0),
    lambda d: BinaryCrossEntropy(torch.ones(3), pos_weight=0.0),
    lambda d: BinaryCrossEntropy(torch.ones(3), pos_weight="balanced", most=0.0),
])  # fmt: skip
def test_numbers_out_of_range_are_refused(make):
    with pytest.raises(ConfigError, match="loss"):
        make(torch.zeros(3, 3))

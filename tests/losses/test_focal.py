"""Focal loss against its formula."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from genrelab.losses.registry import LOSSES
from genrelab.utils.errors import ConfigError


def build(**params):
    return LOSSES.build("focal", params, distances=torch.zeros(5, 5))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_equals_the_formula(gamma):
    logits, target = 3 * torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 4, 2, 2, 1, 3])
    p = torch.softmax(logits.double(), dim=1)[torch.arange(6), target].tolist()
    expected = sum(-((1 - one) ** gamma) * math.log(one) for one in p) / 6
    assert build(gamma=gamma)(logits, target).item() == pytest.approx(expected, rel=1e-5)


def test_no_gamma_is_cross_entropy():
    logits, target = torch.randn(6, 5), torch.tensor([0, 4, 2, 2, 1, 3])
    torch.testing.assert_close(build(gamma=0.0)(logits, target), cross_entropy(logits, target))


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_sure_answers_have_finite_gradients(gamma):
    logits = torch.tensor([[200.0, 0, 0], [0, 200.0, 0]], requires_grad=True)
    build(gamma=gamma)(logits, torch.tensor([0, 0])).backward()
    assert torch.isfinite(logits.grad).all() and logits.grad[1, 0] < -0.4


def test_out_of_range():
    with pytest.raises(ConfigError, match=r"loss.gamma: -1.0 is not"):
        build(gamma=-1.0)

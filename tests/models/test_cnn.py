"""The plain convolutional network."""

import re

import pytest
import torch
from torch import nn

from genrelab.models import CNN
from genrelab.utils.errors import ConfigError


def test_published_sizes():
    net = CNN([(128, 256)], 10)
    assert net.fc.in_features == 64 * 4 * 8 == 2048
    convolutions = [module for module in net.blocks if isinstance(module, nn.Conv2d)]
    assert [module.out_channels for module in convolutions] == [64, 128, 128, 128, 64]
    kernels = sum(9 * a * b + b for a, b in [(1, 64), (64, 128), (128, 128), (128, 128), (128, 64)])
    norms = 2 * (1 + 64 + 128 + 128 + 128 + 64)
    assert sum(p.numel() for p in net.parameters()) == kernels + norms + 2048 * 10 + 10
    assert isinstance(net.blocks[0], nn.BatchNorm2d)


@pytest.mark.parametrize("shape", [(128, 256), (12, 256), (33, 47), (1, 5)])
def test_pictures_of_any_size(shape):
    net = CNN([shape], 3, width=4)
    logits = net(torch.randn(2, *shape))
    assert logits.shape == (2, 3)
    logits.sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert CNN([shape], 3, width=4).eval()(torch.randn(1, *shape)).shape == (1, 3)


def test_elu_may_follow_the_pooling():
    maps = torch.randn(2, 3, 16, 20, requires_grad=True)
    orders = (nn.Sequential(nn.ELU(), nn.MaxPool2d(2)), nn.Sequential(nn.MaxPool2d(2), nn.ELU()))
    results = [order(maps) for order in orders]
    assert torch.equal(*results)
    gradients = [torch.autograd.grad(result.square().sum(), maps)[0] for result in results]
    torch.testing.assert_close(*gradients)


def test_what_does_not_fit():
    assert CNN.check_inputs([(128, 256)]) == []
    assert re.search(r"\b1 feature, .*\b2\b", CNN.check_inputs([(128, 256), (32, 256)])[0])
    with pytest.raises(ConfigError, match="vector of 57"):
        CNN([(57,)], 3)
    with pytest.raises(ConfigError, match=r"model\.dropout: -0\.1 .*\[0, 1\)"):
        CNN([(32, 32)], 3, dropout=-0.1)

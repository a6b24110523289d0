"""The fully connected network."""

import pytest
import torch
from torch import nn

from genrelab.models import MLP
from genrelab.utils.errors import ConfigError
from naming import naming


def test_published_sizes():
    net = MLP([(57,)], 10)
    linear = [module for module in net.modules() if isinstance(module, nn.Linear)]
    assert [module.out_features for module in linear] == [512, 256, 128, 64, 10]
    pairs = [(57, 512), (512, 256), (256, 128), (128, 64), (64, 10)]
    assert sum(p.numel() for p in net.parameters()) == sum(a * b + b for a, b in pairs) == 202_826
    assert [module.p for module in net.modules() if isinstance(module, nn.Dropout)] == [0.2] * 4


def test_inputs_are_concatenated_in_order():
    net = MLP([(3,), (2, 4)], 5, hidden=[]).eval()
    vector, picture = torch.randn(6, 3), torch.randn(6, 2, 4)
    expected = net.fc(torch.cat([vector, picture.reshape(6, 8)], dim=1))
    assert torch.equal(net(vector, picture), expected)
    assert net(vector[:1], picture[:1]).shape == (1, 5)


def test_gradient_reaches_every_layer():
    net = MLP([(9,)], 3, hidden=[16, 8], dropout=0.0)
    net(torch.randn(32, 9)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_what_does_not_fit():
    assert MLP.check_inputs([(57,), (32, 256)]) == []
    with pytest.raises(ConfigError, match=naming("'mlp'", "features=tabular57")):
        MLP([], 3)
    with pytest.raises(ConfigError, match=r"model\.hidden\.1: 0 .*\b1\b"):
        MLP([(4,)], 3, hidden=[8, 0])

"""The fully connected rows: the counts that were published."""

import pytest
import torch
from torch import nn

from genrelab.config import compose
from genrelab.config.schema import model_options
from genrelab.models import MLP
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError


def built(option, *shapes, n_classes):
    kind, params, _ = model_options(compose([f"model={option}"]))
    return MODELS.build(kind, params, in_shapes=list(shapes), n_classes=n_classes)


def count(net, statistics=False):
    moving = (b.numel() for name, b in net.named_buffers() if name.endswith(("running_mean", "running_var")))
    return sum(p.numel() for p in net.parameters()) + (sum(moving) if statistics else 0)


def test_marsyas():
    net = built("mlp_marsyas", (124,), n_classes=13)  # D04
    assert count(net, statistics=True) == 79_759  # Keras counts moving statistics
    wanted = [nn.Linear, nn.Sigmoid, nn.Dropout] * 2 + [nn.Linear, nn.ReLU, nn.Dropout] * 2
    assert [type(layer) for layer in net.hidden] == wanted
    x = torch.randn(7, 124)
    assert torch.equal(net(x), net.fc(net.hidden(net.norm(x))))


def test_rhythm_histogram():
    assert count(built("mlp_rh", (60,), n_classes=13)) == 36_473  # D05


@pytest.mark.parametrize("values", [16, 26])
def test_jmir(values):
    net = built("mlp_jmir", (values,), n_classes=13)  # D06, D07
    assert count(net) == (values + 1) * 45 + 46 * 20 + 21 * 20 + 21 * 13


def test_ann_of_236_million():
    with torch.device("meta"):
        net = built("ann", *[(418, 627)] * 3, n_classes=10)  # E06, a color picture
    assert count(net) == 3 * 418 * 627 * 300 + 300 + 3010 == 235_880_710
    assert [m.p for m in net.modules() if isinstance(m, nn.Dropout)] == [0.0]


def test_activations_that_do_not_fit():
    with pytest.raises(ConfigError, match=r"model.activations: 1, for 2 hidden layers"):
        MLP([(4,)], 3, [8, 8], activations=["sigmoid"])
    with pytest.raises(ConfigError, match=r"model.activations"):
        MODELS.build("mlp", {"hidden": [8], "activations": ["tanh"]}, in_shapes=[(4,)], n_classes=3)

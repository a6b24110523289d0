"""Stacks of convolutions on pictures, and on vectors that are tables: published sizes and counts."""

import re

import pytest
import torch
from torch import nn

from genrelab.config import compose
from genrelab.config.schema import model_options
from genrelab.models import ConvStack, TableCNN
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError


def built(option, *shapes, n_classes=10):
    """A network as `model=<option>` makes it."""
    kind, params, _ = model_options(compose([f"model={option}"]))
    return MODELS.build(kind, params, in_shapes=list(shapes), n_classes=n_classes)


def size(net, statistics=False):
    """Parameters; with the moving statistics of batch norms, as Keras counts."""
    count = sum(parameter.numel() for parameter in net.parameters())
    moving = (b.numel() for name, b in net.named_buffers() if name.endswith(("running_mean", "running_var")))
    return count + (sum(moving) if statistics else 0)


def test_simple_cnn_as_published():
    net = built("simple_cnn", *[(64, 96)] * 4)  # B06: the four channels of an RGBA picture
    assert size(net) == (4 * 9 * 16 + 16) + (16 * 9 * 32 + 32) + 32 * 10 + 10
    shapes = []
    for layer in net.blocks:
        layer.register_forward_hook(lambda module, given, maps: shapes.append(tuple(maps.shape[1:])))
    pictures = [torch.randn(2, 64, 96) for _ in range(4)]
    assert net(*pictures).shape == (2, 10)
    assert shapes[0] == (16, 64, 96) and shapes[1] == (16, 32, 48) and shapes[-1] == (32, 16, 24)
    convolutions = [layer for layer in net.blocks if isinstance(layer, nn.Conv2d)]
    maps = torch.stack(pictures, 1)
    for convolution in convolutions:  # ReLU before pooling, as published
        maps = nn.functional.max_pool2d(convolution(maps).relu(), 2)
    torch.testing.assert_close(net(*pictures), net.fc(maps.mean((2, 3))))


def test_regularization_is_all_that_differs():
    plain, regularized = (built(name, (128, 256)) for name in ("cnn_plain", "cnn_regularised"))  # C08, C09
    assert plain.fc.in_features == regularized.fc.in_features == 128 * 8 * 16
    kinds = [{type(module) for module in net.modules()} for net in (plain, regularized)]
    assert nn.BatchNorm2d not in kinds[0] and nn.BatchNorm2d in kinds[1]
    assert {m.p for m in plain.modules() if isinstance(m, nn.Dropout)} == {0.0}
    assert {m.p for m in regularized.modules() if isinstance(m, nn.Dropout)} == {0.3}


@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (12, 200), (3, 40)])
@pytest.mark.parametrize("head", ["average", "flatten"])
def test_logits_of_any_pictures(shape, head):
    net = ConvStack([shape], 5, [4, 4, 4, 4], head, batch_norm=True).eval()
    assert net(torch.randn(1, *shape)).shape == (1, 5)


def test_what_does_not_fit_a_stack():
    assert re.search("8x8 .*8x9 ", ConvStack.check_inputs([(8, 8), (8, 9)])[0])
    with pytest.raises(ConfigError, match=r"model\.channels\.1: 0 .*\b1\b"):
        ConvStack([(8, 8)], 3, [4, 0])
    with pytest.raises(ConfigError, match=r"model\.channels: "):
        ConvStack([(8, 8)], 3, [])


# ---- D08-D10


def test_ssd_as_published():
    net = built("cnn_ssd", (168,), n_classes=13)
    assert net.hidden[0].in_features == 336
    assert size(net, statistics=True) == 60_879
    assert net(torch.randn(3, 168)).shape == (3, 13)


def test_rp_as_published():
    net = built("cnn_rp", (1440,), n_classes=13)
    shapes = []
    for layer in net.blocks:
        layer.register_forward_hook(lambda module, given, maps: shapes.append(tuple(maps.shape[1:])))
    assert net(torch.randn(3, 1440)).shape == (3, 13)
    assert shapes == [(1, 24, 60), (8, 24, 60), (8, 24, 60), (8, 12, 29), (16, 12, 29), (16, 12, 29), (16, 6, 13)]
    assert net.hidden[0].num_features == 6 * 13 * 16
    linear = [module.out_features for module in net.modules() if isinstance(module, nn.Linear)]
    assert linear == [100, 50, 13]


def test_tssd_as_published():
    net = built("cnn_tssd", (1176,), n_classes=13)
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.out_channels, m.kernel_size[0]) for m in convolutions] == [(16, 5), (32, 5), (64, 3), (64, 3)]
    linear = [module.out_features for module in net.modules() if isinstance(module, nn.Linear)]
    assert linear == [750, 200, 100, 13] and net.hidden[0].in_features == 3 * 3 * 64
    assert net(torch.randn(3, 1176)).shape == (3, 13)


def test_a_vector_becomes_a_table_with_channels_side_by_side():
    net = TableCNN([(24,)], 2, [2, 3, 4], [[5, 1, 1]], [[]], False, [])
    seen = {}
    net.blocks.register_forward_hook(lambda module, given, maps: seen.update(table=given[0]))
    vector = torch.arange(24.0).expand(2, 24)
    net(vector)
    assert torch.equal(seen["table"][0], torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (24, 60), (7, 33)])
def test_tables_of_any_size(shape):
    assert TableCNN([shape], 4).eval()(torch.randn(1, *shape)).shape == (1, 4)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, r"model\.shape: .*\b60\b.*\[rows,columns\]"),
        ({"shape": [7, 8]}, r"model\.shape: \[7, 8\] .*\b60\b"),
        ({"shape": [-6, -10]}, r"model\.shape: \[-6, -10\] "),
        ({"shape": [6, 10], "convolutions": [[8, 3]], "pools": [[]]}, r"model\.convolutions: "),
        ({"shape": [6, 10], "convolutions": [], "pools": []}, r"model\.convolutions: "),
        ({"shape": [6, 10], "pools": [[2, 2, 1, 1]]}, r"model\.pools: 1, .*\b2\b"),
        ({"shape": [6, 10], "pools": [[2, 2], []]}, r"model\.pools: .*\[\]"),
        ({"shape": [6, 10], "hidden": [0]}, r"model\.hidden\.0: 0 .*\b1\b"),
    ],
)
def test_what_does_not_fit_a_table(params, message):
    with pytest.raises(ConfigError, match=message):
        MODELS.build("table_cnn", params, in_shapes=[(60,)], n_classes=3)


def test_a_table_wants_one_feature():
    assert TableCNN.check_inputs([(60,)]) == TableCNN.check_inputs([(6, 10)]) == []
    assert "1 feature" in TableCNN.check_inputs([(60,), (60,)])[0]
    assert len(TableCNN.check_inputs([])) == 1

"""The small network of four blocks."""

import pytest
import torch
from torch import nn

from genrelab.models import VGGMel
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError


@pytest.mark.parametrize("convolutions", [1, 2])
def test_sizes(convolutions):
    net = VGGMel([(128, 256)], 10, width=8, convolutions=convolutions)
    layers = [module for module in net.blocks if isinstance(module, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [c for c in (8, 16, 32, 32) for _ in range(convolutions)]
    assert net.blocks(torch.zeros(1, 1, 128, 256)).shape == (1, 32, 8, 16)


@pytest.mark.parametrize("shape", [(128, 256), (12, 256), (6, 33), (33, 47), (4, 4), (4, 200)])
def test_pictures_of_any_size(shape):
    net = VGGMel([shape], 3, width=4)
    logits = net(torch.randn(2, *shape))
    assert logits.shape == (2, 3)
    logits.sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert net.eval()(torch.randn(1, *shape)).shape == (1, 3)


def test_learns_one_batch_by_heart():
    torch.manual_seed(0)
    net, pictures, target = VGGMel([(24, 40)], 4, width=8), torch.randn(16, 24, 40), torch.arange(16) % 4
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(pictures), target).backward()
        optimizer.step()
    assert (net(pictures).argmax(dim=1) == target).all()


def test_memory_of_a_step_is_below_30_mb_a_picture():
    kept: dict[int, int] = {}  # what backward needs, by address: layers share tensors

    def pack(tensor):
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        VGGMel([(128, 256)], 10)(torch.randn(4, 128, 256))
    assert sum(kept.values()) / 4 < 30e6


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(3, 200)], r"\b4x4\b.*\b3x200\b.*crop_ratio"),
        ([(57,)], "vector of 57"),
        ([(32, 32), (32, 32)], r"\b1 feature"),
    ],
)
def test_what_does_not_fit(shapes, message):
    with pytest.raises(ConfigError, match=message):
        VGGMel(shapes, 3)


def test_parameters_out_of_range():
    for params in ({"width": 0}, {"convolutions": 0}, {"dropout": 1.0}):
        with pytest.raises(ConfigError, match=rf"model\.{next(iter(params))}"):
            MODELS.build("vgg_mel", params, in_shapes=[(32, 32)], n_classes=3)

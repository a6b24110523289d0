"""Networks of plain convolutions keep weights and maps channels last, which CPUs are quicker at."""

import copy

import pytest
import torch
from torch import nn

from genrelab.models.registry import MODELS

NETWORKS = [
    ("cnn", {"width": 4}),
    ("vgg_mel", {"width": 4}),
    ("conv_stack", {"channels": [4, 8], "batch_norm": True}),
    ("conv_stack", {"channels": [4, 8], "head": "flatten"}),
]


@pytest.mark.parametrize(("kind", "params"), NETWORKS)
def test_the_order_in_memory_changes_no_number(kind, params):
    torch.manual_seed(0)
    net = MODELS.build(kind, params, in_shapes=[(32, 48)], n_classes=3).eval()
    other = copy.deepcopy(net).to(memory_format=torch.contiguous_format)
    net.load_state_dict(other.state_dict())  # as of a checkpoint from before
    seen = []
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda module, given, maps: seen.append(maps))
    pictures = torch.randn(2, 32, 48)
    assert torch.allclose(net(pictures), other(pictures), atol=1e-5)
    assert seen and all(maps.is_contiguous(memory_format=torch.channels_last) for maps in seen)

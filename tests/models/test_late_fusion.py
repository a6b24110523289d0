"""Late fusion: any backbone on spectrograms, an MLP on vectors, joined under one linear layer."""

import pytest
import torch

from genrelab.config import compose
from genrelab.config.schema import model_options
from genrelab.models import LateFusion
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

CONV = {"kind": "conv_stack", "channels": [4, 8]}


def test_last_layer_reads_backbone_and_mlp():
    net = LateFusion([(57,), (16, 24), (60,)], 5, CONV, [12]).eval()
    table, spectrogram, rhythm = torch.randn(3, 57), torch.randn(3, 16, 24), torch.randn(3, 60)
    assert net.fc.in_features == 8 + 12
    joined = [net.backbone(spectrogram), net.mlp(torch.cat([table, rhythm], dim=1))]
    torch.testing.assert_close(net(table, spectrogram, rhythm), net.fc(torch.cat(joined, dim=1)))


def test_no_hidden_layer_passes_vectors_on():
    net = LateFusion([(16, 24), (7,)], 3, CONV, [], 0.0).eval()
    with torch.no_grad():
        net.fc.weight[:, :8] = 0
    vectors = torch.randn(4, 7)
    torch.testing.assert_close(net(torch.randn(4, 16, 24), vectors), vectors @ net.fc.weight[:, 8:].T + net.fc.bias)


@pytest.mark.parametrize(
    "backbone", ["resnet18flex", "cnn", "conv_stack", "gru", "lstm", "simple_cnn", "resnet18_narrow"]
)
def test_any_model_option_is_a_backbone(backbone):
    config = compose(["model=late_fusion", f"model@model.backbone={backbone}"])
    kind, params, _ = model_options(config)
    net = MODELS.build(kind, params, in_shapes=[(32, 64), (10,)], n_classes=3)
    net(torch.randn(2, 32, 64), torch.randn(2, 10)).sum().backward()
    assert all(value.grad is not None for value in net.parameters()), backbone


def test_learns_what_neither_branch_shows_alone():
    torch.manual_seed(0)
    bright, positive = torch.arange(64) % 2, torch.arange(64) // 2 % 2
    maps, vectors = torch.randn(64, 8, 8) * 0.1 + bright[:, None, None], torch.randn(64, 4) * 0.1 + positive[:, None]
    target = bright ^ positive
    net = LateFusion([(8, 8), (4,)], 2, CONV, [16], 0.0)
    net.fc = torch.nn.Sequential(torch.nn.Linear(24, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))  # XOR is not linear
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(maps, vectors), target).backward()
        optimizer.step()
    assert (net(maps, vectors).argmax(dim=1) == target).all()


@pytest.mark.parametrize(
    ("shapes", "params", "message"),
    [
        ([(57,)], {}, "no 2-D feature"),
        ([(16, 24)], {}, "no vector"),
        ([(16, 24), (5,)], {"backbone": {"kind": "svm"}}, r"model\.backbone\.kind: 'svm'"),
        ([(16, 24), (5,)], {"backbone": {"kind": "musicnn"}}, r"features=\[pcen,musicnn\]"),
        ([(16, 24), (5,)], {"backbone": {"kind": "cnn", "widht": 3}}, r"model\.backbone\.widht: .*'width'"),
        ([(16, 24), (5,)], {"hidden": [0]}, r"model\.hidden\.0: 0"),
    ],
)
def test_what_does_not_fit_is_refused(shapes, params, message):
    with pytest.raises(ConfigError, match=message):
        MODELS.build("late_fusion", params, in_shapes=shapes, n_classes=3)


def test_other_models_name_it():
    with pytest.raises(ConfigError, match="model=late_fusion"):
        MODELS.build("resnet18flex", {}, in_shapes=[(16, 24), (5,)], n_classes=3)

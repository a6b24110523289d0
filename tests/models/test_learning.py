"""Every registered network, loss and optimizer learns a small set by heart."""

import pytest
import torch

from genrelab.losses.registry import LOSSES
from genrelab.models.registry import MODELS
from genrelab.training.registry import OPTIMIZERS

SMALL = {
    "probe": {"hidden": [32]},
    "vgg_mel": {"width": 8, "dropout": 0.0},
    "ast": {"width": 16, "heads": 2, "layers": 1, "patch": 8, "stride": 8, "dropout": 0.0},
    "cnn": {"width": 8, "dropout": 0.0},
    "conv_stack": {"head": "flatten"},
    "gru": {"hidden": 16, "dense": 16, "dropout": 0.0},
    "lstm": {"hidden": 16, "dense": 16, "dropout": 0.0},
    "lstm_cnn": {"hidden": 16, "channels": 16, "dense": 16, "dropout": 0.0},
    "mlp": {"hidden": [32], "dropout": 0.0},
    "resnet": {"width": 8, "dropout": 0.0},
    "table_cnn": {"hidden": [16]},
}
RATES = {"adam": 0.005, "adamw": 0.005, "sgd": 0.02}


def learned(model, loss, optimizer):
    """Share of 12 noise pictures of 3 genres that are answered rightly, at best, within 30 steps."""
    torch.manual_seed(0)
    pictures, target = torch.randn(12, 24, 32), torch.arange(12) % 3
    distances = torch.tensor([[0.0, 1, 2], [1, 0, 1], [2, 1, 0]])
    groups = torch.tensor([0, 0, 1])
    net = MODELS.build(model, SMALL.get(model, {"width": 8}), in_shapes=[(24, 32)], n_classes=3)
    objective = LOSSES.build(loss, {}, distances=distances, supergenres=groups, clusters=torch.zeros(3))
    steps = OPTIMIZERS.build(optimizer, {"lr": RATES[optimizer]}, parameters=net.parameters())
    best = 0.0
    for _ in range(30):
        logits = net(pictures)
        best = max(best, (logits.argmax(dim=1) == target).float().mean().item())
        if best == 1:
            break
        steps.zero_grad()
        objective(logits, target).backward()
        steps.step()
    return best


# What is fitted at once has no gradient; pretrained encoders take what they were trained on, late fusion two kinds of
# feature: they have own tests.
OTHER_INPUTS = {"encoder", "late_fusion", "musicnn", "stack"}


@pytest.mark.parametrize(
    "model", [k for k in MODELS.kinds() if not MODELS.marked(k, "fitted") and k not in OTHER_INPUTS]
)
def test_networks(model):
    if model == "ast":
        pytest.importorskip("transformers")
    assert learned(model, "graph_soft", "adam") == 1


@pytest.mark.parametrize("loss", [kind for kind in LOSSES.kinds() if not LOSSES.marked(kind, "multi_label")])
def test_losses(loss):
    assert learned("mlp", loss, "adam") == 1


@pytest.mark.parametrize("optimizer", OPTIMIZERS.kinds())
def test_optimizers(optimizer):
    assert learned("resnet18flex", "graph_soft", optimizer) == 1

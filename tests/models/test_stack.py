"""Members joined by weights in one module."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genrelab.models.registry import MODELS
from genrelab.models.windowed import build_network
from genrelab.postprocessing.stacking import blend
from genrelab.runs.checkpoint import without_weights
from genrelab.utils.errors import ConfigError

SHAPES = [(6,), (24, 32)]
MEMBERS = [
    {"kind": "majority", "params": {}, "inputs": [0]},
    {"kind": "logistic_regression", "params": {"c": 0.1}, "inputs": [0, 1]},
    {"kind": "cnn", "params": {"width": 8}, "inputs": [1], "crop_ratio": 0.5},
]


def test_its_answers_are_the_weighted_members():
    torch.manual_seed(0)
    weights = [0.2, 0.5, 0.9]
    stack = MODELS.build("stack", {"members": MEMBERS, "member_weights": weights}, in_shapes=SHAPES, n_classes=3)
    x = torch.randn(30, 6), torch.randn(30, 24, 32)
    target = torch.arange(30) % 3
    for member, inputs in zip(stack.members[:2], ([0], [0, 1]), strict=True):
        member.fit(member.vectors(*(x[place] for place in inputs)), target, 0)
    stack.eval()
    with torch.no_grad():
        logs = [
            member(*(x[i] for i in one["inputs"])).log_softmax(1)
            for member, one in zip(stack.members, MEMBERS, strict=True)
        ]
        found = stack(*x)
    assert found.numpy() == pytest.approx(blend(np.array(weights), torch.stack(logs).numpy()), abs=1e-5)
    again = build_network("stack", {"members": MEMBERS, "member_weights": weights}, SHAPES, 3)
    again.load_state_dict(stack.state_dict())
    assert torch.equal(again.eval()(*x), found)


@pytest.mark.parametrize("weights", [[], [1.0], [1.0, 1.0, -0.1]])
def test_members_and_weights_must_fit(weights):
    with pytest.raises(ConfigError, match=r"model\.members"):
        MODELS.build("stack", {"members": MEMBERS, "member_weights": weights}, in_shapes=SHAPES, n_classes=3)


def test_a_checkpoint_names_no_weights_of_members():
    member = {"kind": "musicnn", "params": {"weights": "/elsewhere"}, "inputs": [0]}
    assert without_weights({"members": [member]})["members"][0]["params"] == {"weights": None}

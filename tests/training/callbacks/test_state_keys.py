"""Names under which `last.ckpt` holds the callbacks: a run that began under older class names resumes."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from genrelab.training.callbacks import BestLastCheckpoint
from genrelab.training.callbacks.swa import EpochWeightAveraging


@pytest.mark.parametrize(
    ("callback", "key", "state"),
    [
        (
            BestLastCheckpoint(None, "val/loss", "min"),
            "Checkpoints",
            {"best": 0.5, "best_epoch": 2, "epochs": 4, "stopped": False},
        ),
        (EpochWeightAveraging(0), "WeightAverage", {"count": 2, "mean": {"net.weight": torch.ones(1)}}),
    ],
    ids=["checkpoints", "averaging"],
)
def test_state_has_the_key_and_the_names_of_older_checkpoints(callback, key, state):
    assert callback.state_key == key
    callback.load_state_dict(state)
    assert callback.state_dict() == state


def test_averaged_auxiliary_heads_are_called_heads():
    averaging = EpochWeightAveraging(0)
    task = nn.ModuleDict({"net": nn.Linear(1, 1, bias=False), "aux_heads": nn.Linear(1, 1, bias=False)})
    averaging.on_train_epoch_end(SimpleNamespace(current_epoch=0), task)
    assert set(averaging.state_dict()["mean"]) == {"net.weight", "heads.weight"}

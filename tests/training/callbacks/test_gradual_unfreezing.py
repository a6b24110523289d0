"""Progressive unfreezing: what trains when, at which rate, and the same after an interruption."""

from itertools import pairwise

import pandas as pd
import pytest
import torch
from lightning.pytorch import Trainer

from genrelab.config import compose
from genrelab.engine import build, run
from genrelab.runs.checkpoint import load_checkpoint
from genrelab.training.callbacks import GradualUnfreezing, unfreeze
from genrelab.utils.errors import ConfigError

PARTS = ["callbacks=unfreeze", "callbacks.unfreeze.parts={fc: [0, 0.01], layer4: [1, 0.001], layer3: [2, 0.0001]}"]


@pytest.fixture
def overrides(small):
    own = [
        "model=resnet18_narrow",
        "model.width=4",
        "model.hidden=[]",
        "scheduler=none",
        "trainer.max_epochs=4",
        "trainer.report=false",
    ]
    return [*(o for o in small if not o.startswith(("model=", "trainer.max_epochs="))), *own, *PARTS]


def weights_at_each_epoch(monkeypatch):
    """What training leaves at the end of each epoch, and the rates of the groups."""
    seen = []
    monkeypatch.setattr(
        GradualUnfreezing,
        "on_train_epoch_end",
        lambda self, trainer, task: seen.append(
            (
                {name: weight.detach().clone() for name, weight in task.net.named_parameters()},
                [group["lr"] for group in trainer.optimizers[0].param_groups],
            )
        ),
    )
    return seen


def moved(before, after):
    """The parts whose parameters differ."""
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


def test_parts_train_from_their_epoch_on(overrides, tmp_path, monkeypatch):
    seen = weights_at_each_epoch(monkeypatch)
    start = {}
    make = build.make_network

    def kept(*given):
        net = make(*given)
        start.update({name: weight.detach().clone() for name, weight in net.named_parameters()})
        return net

    monkeypatch.setattr(build, "make_network", kept)
    run.train(compose(overrides), tmp_path / "run", overrides)
    weights = [start, *(weight for weight, _ in seen)]
    changes = [moved(a, b) for a, b in pairwise(weights)]
    assert changes == [{"fc"}, {"fc", "layer4"}, {"fc", "layer4", "layer3"}, {"fc", "layer4", "layer3"}]
    assert all(rates == [0.01, 0.001, 0.0001, 0.00001] for _, rates in seen)
    trained = load_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt")["state_dict"]
    assert torch.equal(trained["conv1.weight"], start["conv1.weight"])


def test_interrupted_and_resumed_equals_uninterrupted(overrides, tmp_path, monkeypatch):
    run.train(compose(overrides), tmp_path / "whole", overrides)
    start = GradualUnfreezing.on_train_epoch_start

    def stop_at_2(self, trainer, task):
        if trainer.current_epoch == 2:
            raise RuntimeError("interrupted")
        start(self, trainer, task)

    with monkeypatch.context() as patch:
        patch.setattr(GradualUnfreezing, "on_train_epoch_start", stop_at_2)
        with pytest.raises(RuntimeError, match="interrupted"):
            run.train(compose(overrides), tmp_path / "broken", overrides)
    run.resume(tmp_path / "broken")
    whole, broken = (load_checkpoint(tmp_path / name / "checkpoints/last.ckpt") for name in ("whole", "broken"))
    for name, weight in whole["state_dict"].items():
        torch.testing.assert_close(weight, broken["state_dict"][name], rtol=1e-4, atol=1e-6)
    curves = [pd.read_csv(tmp_path / name / "metrics.csv")["train/loss"] for name in ("whole", "broken")]
    pd.testing.assert_series_equal(*curves, rtol=1e-5)


class Task(torch.nn.Module):
    def __init__(self):
        super().__init__()
        block = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
        self.net = torch.nn.ModuleDict({"layer1": block, "fc": torch.nn.Linear(2, 2), "relu": torch.nn.ReLU()})


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"fc": [0, 0.1], "layre1": [1, 0.1]}, r"parts\.layre1: .*'layer1'"),
        ({"fc": [0, 0.1], "relu": [1, 0.1]}, r"parts\.relu: "),
        ({"layer1": [0, 0.1], "layer1.0": [1, 0.1]}, r"parts\.layer1\.0: "),
        ({"fc": [1, 0.1]}, r"parts: .*\bepoch 0\b"),
        ({"fc": [0, 0.1], "layer1": [1.5, 0.1]}, r"parts\.layer1: \[1\.5, 0\.1\] "),
        ({"fc": [0, 0.0]}, "parts.fc"),
        ({"fc": [0]}, "parts.fc"),
    ],
)
def test_what_does_not_fit(parts, message):
    with pytest.raises(ConfigError, match=message):
        unfreeze(parts).setup(Trainer(logger=False, accelerator="cpu"), Task(), "fit")


def test_the_file_holds_the_published_schedule():
    option = compose(["callbacks=unfreeze"])["callbacks"]["unfreeze"]
    assert option.pop("kind") == "unfreeze"
    assert unfreeze(**option).parts == unfreeze().parts

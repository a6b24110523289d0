"""Progressive unfreezing: a network that starts from weights learns from its last layer backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lightning.pytorch as pl
from torch import nn

from genrelab.models.windowed import WindowedNetwork
from genrelab.training.registry import CALLBACKS
from genrelab.utils.errors import ConfigError, suggest

# A16's: part of the network -> epoch from which it trains, learning rate.
PUBLISHED: dict[str, tuple[float, float]] = {
    "fc": (0, 1e-3),
    "layer4": (5, 1e-4),
    "layer3": (10, 1e-5),
    "layer2": (15, 1e-5),
}


class GradualUnfreezing(pl.Callback):
    """Trains each part of the network from its epoch on; what is not named stays as it is.

    Every part is a parameter group of the optimizer from the start, at its own rate, and what trains follows from
    the epoch alone, so that a resumed run repeats an uninterrupted one. A frozen parameter has no gradient, which
    optimizers skip; the running statistics of frozen batch norms do adapt to the new pictures.

    Args:
        parts: name of a submodule -> (epoch from which it trains, learning rate).

    Raises:
        ConfigError: an entry that is no such pair, or nothing that trains from epoch 0.
    """

    def __init__(self, parts: Mapping[str, Sequence[float]]) -> None:
        problems = [
            f"callbacks.unfreeze.parts.{name}: {list(pair)} is not [epoch, learning rate], e.g. [5, 0.0001]"
            for name, pair in parts.items()
            if len(pair) != 2 or pair[0] < 0 or pair[0] != int(pair[0]) or pair[1] <= 0
        ]
        if not problems and all(epoch > 0 for epoch, _ in parts.values()):
            problems.append("callbacks.unfreeze.parts: nothing trains from epoch 0 on; e.g. fc: [0, 0.001]")
        if problems:
            raise ConfigError(problems)
        self.parts = {name: (int(epoch), rate) for name, (epoch, rate) in parts.items()}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the task its parameter groups, before it makes the optimizer.

        Raises:
            ConfigError: a part that the network does not have, or shares with another; several devices.
        """
        if stage != "fit":
            return
        net = _net(pl_module)
        if trainer.world_size > 1:  # DDP settles at the start which gradients it collects
            raise ConfigError(["callbacks=unfreeze: works on one device; use accelerator=auto"])
        modules = dict(net.named_modules())
        groups, seen = [], set[int]()
        for name, (_, rate) in self.parts.items():
            weights = list(modules[name].parameters()) if name in modules else []
            if not weights:
                known = [child for child, module in net.named_children() if any(True for _ in module.parameters())]
                told = f"the network has no such part{suggest(name, known)}"
                raise ConfigError([f"callbacks.unfreeze.parts.{name}: {told}"])
            if seen & {id(weight) for weight in weights}:
                raise ConfigError([f"callbacks.unfreeze.parts.{name}: overlaps another part; name one of them"])
            seen |= {id(weight) for weight in weights}
            groups.append({"params": weights, "lr": rate})
        task: Any = pl_module
        task.parameter_groups = groups

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Thaw the parts whose epoch has come, freeze everything else."""
        net = _net(pl_module)
        net.requires_grad_(False)
        for name, (epoch, _) in self.parts.items():
            if trainer.current_epoch >= epoch:
                net.get_submodule(name).requires_grad_(True)


def _net(task: pl.LightningModule) -> nn.Module:
    net = task.net.net if isinstance(task.net, WindowedNetwork) else task.net
    assert isinstance(net, nn.Module)
    return net


@CALLBACKS.register("unfreeze")
def unfreeze(parts: Mapping[str, Sequence[float]] = PUBLISHED) -> GradualUnfreezing:
    """Train each part of the network from its epoch on, at its rate (A16).

    Args:
        parts: name of a submodule -> [epoch from which it trains, learning rate]; parts not named stay frozen.
    """
    return GradualUnfreezing(parts)

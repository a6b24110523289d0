"""Weights that a network starts from: torchvision's ImageNet files, or any file with the network's names."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genrelab.utils.errors import ConfigError

URL = "https://download.pytorch.org/models/"
# torchvision's newest weights of each depth (IMAGENET1K_V1 of 18 and 34, V2 of the others).
IMAGENET = {
    18: "resnet18-f37072fd.pth",
    34: "resnet34-b627a593.pth",
    50: "resnet50-11ad3fa6.pth",
    101: "resnet101-cd907fc2.pth",
    152: "resnet152-f82ba261.pth",
}
REMEDY = "give a file as model.weights=/path/to/{name}, or model.weights=null to start from noise"


def read_weights(weights: str, depth: int) -> dict[str, Tensor]:
    """Read the weights of a ResNet.

    Args:
        weights: "imagenet", a URL, or a file; what was fetched once stays in torch.hub's cache.
        depth: of the ResNet, where "imagenet" is asked for.

    Returns:
        tensors by name, on the CPU.

    Raises:
        ConfigError: they cannot be had; the line says what to fetch and where to put it.
    """
    if weights == "imagenet":
        weights = URL + IMAGENET[depth]
    if "://" in weights:
        return _tensors(_fetched(weights), weights)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise ConfigError([f"model.weights: {path}: no such file; {REMEDY.format(name=IMAGENET[depth])}"])
    return _tensors(_loaded(path), weights)


def load_pretrained(net: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Copy `weights` into a network, leaving its last layers (`fc`) as drawn where their sizes differ.

    The first convolution's channels are summed for one gray picture, which equals showing it in red, green and blue.

    Args:
        net: with torchvision's names.
        weights: tensors by name.
        source: of the weights, for the message.

    Raises:
        ConfigError: names or sizes that are not the network's.
    """
    wanted = net.state_dict()
    found = dict(weights)
    first = found.get("conv1.weight")
    if first is not None and first.ndim == 4 and wanted["conv1.weight"].shape[1] == 1:
        found["conv1.weight"] = first.sum(dim=1, keepdim=True)
    other = [name for name in sorted({*wanted, *found}) if _shape(wanted, name) != _shape(found, name)]
    unfit = [name for name in other if not name.startswith("fc.")]
    if unfit:
        name = unfit[0]
        told = f"{name} is {_format_shape(_shape(found, name))}, the network's is {_format_shape(_shape(wanted, name))}"
        raise ConfigError([f"model.weights: {source}: not of this network ({told}); choose the file of its depth"])
    kept = {name: value for name, value in found.items() if name not in other}
    net.load_state_dict(kept, strict=False)


def _fetched(url: str) -> Any:
    name = url.rsplit("/", 1)[-1]
    try:
        return torch.hub.load_state_dict_from_url(
            url, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = _first_line(error)
        raise ConfigError([f"model.weights: cannot fetch {url} ({reason}); {REMEDY.format(name=name)}"]) from error


def _loaded(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ConfigError([f"model.weights: {path}: refused, it holds more than plain data and tensors"]) from error
    except (OSError, RuntimeError, EOFError, zipfile.BadZipFile, ValueError) as error:
        raise ConfigError([f"model.weights: {path}: damaged ({_first_line(error)})"]) from error


def _first_line(error: Exception) -> str:
    """What an error says; its name where it says nothing, as an empty file's does."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _tensors(content: Any, source: str) -> dict[str, Tensor]:
    """The tensors of a file: by themselves, as torchvision's, or under `state_dict`, as in a checkpoint."""
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ConfigError([f"model.weights: {source}: holds no weights by name"])
    return dict(content)


def _shape(tensors: Mapping[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(tensors[name].shape) if name in tensors else None


def _format_shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else "x".join(map(str, shape)) or "a number"

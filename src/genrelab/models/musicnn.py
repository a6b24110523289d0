"""musicnn, a tagger of music by Pons and Serra, with the weights of its package, which are read without TensorFlow."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes, check_single_2d
from genrelab.models.registry import MODELS
from genrelab.models.tf_checkpoint import read_bundle
from genrelab.utils.errors import ConfigError

VectorName = Literal["penultimate", "pooled"]
BANDS = 96
# Values of the configuration that make what it was trained on.
REQUIRED_CONFIG = {"audio.sample_rate": 16_000, "data.normalize": "none"}
INPUT_FEATURE = {
    "kind": "mel_db",
    "n_fft": 512,
    "hop_length": 256,
    "n_mels": BANDS,
    "fmin": 0.0,
    "top_db": None,
    "frames": None,
}
TIMBRAL, TEMPORAL = (38, 67), (128, 64, 32)  # bands and frames that the first filters span
WIDE, NARROW, MIDDLE, LAST = 204, 51, 64, 200  # filters of each, of the middle, units of the last
EPSILON = 1e-3  # of TensorFlow's batch normalization
REMEDY = "pip install --no-deps musicnn (its weights are read without TensorFlow)"


class MusicnnBackbone(nn.Module):
    """The network without its last layer: filters as high as timbres and as long as rhythms (Pons et al. 2018; musicnn
    0.1.0, Pons & Serra 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(1, EPSILON)
        timbral = [nn.Conv2d(1, WIDE, (bands, 7), padding=(0, 3)) for bands in TIMBRAL]
        temporal = [nn.Conv2d(1, NARROW, (1, frames)) for frames in TEMPORAL]
        self.front = nn.ModuleList([*timbral, *temporal])
        self.front_norms = nn.ModuleList(nn.BatchNorm2d(conv.out_channels, EPSILON) for conv in [*timbral, *temporal])
        seen = WIDE * len(TIMBRAL) + NARROW * len(TEMPORAL)
        self.middle = nn.ModuleList(nn.Conv1d(width, MIDDLE, 7, padding=3) for width in (seen, MIDDLE, MIDDLE))
        self.middle_norms = nn.ModuleList(nn.BatchNorm1d(MIDDLE, EPSILON) for _ in range(3))
        self.pooled = 2 * (seen + 3 * MIDDLE)
        self.pooled_norm = nn.BatchNorm1d(self.pooled, EPSILON)
        self.dense = nn.Linear(self.pooled, LAST)
        self.dense_norm = nn.BatchNorm1d(LAST, EPSILON)

    def forward(self, feature_map: Tensor, vector: VectorName) -> Tensor:
        """Vectors `[B, 200]` or `[B, 1506]` (maximum and mean over time of each map) of pictures `[B, 96, T]`."""
        shown = self.input_norm(feature_map[:, None])
        maps = []
        spans = (1,) * len(TIMBRAL) + TEMPORAL  # "same" of TensorFlow: an even filter sees one frame more ahead
        for conv, norm, span in zip(self.front, self.front_norms, spans, strict=True):
            same = functional.pad(shown, ((span - 1) // 2, span // 2))
            maps.append(norm(torch.relu(conv(same))).amax(dim=2))
        layers = [torch.cat(maps, dim=1)]
        for conv, norm in zip(self.middle, self.middle_norms, strict=True):
            found = norm(torch.relu(conv(layers[-1])))
            layers.append(found if len(layers) == 1 else found + layers[-1])
        joined = torch.cat(layers, dim=1)
        pooled = torch.stack([joined.amax(dim=2), joined.mean(dim=2)], dim=2).flatten(1)
        if vector == "pooled":
            return pooled
        last: Tensor = self.dense_norm(torch.relu(self.dense(self.pooled_norm(pooled))))
        return last


@MODELS.register("musicnn", "musicnn")
class Musicnn(nn.Module):
    """musicnn's network, frozen under a linear layer or fine-tuned (Pons & Serra 2019, arXiv 1909.06654).

    Takes `features=mel_musicnn` as they are, in dB (`data.normalize=none`): the network brings its own statistics.

    Args:
        in_shapes: one `(96, T)`: mel bands of sound at 16 kHz.
        n_classes: C.
        weights: "MTT_musicnn" (trained on MagnaTagATune) or "MSD_musicnn" (Million Song Dataset) of the installed
            package, or a folder with such a checkpoint; None draws them at random.
        frozen: train the linear layer alone; false fine-tunes everything.
        vector: the linear layer reads 200 numbers ("penultimate") or 1506 ("pooled").
        dropout: before the linear layer.

    Raises:
        ConfigError: another input, or no such weights.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        weights: str | None = None,
        frozen: bool = True,
        vector: VectorName = "penultimate",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({}, dropout)
        self.frozen, self.vector = frozen, vector
        self.net = MusicnnBackbone()
        if weights:
            load_tensorflow_weights(self.net, weights)
        self.net.requires_grad_(not frozen)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(LAST if vector == "penultimate" else self.net.pooled, n_classes)

    def forward(self, decibels: Tensor) -> Tensor:
        """Logits `[B, C]` of mel power in dB `[B, 96, T]`."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            vectors = self.net(torch.log10(1e4 * 10 ** (decibels / 10) + 1), self.vector)
        logits: Tensor = self.fc(self.dropout(vectors))
        return logits

    def train(self, mode: bool = True) -> Musicnn:
        """A frozen network keeps out of training, its statistics too."""
        super().train(mode)
        if self.frozen:
            self.net.eval()
        return self

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        problems = check_single_2d("musicnn", in_shapes)
        if not problems and in_shapes[0][0] != BANDS:
            problems = [f"model 'musicnn' reads {BANDS} mel bands, here are {in_shapes[0][0]}; features=mel_musicnn"]
        return problems


def load_tensorflow_weights(net: MusicnnBackbone, weights: str) -> None:
    """Copy the weights of one of musicnn's checkpoints into `net`.

    Raises:
        ConfigError: there is no such checkpoint, or it is of another network.
    """
    folder = _folder(weights)
    if torch.get_default_device().type == "meta":  # only its shapes are asked for
        return
    try:
        arrays = read_bundle(folder)
        with torch.no_grad():
            for name, value in _named(net).items():
                array = np.array(arrays[name].transpose(), order="C")  # TensorFlow: frames, bands, in, out
                value.copy_(torch.from_numpy(array).reshape(value.shape))
    except KeyError as error:
        raise ConfigError([f"model.weights: {folder}: holds no {error}; it is not of a musicnn"]) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError([f"model.weights: {folder}: not the weights of a musicnn ({error})"]) from error


def hash_weights(weights: str, at: str) -> str:
    """Return a hash of a checkpoint's data.

    Args:
        weights: name in the installed package, or a folder.
        at: where `weights` stands in the configuration, for messages.

    Raises:
        ConfigError: there is no such checkpoint.
    """
    folder = _folder(weights, at)
    try:
        return hashlib.sha256((folder / ".data-00000-of-00001").read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise ConfigError([f"{at}: {folder}: unreadable ({error.strerror})"]) from error


def _folder(weights: str, at: str = "model.weights") -> Path:
    """Of a checkpoint: in the installed package by name, or anywhere."""
    if "/" in weights or Path(weights).is_dir():
        folder = Path(weights).expanduser()
    else:
        package = importlib.util.find_spec("musicnn")  # it is not imported: that needs TensorFlow
        if package is None or not package.submodule_search_locations:
            raise ConfigError([f"{at}: {weights} needs the package musicnn; {REMEDY}"])
        folder = Path(package.submodule_search_locations[0]) / weights
    if not (folder / ".index").is_file():
        raise ConfigError([f"{at}: {folder}: no checkpoint there; give MTT_musicnn, MSD_musicnn or a folder"])
    return folder


def _named(net: MusicnnBackbone) -> dict[str, Tensor]:
    """Weights and statistics by the names that TensorFlow gave them, in the order in which layers were made."""
    convolutions = [*net.front, *net.middle]
    norms = [net.input_norm, *net.front_norms, *net.middle_norms, net.pooled_norm, net.dense_norm]
    found: dict[str, Tensor] = {"dense/kernel": net.dense.weight, "dense/bias": net.dense.bias}
    for number, layer in enumerate(convolutions):
        name = f"conv2d_{number}" if number else "conv2d"
        found |= {f"{name}/kernel": layer.weight, f"{name}/bias": layer.bias}
    for number, norm in enumerate(norms):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        found |= {f"{name}/gamma": norm.weight, f"{name}/beta": norm.bias}
        found |= {f"{name}/moving_mean": norm.running_mean, f"{name}/moving_variance": norm.running_var}
    return found

"""Networks that are trained on crops in time, and evaluated on whole clips by windows of the same width."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from genrelab.models.input_checks import Shapes
from genrelab.models.registry import MODELS


def crop_width(width: int, crop_ratio: float) -> int:
    """Return the columns of a crop of a picture `width` columns wide."""
    return max(1, round(crop_ratio * width))


def crop_shapes(in_shapes: Shapes, crop_ratio: float) -> list[tuple[int, ...]]:
    """Return the shapes that a network sees: pictures `(H, W)` are cropped along time, vectors are not."""
    return [(shape[0], crop_width(shape[1], crop_ratio)) if len(shape) == 2 else tuple(shape) for shape in in_shapes]


class WindowedNetwork(nn.Module):
    """Averages a network's logits over windows that cover the clip.

    As many windows as crops fit into the clip, rounded up, at even distances from its first column to its last. A batch
    that is a crop already, as in training, is one window. Weights keep the names that they have in `net`.

    Args:
        net: takes windows; built for `crop_shapes`.
        in_shapes: `(H, W)` or `(D,)` of each feature of a whole clip.
        crop_ratio: width of a window as a share of the clip, below 1.
    """

    def __init__(self, net: nn.Module, in_shapes: Shapes, crop_ratio: float) -> None:
        super().__init__()
        self.net = net
        shapes = zip(in_shapes, crop_shapes(in_shapes, crop_ratio), strict=True)
        spans = [(whole[1], crop[1]) if len(whole) == 2 else None for whole, crop in shapes]
        self.n_windows = max((math.ceil(whole / crop) for whole, crop in filter(None, spans)), default=1)
        self.windows = [_evenly(*span, self.n_windows) if span else None for span in spans]
        self.register_load_state_dict_pre_hook(_add_prefix)  # type: ignore[no-untyped-call]

    def forward(self, *features: Tensor) -> Tensor:
        """Return logits `[B, C]` of whole clips `[B, H, W]`, or of crops, and vectors `[B, D]`."""
        if all(
            windows is None or feature.shape[-1] == windows[0].stop
            for feature, windows in zip(features, self.windows, strict=True)
        ):
            of_crops: Tensor = self.net(*features)
            return of_crops
        cut = [
            feature.unsqueeze(1).expand(-1, self.n_windows, -1)
            if windows is None
            else torch.stack([feature[..., window] for window in windows], dim=1)
            for feature, windows in zip(features, self.windows, strict=True)
        ]
        logits: Tensor = self.net(*(one.flatten(0, 1) for one in cut))  # clip after clip, each window after window
        return logits.reshape(-1, self.n_windows, logits.shape[1]).mean(dim=1)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the weights under the names that they have in `net`."""
        return self.net.state_dict(*args, **kwargs)


def _evenly(whole: int, crop: int, count: int) -> list[slice]:
    """`count` windows from the first column to the last."""
    starts = [round(place * (whole - crop) / max(count - 1, 1)) for place in range(count)]
    return [slice(start, start + crop) for start in starts]


def _add_prefix(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: object) -> None:
    for key in [key for key in state_dict if key.startswith(prefix)]:
        state_dict[f"{prefix}net.{key.removeprefix(prefix)}"] = state_dict.pop(key)


def build_network(
    kind: str, params: Mapping[str, Any], in_shapes: Sequence[tuple[int, ...]], n_classes: int, crop_ratio: float = 1.0
) -> Any:
    """Build a network that takes whole clips, whether it was trained on crops or not.

    Args:
        kind: of the registry.
        params: the kind's own.
        in_shapes: `(H, W)` or `(D,)` of each feature of a whole clip.
        n_classes: C.
        crop_ratio: width of train crops as a share of the clip; 1: no crops.

    Raises:
        ConfigError: the kind does not take such (cropped) shapes or parameters.
    """
    whole = [tuple(shape) for shape in in_shapes]
    cropped = crop_shapes(whole, crop_ratio)
    net = MODELS.build(kind, dict(params), in_shapes=cropped, n_classes=n_classes)
    return net if cropped == whole else WindowedNetwork(net, whole, crop_ratio)

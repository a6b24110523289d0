"""A gray picture as the color picture that networks from ImageNet's weights saw in training."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Colormap = Literal["gray", "viridis"]

STEPS = 256  # of a color map
# Mean and standard deviation of ImageNet's red, green and blue, 0 to 1; torchvision's weights expect them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class PseudoRGB(nn.Module):
    """Levels of a picture, lowest to highest of its own, as a color map's colors, normalized as ImageNet was (A13).

    Whatever scale and offset a picture comes with fall away. Between two of the map's 256 colors lies a straight line.

    Args:
        name: "gray", or "viridis" as A13's resnet_mel_rgb.
    """

    table: Tensor

    def __init__(self, name: Colormap) -> None:
        super().__init__()
        colors = (colormap_table(name) - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STD)
        self.register_buffer("table", colors, persistent=False)  # the weights keep torchvision's names

    def forward(self, feature_map: Tensor) -> Tensor:
        """`[B, H, W]` to `[B, 3, H, W]`; a picture of one level is all the first color."""
        low, high = feature_map.amin(dim=(1, 2), keepdim=True), feature_map.amax(dim=(1, 2), keepdim=True)
        place = (feature_map - low) / (high - low).clamp(min=1e-12) * (STEPS - 1)
        before = place.detach().floor().clamp(0, STEPS - 2)
        first, second = self.table[before.long()], self.table[before.long() + 1]
        return (first + (place - before).unsqueeze(-1) * (second - first)).permute(0, 3, 1, 2)


def colormap_table(name: Colormap) -> Tensor:
    """Red, green and blue `[256, 3]`, 0 to 1, from the lowest level to the highest."""
    if name == "gray":
        return torch.linspace(0, 1, STEPS).unsqueeze(1).repeat(1, 3)
    import matplotlib

    return torch.tensor(matplotlib.colormaps[name].colors, dtype=torch.float32)  # type: ignore[attr-defined]

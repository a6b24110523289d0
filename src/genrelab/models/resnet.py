"""ResNets of any depth with torchvision's stem, from noise or from ImageNet's weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes, same_size, stack_channels
from genrelab.models.pretrained import load_pretrained, read_weights
from genrelab.models.pseudo_rgb import Colormap, PseudoRGB
from genrelab.models.registry import MODELS
from genrelab.models.resnet18flex import BasicBlock, Block, Bottleneck, ResNet

DEPTHS: dict[int, tuple[Block, tuple[int, ...]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}
IMAGENET_WIDTH = 64


@MODELS.register("resnet")
class DeepResNet(ResNet):
    """A ResNet as torchvision's, with its names of parameters (A16; E07 narrow; E14 in other depths).

    Args:
        in_shapes: `(H, W)`; several pictures of one size become channels (the three of a color picture).
        n_classes: C.
        depth: 18, 34, 50, 101 or 152.
        width: planes of the first stage; 64 is He et al.'s, 32 is E07's.
        weights: None (drawn), "imagenet" (torchvision's, fetched once), a URL or a file; the last layer is drawn
            anew. Read at construction, except on torch's "meta" device.
        dropout: before the last layer; 0.2 is A16's.
        block_dropout: of whole maps, before the last convolution of each block; 0.3 is E07's.
        window: rows and columns of the last average, stride 1, cut to the maps' size (E07: 7, which leaves
            1x4 places of a 224x294 picture); 0 averages all.
        hidden: sizes of ReLU layers before the last one (E07: 512).
        colors: None takes pictures as they come; "gray" or "viridis" makes one picture, lowest level to highest, three
            channels of ImageNet's mean and deviation, which A16's ResNet-50 was given.

    Raises:
        ConfigError: no pictures of one size, a parameter out of range, or weights that cannot be had.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        depth: Literal[18, 34, 50, 101, 152] = 50,
        width: int = 64,
        weights: str | None = None,
        dropout: float = 0.2,
        block_dropout: float = 0.0,
        window: int = 0,
        hidden: Sequence[int] = (),
        colors: Colormap | None = None,
    ) -> None:
        check_shapes(self.check_inputs(in_shapes))
        check_shapes(_colormap_problems(colors, len(in_shapes)))
        sizes = {f"hidden.{number}": size for number, size in enumerate(hidden)}
        check_numbers({"width": width, "window": window + 1, **sizes}, dropout, block_dropout=block_dropout)
        if weights is not None:
            check_shapes(_weight_problems(width, len(in_shapes)))
        block, blocks = DEPTHS[depth]
        channels = 3 if colors else len(in_shapes)
        super().__init__(
            in_shapes[0][0],
            blocks,
            None,
            width,
            "torchvision",
            dropout=dropout,
            block=block,
            channels=channels,
            block_dropout=block_dropout,
        )
        self.colored = PseudoRGB(colors) if colors else None
        rows, columns = (ceil(size / 32) for size in in_shapes[0])  # of the last stage's maps
        self.window = (min(window, rows), min(window, columns)) if window else (rows, columns)
        self.n_features *= (rows - self.window[0] + 1) * (columns - self.window[1] + 1)
        self.fc = make_head(self.n_features, hidden, n_classes)
        if weights is not None and not self.conv1.weight.is_meta:
            load_pretrained(self, read_weights(weights, depth), weights)

    def to_channels(self, feature_maps: Sequence[Tensor]) -> Tensor:
        """Maps `[B, channels, H, W]` of the pictures, colored where `colors` says so."""
        return stack_channels(feature_maps) if self.colored is None else self.colored(feature_maps[0])

    def pool(self, maps: Tensor) -> Tensor:
        """Features `[B, n_features]`: means over all windows."""
        return functional.avg_pool2d(maps, self.window, stride=1).flatten(1)

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return same_size("resnet", in_shapes)


def make_head(before: int, hidden: Sequence[int], n_classes: int) -> nn.Module:
    """The last linear layer, behind ReLU layers if there are `hidden` sizes."""
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(before, size), nn.ReLU(inplace=True)]
        before = size
    last = nn.Linear(before, n_classes)
    return nn.Sequential(*layers, last) if layers else last


def _colormap_problems(colors: str | None, feature_maps: int) -> list[str]:
    """What keeps pictures from being colored."""
    if colors is None or feature_maps == 1:
        return []
    return [f"model.colors: of 1 picture, here are {feature_maps}; choose one, or model.colors=null"]


def _weight_problems(width: int, channels: int) -> list[str]:
    """What keeps a network from taking ImageNet's weights."""
    problems = []
    if width != IMAGENET_WIDTH:
        problems.append(f"model.width: {width}, but model.weights are of width 64; use 64, or model.weights=null")
    if channels not in (1, 3):
        problems.append(f"model.weights: for 1 or 3 pictures, here are {channels}; choose one, or model.weights=null")
    return problems

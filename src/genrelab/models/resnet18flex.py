"""ResNets for pictures of any height, with torchvision's parameter names, so that its checkpoints load from a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from genrelab.models.input_checks import Shapes, check_2d, check_numbers, check_shapes, check_single_2d, stack_channels
from genrelab.models.registry import MODELS

Stem = Literal["strided_time", "published"]
AnyStem = Literal["strided_time", "published", "torchvision"]

LOW, MIDDLE = 32, 64  # rows up to which A21 neither strides nor pools, and up to which it strides without pooling


def stem_strides(height: int, stem: AnyStem, time_stride: int) -> tuple[tuple[int, int], bool]:
    """Stride (frequency, time) of the first convolution, and whether a 3x3 max-pooling of stride 2 follows.

    Args:
        height: rows of the picture.
        stem: "published" is A21's rule, by height alone. On 32 rows it keeps every column, which costs a 32x256
            picture four times what a 128x256 one costs; "strided_time" treats rows alike and strides time.
            "torchvision" strides and pools whatever the height.
        time_stride: of low pictures (64 rows or fewer) with "strided_time"; 4 is what higher pictures have.
    """
    if height > MIDDLE or stem == "torchvision":
        return (2, 2), True
    rows = 1 if height <= LOW else 2
    return (rows, rows if stem == "published" else max(rows, time_stride)), False


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016); `[B, in, H, W] -> [B, planes, H / stride, W / stride]`."""

    expansion = 1  # channels that leave the block, per plane

    def __init__(self, in_channels: int, planes: int, stride: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout2d(dropout)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = make_shortcut(in_channels, planes, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Transform maps."""
        shortcut = maps if self.downsample is None else self.downsample(maps)
        inner = self.drop(self.relu(self.bn1(self.conv1(maps))))
        summed: Tensor = self.relu(self.bn2(self.conv2(inner)) + shortcut)
        return summed


class Bottleneck(nn.Module):
    """Convolutions 1x1, 3x3 (which strides, as torchvision's), 1x1 to four times the planes, and a shortcut."""

    expansion = 4

    def __init__(self, in_channels: int, planes: int, stride: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.drop = nn.Dropout2d(dropout)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = make_shortcut(in_channels, 4 * planes, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Transform maps."""
        shortcut = maps if self.downsample is None else self.downsample(maps)
        inner = self.relu(self.bn1(self.conv1(maps)))
        inner = self.drop(self.relu(self.bn2(self.conv2(inner))))
        summed: Tensor = self.relu(self.bn3(self.conv3(inner)) + shortcut)
        return summed


Block = type[BasicBlock] | type[Bottleneck]


class ResNet(nn.Module):
    """A residual network on pictures whose stem follows the picture's height.

    Args:
        height: rows of the pictures; the width may be any.
        blocks: number of blocks in each of the four stages; (2, 2, 2, 2) is ResNet-18.
        n_classes: logits; None leaves out the last linear layer, and `forward` returns the pooled features.
        width: planes of the first stage; the others have 2, 4 and 8 times as many.
        stem, time_stride: see `stem_strides`.
        dropout: before the last layer.
        block: BasicBlock (ResNet-18 and 34) or Bottleneck (deeper ones).
        channels: number of pictures, stacked.
        block_dropout: of whole maps, before the last convolution of each block.
    """

    def __init__(
        self,
        height: int,
        blocks: Sequence[int],
        n_classes: int | None,
        width: int = 64,
        stem: AnyStem = "published",
        time_stride: int = 4,
        dropout: float = 0.0,
        *,
        block: Block = BasicBlock,
        channels: int = 1,
        block_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        stride, pool = stem_strides(height, stem, time_stride)
        self.conv1 = nn.Conv2d(channels, width, 7, stride, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1) if pool else nn.Identity()
        stages, before = [], width
        for number, depth in enumerate(blocks):
            planes = width * 2**number
            stages.append(make_stage(block, before, planes, depth, 1 if number == 0 else 2, block_dropout))
            before = planes * block.expansion
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.dropout = nn.Dropout(dropout)
        self.n_features = before
        self.fc: nn.Module = nn.Identity() if n_classes is None else nn.Linear(before, n_classes)
        initialize_weights(self)

    def forward(self, *feature_maps: Tensor) -> Tensor:
        """Logits `[B, C]`, or pooled features without a last layer, of pictures `[B, H, W]`, one for each channel."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(self.to_channels(feature_maps)))))  # [B, width, H', W']
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))  # [B, 8 * width * expansion, H'', W'']
        logits: Tensor = self.fc(self.dropout(self.pool(maps)))
        return logits

    def to_channels(self, feature_maps: Sequence[Tensor]) -> Tensor:
        """Maps `[B, channels, H, W]` of the pictures."""
        return stack_channels(feature_maps)

    def pool(self, maps: Tensor) -> Tensor:
        """Features `[B, n_features]` of the last stage's maps: their means."""
        return maps.mean(dim=(2, 3))


def make_shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
    """A strided 1x1 convolution where a block changes the size of its maps."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))


def make_stage(block: Block, in_channels: int, planes: int, blocks: int, stride: int, dropout: float) -> nn.Sequential:
    """A stage of `blocks` blocks, the first of which strides."""
    rest = (block(planes * block.expansion, planes, dropout=dropout) for _ in range(blocks - 1))
    return nn.Sequential(block(in_channels, planes, stride, dropout), *rest)


def initialize_weights(net: nn.Module) -> None:
    """Draw convolutions as torchvision's ResNets do (He et al. 2015, fan out), from torch's generator alone."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


@MODELS.register("resnet18flex")
class ResNet18Flex(ResNet):
    """ResNet-18 on one gray picture, its stem following the picture's height (A21).

    Args:
        in_shapes: one `(H, W)`.
        n_classes: C.
        width: channels of the first stage; 64 is published, and costs four times as much as 32.
        stem: "strided_time" or "published"; they differ for 64 rows and fewer, see `stem_strides`.
        time_stride: of low pictures with "strided_time".
        dropout: before the last layer; none is published.

    Raises:
        ConfigError: not one picture, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        width: int = 32,
        stem: Stem = "strided_time",
        time_stride: int = 4,
        dropout: float = 0.0,
    ) -> None:
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({"width": width, "time_stride": time_stride}, dropout)
        super().__init__(in_shapes[0][0], (2, 2, 2, 2), n_classes, width, stem, time_stride, dropout)

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return check_single_2d("resnet18flex", in_shapes)


@MODELS.register("resnet18flex_dual")
class ResNet18FlexDual(nn.Module):
    """A ResNet-18 for each of N gray pictures, pooled features concatenated, one linear layer (A22 with N = 2).

    Args:
        in_shapes: `(H, W)` of each picture.
        n_classes: C.
        width: channels of the first stage; 64 is published, and costs four times as much as 32.
        stem: "strided_time" or "published"; they differ for 64 rows and fewer, see `stem_strides`.
        time_stride: of low pictures with "strided_time".
        dropout: before the last layer; none is published.

    Raises:
        ConfigError: an input that is no picture, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        width: int = 32,
        stem: Stem = "strided_time",
        time_stride: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({"width": width, "time_stride": time_stride}, dropout)
        self.backbones = nn.ModuleList(
            ResNet(shape[0], (2, 2, 2, 2), None, width, stem, time_stride) for shape in in_shapes
        )
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(8 * width * len(in_shapes), n_classes)

    def forward(self, *feature_maps: Tensor) -> Tensor:
        """Logits `[B, C]` of as many pictures `[B, H, W]` as `in_shapes` has."""
        pooled = [backbone(feature_map) for backbone, feature_map in zip(self.backbones, feature_maps, strict=True)]
        logits: Tensor = self.fc(self.dropout(torch.cat(pooled, dim=1)))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return check_2d("resnet18flex_dual", in_shapes)

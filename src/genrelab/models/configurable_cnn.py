"""Blocks of convolution, ReLU and pooling, and linear layers: on pictures, and on vectors that are tables."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes, format_shape, same_size, stack_channels
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError


@MODELS.register("conv_stack")
class ConvStack(nn.Module):
    """Convolution 3x3, ReLU and max-pooling 2x2 as often as wanted, one linear layer (B06, C08, C09).

    An axis that pooling has brought down to 1 is not pooled further.

    Args:
        in_shapes: `(H, W)`; several pictures of one size become channels (B06: the four of an RGBA picture).
        n_classes: C.
        channels: of each block; (16, 32) is B06.
        head: "average" over all places (B06), or "flatten", which keeps them apart (C08, C09).
        batch_norm: after each convolution.
        dropout: after each block.

    Raises:
        ConfigError: no pictures of one size, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        channels: Sequence[int] = (16, 32),
        head: Literal["average", "flatten"] = "average",
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({f"channels.{number}": size for number, size in enumerate(channels)}, dropout)
        if not channels:
            raise ConfigError(["model.channels: no block; e.g. model.channels=[16,32]"])
        rows, columns = in_shapes[0]
        before = len(in_shapes)
        layers: list[nn.Module] = []
        for after in channels:
            pool = (min(2, rows), min(2, columns))
            rows, columns = rows // pool[0], columns // pool[1]
            layers.append(nn.Conv2d(before, after, 3, padding=1, bias=not batch_norm))
            layers += [nn.BatchNorm2d(after)] if batch_norm else []
            # ReLU rises, so it may follow the pooling: the same numbers, a quarter the work.
            layers += [nn.MaxPool2d(pool), nn.ReLU(inplace=True), nn.Dropout(dropout)]
            before = after
        self.blocks = nn.Sequential(*layers)
        self.average = head == "average"
        self.fc = nn.Linear(before if self.average else before * rows * columns, n_classes)
        # The same numbers in two thirds of the time on a CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, *features: Tensor) -> Tensor:
        """Logits `[B, C]` of pictures `[B, H, W]`."""
        maps = self.blocks(stack_channels(features))  # [B, channels, H / 2**blocks, W / 2**blocks]
        logits: Tensor = self.fc(maps.mean(dim=(2, 3)) if self.average else maps.flatten(1))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return same_size("conv_stack", in_shapes)


@MODELS.register("table_cnn")
class TableCNN(nn.Module):
    """Batch norm, convolutions and max-pooling, ReLU throughout, linear layers, on a vector that is a table (D08-D10).

    Convolutions keep the size ("same"), as the published 336 inputs of D09's first linear layer show; pooling
    does not pad. A pooling window is cut to what is left of an axis.

    Args:
        in_shapes: one `(D,)`, or one `(H, W)` where `shape` is empty.
        n_classes: C.
        shape: the table that the vector is, row by row: `[rows, columns]`, or `[rows, columns, channels]` with
            the channels of a place side by side.
        convolutions: of each, `[channels, kernel rows, kernel columns]`.
        pools: after each, `[window rows, window columns, stride rows, stride columns]`, or `[]` for none.
        norm_features: batch norm of the flattened maps (D08).
        hidden: sizes of the hidden layers after them.
        dropout: after each hidden layer; none is published.

    Raises:
        ConfigError: an input that is not of `shape`, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        shape: Sequence[int] = (),
        convolutions: Sequence[Sequence[int]] = ((8, 5, 5), (16, 3, 3)),
        pools: Sequence[Sequence[int]] = ((2, 4, 2, 2), (2, 4, 2, 2)),
        norm_features: bool = True,
        hidden: Sequence[int] = (100, 50),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes) or _table_problems(in_shapes[0], shape, convolutions, pools))
        check_numbers({f"hidden.{number}": size for number, size in enumerate(hidden)}, dropout)
        rows, columns, channels = [*(shape or in_shapes[0]), 1][:3]
        self.shape = (rows, columns, channels)
        layers: list[nn.Module] = [nn.BatchNorm2d(channels)]
        for (after, *kernel), window in zip(convolutions, pools, strict=True):
            layers += [nn.Conv2d(channels, after, (kernel[0], kernel[1]), padding="same"), nn.ReLU(inplace=True)]
            channels = after
            if window:
                size, step = (min(window[0], rows), min(window[1], columns)), (window[2], window[3])
                rows, columns = (rows - size[0]) // step[0] + 1, (columns - size[1]) // step[1] + 1
                layers.append(nn.MaxPool2d(size, step))
        self.blocks = nn.Sequential(*layers)
        flat = channels * rows * columns
        dense: list[nn.Module] = [nn.BatchNorm1d(flat)] if norm_features else []
        for after in hidden:
            dense += [nn.Linear(flat, after), nn.ReLU(inplace=True), nn.Dropout(dropout)]
            flat = after
        self.hidden = nn.Sequential(*dense)
        self.fc = nn.Linear(flat, n_classes)

    def forward(self, feature: Tensor) -> Tensor:
        """Logits `[B, C]` of vectors `[B, D]` or pictures `[B, H, W]`."""
        table = feature.reshape(-1, *self.shape).permute(0, 3, 1, 2)  # [B, channels, rows, columns]
        logits: Tensor = self.fc(self.hidden(self.blocks(table).flatten(1)))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        if len(in_shapes) == 1 and len(in_shapes[0]) in (1, 2):
            return []
        return [f"model 'table_cnn' takes 1 feature, a vector or a picture; here are {len(in_shapes)}"]


def _table_problems(
    given: tuple[int, ...],
    shape: Sequence[int],
    convolutions: Sequence[Sequence[int]],
    pools: Sequence[Sequence[int]],
) -> list[str]:
    """What is wrong with the numbers of a `TableCNN`."""
    problems = []
    if not shape and len(given) == 1:
        problems.append(f"model.shape: empty, and the feature is a {format_shape(given)}; give [rows,columns] of it")
    elif shape and (len(shape) not in (2, 3) or prod(shape) != prod(given) or min(shape) < 1):
        problems.append(f"model.shape: {list(shape)} does not hold a {format_shape(given)}")
    if not convolutions or any(len(one) != 3 or min(one) < 1 for one in convolutions):
        problems.append("model.convolutions: each is [channels, kernel rows, kernel columns], all 1 or more")
    if len(pools) != len(convolutions):
        problems.append(f"model.pools: {len(pools)}, for {len(convolutions)} convolutions; [] is no pooling")
    if any(one and (len(one) != 4 or min(one) < 1) for one in pools):
        problems.append("model.pools: each is [] or [rows, columns, stride rows, stride columns], all 1 or more")
    return problems

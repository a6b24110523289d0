"""A plain convolutional network on one picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes, check_single_2d
from genrelab.models.registry import MODELS

CHANNELS = (1, 2, 2, 2, 1)  # of the five blocks, in units of the width


@MODELS.register("cnn")
class CNN(nn.Module):
    """Batch norm, five blocks of convolution 3x3, batch norm, ELU, pooling and dropout, one linear layer (A24).

    128x256 pictures leave 64x4x8 = 2048 features. An axis that pooling has brought down to 1 is not pooled further,
    so that low pictures (12 chroma rows) work too.

    Args:
        in_shapes: one `(H, W)`.
        n_classes: C.
        width: channels of the first and last block, half those of the others; 64 is published.
        dropout: after each block; 0.3 is published.

    Raises:
        ConfigError: not one picture, or a parameter out of range.
    """

    def __init__(
        self, in_shapes: Sequence[tuple[int, ...]], n_classes: int, width: int = 64, dropout: float = 0.3
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({"width": width}, dropout)
        rows, columns = in_shapes[0]
        layers: list[nn.Module] = [nn.BatchNorm2d(1)]
        before = 1
        for units in CHANNELS:
            pool = (min(2, rows), min(2, columns))
            rows, columns = rows // pool[0], columns // pool[1]
            layers += [nn.Conv2d(before, units * width, 3, padding=1), nn.BatchNorm2d(units * width)]
            # ELU rises, so it may follow the pooling that it is published before: the same numbers, a quarter the work.
            layers += [nn.MaxPool2d(pool), nn.ELU(inplace=True), nn.Dropout(dropout)]
            before = units * width
        self.blocks = nn.Sequential(*layers)
        self.fc = nn.Linear(before * rows * columns, n_classes)
        # The same numbers in two thirds of the time on a CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, feature_map: Tensor) -> Tensor:
        """Logits `[B, C]` of pictures `[B, H, W]`."""
        maps = self.blocks(feature_map.unsqueeze(1))  # [B, width, H / 32, W / 32]
        logits: Tensor = self.fc(maps.flatten(1))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return check_single_2d("cnn", in_shapes)

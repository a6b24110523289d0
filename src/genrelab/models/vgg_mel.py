"""A small network of four blocks on one spectrogram, which ends in global pooling."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes, check_single_2d, format_shape
from genrelab.models.registry import MODELS

MIN_SIZE = 4  # rows and columns
CHANNELS = (1, 2, 4, 4)  # of the blocks, in units of the width


@MODELS.register("vgg_mel")
class VGGMel(nn.Module):
    """Four blocks of convolution 3x3, batch norm, ReLU and max-pooling 2x2, global pooling, one linear layer.

    As VGG (Simonyan and Zisserman 2015) on a spectrogram, with the pooling of PANNs' CNNs (Kong et al. 2020): the mean
    over rows, then mean plus maximum over time. An axis that pooling has brought down to 1 is not pooled further, and a
    last odd row or column is left out by pooling.

    Args:
        in_shapes: one `(H, W)`, at least 4x4.
        n_classes: C.
        width: channels of the first block; the others have two and four times as many.
        convolutions: in each block.
        dropout: before the last layer.

    Raises:
        ConfigError: not one picture, a picture below 4x4, or a parameter out of range.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        width: int = 32,
        convolutions: int = 1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        check_numbers({"width": width, "convolutions": convolutions}, dropout)
        rows, columns = in_shapes[0]
        layers: list[nn.Module] = []
        before = 1
        for units in CHANNELS:
            for _ in range(convolutions):
                after = units * width
                layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(True)]
                before = after
            pool = (min(2, rows), min(2, columns))
            rows, columns = rows // pool[0], columns // pool[1]
            # ReLU rises, so it may follow the pooling: the same numbers, a quarter the work.
            layers[-1:] = [nn.MaxPool2d(pool), layers[-1]]
        self.blocks = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(before, n_classes)
        # The same numbers in two thirds of the time on a CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, feature_map: Tensor) -> Tensor:
        """Logits `[B, C]` of a picture `[B, H, W]`."""
        steps = self.blocks(feature_map.unsqueeze(1)).mean(dim=2)  # [B, 4 * width, W / 16]
        logits: Tensor = self.fc(self.dropout(steps.mean(dim=2) + steps.amax(dim=2)))
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        if problems := check_single_2d("vgg_mel", in_shapes):
            return problems
        if min(in_shapes[0]) >= MIN_SIZE:
            return []
        found = format_shape(tuple(in_shapes[0]))
        return [
            f"model 'vgg_mel' takes pictures of at least {MIN_SIZE}x{MIN_SIZE}, here is a {found}; "
            "choose a larger feature (or data.crop_ratio=1), or model=mlp"
        ]

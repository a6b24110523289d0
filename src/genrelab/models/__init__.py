"""Networks: pure torch, `forward(*features) -> logits [B, C]`. A picture is `[B, H, W]`, a vector `[B, D]`."""

from genrelab.models.cnn import CNN
from genrelab.models.mlp import MLP
from genrelab.models.resnet import BasicBlock, ResNet, ResNet18Flex, ResNet18FlexDual, Stem, stem_strides

__all__ = ["CNN", "MLP", "BasicBlock", "ResNet", "ResNet18Flex", "ResNet18FlexDual", "Stem", "stem_strides"]

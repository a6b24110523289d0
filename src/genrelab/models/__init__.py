"""Networks: pure torch, `forward(*features) -> logits [B, C]`. A picture is `[B, H, W]`, a vector `[B, D]`."""

from genrelab.models.autoencoder import LSTMAutoencoder
from genrelab.models.cnn import CNN
from genrelab.models.configurable_cnn import ConvStack, TableCNN
from genrelab.models.hf_encoder import Encoder
from genrelab.models.mlp import MLP
from genrelab.models.musicnn import Musicnn
from genrelab.models.pooling_heads import AttentionPooling, Probe
from genrelab.models.recurrent import GRU, LSTM, LSTMCNN
from genrelab.models.resnet import DeepResNet
from genrelab.models.resnet18flex import (
    BasicBlock,
    Bottleneck,
    ResNet,
    ResNet18Flex,
    ResNet18FlexDual,
    Stem,
    stem_strides,
)
from genrelab.models.spectrogram_transformer import SpectrogramTransformer

__all__ = [
    "CNN",
    "GRU",
    "LSTM",
    "LSTMCNN",
    "MLP",
    "AttentionPooling",
    "BasicBlock",
    "Bottleneck",
    "ConvStack",
    "DeepResNet",
    "Encoder",
    "LSTMAutoencoder",
    "Musicnn",
    "Probe",
    "ResNet",
    "ResNet18Flex",
    "ResNet18FlexDual",
    "SpectrogramTransformer",
    "Stem",
    "TableCNN",
    "stem_strides",
]

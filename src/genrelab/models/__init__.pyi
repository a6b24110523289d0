from .autoencoder import LSTMAutoencoder
from .cnn import CNN
from .configurable_cnn import ConvStack, TableCNN
from .hf_encoder import Encoder
from .late_fusion import LateFusion
from .mlp import MLP
from .musicnn import Musicnn
from .pooling_heads import AttentionPooling, Probe
from .recurrent import GRU, LSTM, LSTMCNN
from .resnet import DeepResNet
from .resnet18flex import (
    BasicBlock,
    Bottleneck,
    ResNet,
    ResNet18Flex,
    ResNet18FlexDual,
    Stem,
    stem_strides,
)
from .spectrogram_transformer import SpectrogramTransformer
from .vgg_mel import VGGMel
from .windowed import WindowedNetwork, build_network

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
    "LateFusion",
    "Musicnn",
    "Probe",
    "ResNet",
    "ResNet18Flex",
    "ResNet18FlexDual",
    "SpectrogramTransformer",
    "Stem",
    "TableCNN",
    "VGGMel",
    "WindowedNetwork",
    "build_network",
    "stem_strides",
]

"""The Audio Spectrogram Transformer, by Hugging Face's `transformers` (an optional extra)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes, check_single_2d
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError


@MODELS.register("ast")
class SpectrogramTransformer(nn.Module):
    """A vision transformer over patches of a picture (Gong et al. 2021, arXiv 2104.01778; E15), drawn at random.

    Pictures lower or narrower than a patch are padded with zeros, the mean of a normalized feature.

    Args:
        in_shapes: one `(H, W)`.
        n_classes: C.
        width: of a token; 768 in the paper.
        layers: 12 in the paper.
        heads: of the attention; 12 in the paper. They must divide `width`.
        patch: rows and columns of a patch; 16 in the paper.
        stride: from patch to patch; 10 in the paper (16: no overlap, and less than half the tokens).
        dropout: in attention and after each layer.

    Raises:
        ConfigError: not one picture, a parameter out of range, or `transformers` is not installed.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        width: int = 192,
        layers: int = 4,
        heads: int = 3,
        patch: int = 16,
        stride: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes))
        sizes = {"width": width, "layers": layers, "heads": heads, "patch": patch, "stride": stride}
        check_numbers(sizes, dropout)
        if width % heads:
            raise ConfigError([f"model.heads: {heads} does not divide model.width {width}"])
        rows, columns = (max(size, patch) for size in in_shapes[0])
        self.padding = (0, columns - in_shapes[0][1], 0, rows - in_shapes[0][0])  # right and bottom
        config, model = _transformers()
        self.net = model(
            config(
                hidden_size=width,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                intermediate_size=4 * width,
                hidden_dropout_prob=dropout,
                attention_probs_dropout_prob=dropout,
                patch_size=patch,
                frequency_stride=stride,
                time_stride=stride,
                num_mel_bins=rows,
                max_length=columns,
            )
        )
        self.fc = nn.Linear(width, n_classes)

    def forward(self, feature_map: Tensor) -> Tensor:
        """Logits `[B, C]` of pictures `[B, H, W]`."""
        padded = functional.pad(feature_map, self.padding)
        pooled = self.net(padded.transpose(1, 2)).pooler_output  # it wants time first; [B, width]
        logits: Tensor = self.fc(pooled)
        return logits

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return check_single_2d("ast", in_shapes)


def _transformers() -> tuple[Any, Any]:
    """The configuration and the network, imported when asked for: it takes seconds."""
    try:
        from transformers import ASTConfig, ASTModel
    except ImportError as error:
        told = "model 'ast' needs transformers, which is not installed; pip install 'genrelab[transformers]'"
        raise ConfigError([told]) from error
    return ASTConfig, ASTModel

"""Pretrained encoders of sound by Hugging Face's `transformers`, frozen under a linear layer or fine-tuned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from genrelab.models.input_checks import Shapes, check_numbers, check_shapes, check_single_2d
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

Family = Literal["wav2vec2", "hubert", "clap", "ast"]
CLASSES = {
    "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2Model"),
    "hubert": ("HubertConfig", "HubertModel"),
    "clap": ("ClapAudioConfig", "ClapAudioModel"),
    "ast": ("ASTConfig", "ASTModel"),
}
WAVEFORM_FAMILIES = ("wav2vec2", "hubert")  # the others take mel pictures
MIN_SAMPLES = 400  # samples that a wav2vec2's convolutions need
CLAP_BANDS = 64


@MODELS.register("encoder")
class Encoder(nn.Module):
    """A pretrained encoder with a linear layer on the mean over time of what it gives.

    wav2vec2 and HuBERT (Baevski et al. 2020, Hsu et al. 2021) take `features=waveform`, and were trained on 16 kHz;
    AST (Gong et al. 2021) and CLAP (Wu et al. 2023) take mel pictures, which are resized to their own. Pictures come
    normalized by the train part, so fine-tuning or the linear layer has to make up for other statistics.

    Args:
        in_shapes: one `(1, samples)` for wav2vec2 and hubert, one `(H, W)` for clap and ast.
        n_classes: C.
        family: wav2vec2, hubert, clap, ast.
        weights: folder of a pretrained model (`config.json`, `model.safetensors`); None draws a small one at random.
        frozen: train the linear layer alone; false fine-tunes everything.
        width: of the random one, units of a token; heads must divide it.
        layers: of the random one.
        heads: of the random one's attention.
        dropout: before the linear layer.

    Raises:
        ConfigError: other inputs, no such weights, weights of another family, or `transformers` is not installed.
    """

    def __init__(
        self,
        in_shapes: Sequence[tuple[int, ...]],
        n_classes: int,
        family: Family = "wav2vec2",
        weights: str | None = None,
        frozen: bool = True,
        width: int = 48,
        layers: int = 2,
        heads: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check_shapes(self.check_inputs(in_shapes) or _unfit(family, in_shapes[0]))
        check_numbers({"width": width, "layers": layers, "heads": heads}, dropout)
        if width % heads:
            raise ConfigError([f"model.heads: {heads} does not divide model.width {width}"])
        self.family, self.frozen = family, frozen
        self.net = _pretrained(family, weights) if weights else _random_encoder(family, width, layers, heads)
        self._freeze()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.net.config.hidden_size, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits `[B, C]` of samples `[B, 1, T]` or pictures `[B, H, W]`."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            vectors = (
                self._encode_waveform(inputs[:, 0])
                if self.family in WAVEFORM_FAMILIES
                else self._encode_spectrogram(inputs)
            )
        logits: Tensor = self.fc(self.dropout(vectors))
        return logits

    def _encode_waveform(self, samples: Tensor) -> Tensor:
        """Mean tokens `[B, D]` of samples `[B, T]`, which are brought to mean 0 and variance 1 as in pretraining."""
        mean, std = samples.mean(dim=1, keepdim=True), samples.std(dim=1, keepdim=True)
        found: Tensor = self.net((samples - mean) / (std + 1e-5)).last_hidden_state.mean(dim=1)
        return found

    def _encode_spectrogram(self, feature_map: Tensor) -> Tensor:
        """Vectors `[B, D]` of pictures `[B, H, W]`, resized to what the encoder was made for."""
        config = self.net.config
        if self.family == "ast":
            size = (config.num_mel_bins, config.max_length)
            shown = functional.interpolate(feature_map[:, None], size, mode="bilinear")[:, 0].transpose(1, 2)
            return self.net(shown).pooler_output  # type: ignore[no-any-return]
        frames = config.spec_size * (config.spec_size // CLAP_BANDS)
        shown = functional.interpolate(feature_map[:, None], (CLAP_BANDS, frames), mode="bilinear").transpose(2, 3)
        return self.net(shown).pooler_output  # type: ignore[no-any-return]

    def train(self, mode: bool = True) -> Encoder:
        """A frozen encoder keeps out of training, its dropout and statistics too."""
        super().train(mode)
        if self.frozen:
            self.net.eval()
        return self

    def _freeze(self) -> None:
        self.net.requires_grad_(not self.frozen)

    def get_extra_state(self) -> Tensor:
        """The encoder's configuration as bytes: a checkpoint is read without the folder that it started from."""
        text = json.dumps(self.net.config.to_dict(), default=str)
        return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Make the encoder of a checkpoint's configuration, if it is another than the one that is there."""
        config = json.loads(bytes(state.cpu().numpy().tobytes()).decode())
        kind, model = _classes(self.family)
        wanted = kind.from_dict(config)
        if wanted.to_dict() != self.net.config.to_dict():
            self.net = model(wanted).to(self.fc.weight.device).train(self.net.training)
            if self.fc.in_features != wanted.hidden_size:
                self.fc = nn.Linear(wanted.hidden_size, self.fc.out_features).to(self.fc.weight.device)
            self._freeze()

    @staticmethod
    def check_inputs(in_shapes: Shapes) -> list[str]:
        """What is wrong with `in_shapes` for this model, a line each."""
        return check_single_2d("encoder", in_shapes)


def _unfit(family: str, shape: tuple[int, ...]) -> list[str]:
    if family not in CLASSES:
        return [f"model.family: {family!r}; there is: {', '.join(CLASSES)}"]
    if family in WAVEFORM_FAMILIES and shape[0] != 1:
        return [
            f"model.family: {family} listens to samples, here is a {shape[0]}x{shape[1]} picture; features=waveform"
        ]
    if family not in WAVEFORM_FAMILIES and shape[0] == 1:
        return [f"model.family: {family} takes a picture, here are samples; e.g. features=mel_db"]
    if family in WAVEFORM_FAMILIES and shape[1] < MIN_SAMPLES:
        return [f"model.family: {family} needs {MIN_SAMPLES} samples or more, a segment has {shape[1]}"]
    return []


def _classes(family: str) -> tuple[Any, Any]:
    """Configuration and network of a family; imported when asked for, it takes seconds."""
    try:
        import transformers

        kind, model = (getattr(transformers, name) for name in CLASSES[family])
    except ImportError as error:
        told = "model 'encoder' needs transformers, which is not installed; pip install 'genrelab[transformers]'"
        raise ConfigError([told]) from error
    return kind, model


def _random_encoder(family: str, width: int, layers: int, heads: int) -> Any:
    """A small encoder, drawn at random."""
    kind, model = _classes(family)
    if family == "clap":
        stages = [1] * layers
        top = width * 2 ** (layers - 1)
        half = {"patch_embeds_hidden_size": width, "hidden_size": top, "depths": stages, "spec_size": 64 * layers}
        return model(kind(**half, num_attention_heads=[heads] * layers, window_size=4, num_mel_bins=CLAP_BANDS))
    sizes = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}
    sizes["intermediate_size"] = 4 * width
    if family == "ast":
        return model(kind(**sizes, num_mel_bins=64, max_length=128, frequency_stride=16, time_stride=16))
    convolutions = {"conv_dim": (32,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": heads}
    return model(kind(**sizes, **convolutions, apply_spec_augment=False, layerdrop=0.0))


def _pretrained(family: str, weights: str) -> Any:
    """An encoder from a folder; nothing is downloaded."""
    folder = Path(weights).expanduser()
    if not (folder / "config.json").is_file():
        told = f"model.weights: {folder}: no config.json in it; give the folder of a downloaded model, or null"
        raise ConfigError([told])
    kind, model = _classes(family)
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        said = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type", "")
        accepted = (kind.model_type, "clap") if family == "clap" else (kind.model_type,)
        if said not in accepted:
            raise ConfigError([f"model.weights: {folder}: of a {said!r}, not of model.family={family}"])
        if torch.get_default_device().type == "meta":  # only its shapes are asked for
            return model(kind.from_pretrained(folder, local_files_only=True))
        net = model.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError([f"model.weights: {folder}: cannot be read ({first})"]) from error
    if family in WAVEFORM_FAMILIES:
        net.config.apply_spec_augment, net.config.layerdrop = False, 0.0
    return net

"""A run's features and network as one torch module that exporters can follow: waveform in, logits out.

Training's own features (`features.batched`) are drawn with real numbers only: the spectrum is a convolution with
sines and cosines, PCEN's recursion one product with its impulse responses (exact, not cut off), and what is rounded
in the store is rounded here too. Each agrees with the run to 1e-3 of the logits' range, see `docs/export.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genrelab.datamodules.normalizer import Normalizer
from genrelab.features import Feature, FeatureSpec, TimeFrequencyFeature, build_feature
from genrelab.features.backends.torch_backend import TorchTransforms
from genrelab.features.raw_waveform import Samples
from genrelab.postprocessing import MULTICLASS, OutputType
from genrelab.utils.errors import GenrelabError


class UnsupportedInExport(GenrelabError):
    """A feature that cannot be drawn inside an exported model."""


class ExportableTransforms(TorchTransforms):
    """`TorchTransforms` without complex numbers and without a cache of its own: constants are a module's buffers."""

    def __init__(self, samples: Tensor, sample_rate: int, constants: BufferCache) -> None:
        super().__init__(samples, sample_rate)
        self.constants = constants

    def _constant(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Tensor:
        return self.constants.get((*key, self.sample_rate), make)

    def power(self, n_fft: int, hop_length: int) -> Any:
        """|STFT| squared [B, bins, frames]: two convolutions' squares."""

        def make() -> Tensor:
            basis = self._constant(("fourier", n_fft), lambda: dft_basis(n_fft))
            padded = nn.functional.pad(self.sound[:, None], (n_fft // 2, n_fft // 2))
            waves = nn.functional.conv1d(padded, basis, stride=hop_length)
            bins = 1 + n_fft // 2
            return waves[:, :bins].square() + waves[:, bins:].square()

        return self.cached(("power", n_fft, hop_length), make)

    def magnitude(self, n_fft: int, hop_length: int) -> Any:
        """|STFT|."""
        return self.cached(("magnitude", n_fft, hop_length), lambda: self.power(n_fft, hop_length).sqrt())

    def stft(self, n_fft: int, hop_length: int) -> Any:
        """None: phases are complex."""
        raise UnsupportedInExport("it needs phases")

    def cqt(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> Any:
        """None: filters of a hundred tunings would be a hundred times the network."""
        raise UnsupportedInExport("it needs a constant-Q transform")

    def tunings(self, n_fft: int, hop_length: int, bins_per_octave: int, from_power: bool) -> Any:
        """None: picking each window's own filters does not export for any number of windows."""
        raise UnsupportedInExport("its tuning is estimated; a fixed one (tuning: 0.0) goes inside")

    def hpss(self, n_fft: int, hop_length: int, kernel_size: int, margin: float) -> Any:
        """None: running medians have no operator in ONNX."""
        raise UnsupportedInExport("it needs running medians")


class BufferCache(nn.Module):
    """Filter banks by key; made at the first call, there as buffers ever after."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[tuple[Any, ...], str] = {}

    def get(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Tensor:
        """The constant under `key`, float32."""
        if key not in self.names:
            self.names[key] = f"c{len(self.names)}"
            value = torch.as_tensor(np.array(make()), dtype=torch.float32)
            self.register_buffer(self.names[key], value, persistent=False)
        found: Tensor = getattr(self, self.names[key])
        return found


class FeatureFrontEnd(nn.Module):
    """Waveforms `[B, n_samples]` to the network's inputs, rounded and normalized as in training.

    Args:
        specs: features, in the order of the network's inputs.
        normalizer: fitted on the run's train part.

    Raises:
        UnsupportedInExport: one of the features cannot be drawn; the line names it.
    """

    def __init__(self, specs: Sequence[FeatureSpec], normalizer: Normalizer) -> None:
        super().__init__()
        self.specs = tuple(specs)
        self.kinds: tuple[Feature, ...] = tuple(build_feature(spec) for spec in specs)
        self.normalizer = normalizer
        self.constants = BufferCache()
        self._check()

    def forward(self, samples: Tensor) -> tuple[Tensor, ...]:
        """One float32 tensor `[B, *spec.shape]` for each feature."""
        audio: Any = ExportableTransforms(samples, self.specs[0].sample_rate, self.constants)
        drawn: list[Any] = [kind.compute(audio) for kind in self.kinds]
        return tuple(self.normalizer([_rounded(spec, one) for spec, one in zip(self.specs, drawn, strict=True)]))

    def _check(self) -> None:
        """Draw each feature of silence once, which makes its constants too."""
        for spec, kind in zip(self.specs, self.kinds, strict=True):
            if not isinstance(kind, TimeFrequencyFeature | Samples):
                raise UnsupportedInExport(f"feature {spec.name!r} ({spec.kind}) is not drawn by torch")
            audio: Any = ExportableTransforms(torch.zeros(1, spec.n_samples), spec.sample_rate, self.constants)
            try:
                kind.compute(audio)
            except UnsupportedInExport as error:
                raise UnsupportedInExport(f"feature {spec.name!r} ({spec.kind}): {error}") from error


class ExportedClassifier(nn.Module):
    """A network with its probabilities: `(samples)` or `(*features)` to `(logits, probabilities)`, each `[B, C]`.

    Args:
        model: the network.
        front_end: what makes its inputs of waveforms; None takes features that are normalized already.
        temperature: of a window's logits, fitted on val.
        output_type: of the logits: one genre a track, or several.
    """

    def __init__(
        self,
        model: nn.Module,
        front_end: FeatureFrontEnd | None,
        temperature: float,
        output_type: OutputType = MULTICLASS,
    ) -> None:
        super().__init__()
        self.model = model
        self.front_end = front_end
        self.temperature = temperature
        self.output_type = output_type

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits as in training, and calibrated probabilities of windows."""
        features = inputs if self.front_end is None else self.front_end(inputs[0])
        logits: Tensor = self.model(*features).float()
        return logits, self.output_type.tensor_probabilities(logits / self.temperature)


def dft_basis(n_fft: int) -> np.ndarray:
    """Windowed cosines, then sines, `[2 * (1 + n_fft/2), 1, n_fft]`: a convolution with them is the Fourier transform.

    Source: `librosa.stft` with its Hann window.
    """
    time, bins = np.arange(n_fft), np.arange(1 + n_fft // 2)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * time / n_fft)
    angle = 2 * np.pi * ((bins[:, None] * time) % n_fft) / n_fft
    return np.concatenate([hann * np.cos(angle), hann * np.sin(angle)])[:, None]


def _rounded(spec: FeatureSpec, values: Tensor) -> Tensor:
    """Values as the store holds them, which is what the normalizer was fitted on; too large ones are clipped."""
    if spec.dtype == "float16":
        return values.clamp(-65504.0, 65504.0).half().float()
    if spec.dtype == "uint8":
        first, last = spec.scale or (0.0, 1.0)
        return ((values - first) * (255 / (last - first))).round().clamp(0, 255)
    return values

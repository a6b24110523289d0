"""Features of many segments at once in torch, on any device: the same numbers to 1e-3 of the peak.

`TorchTransforms` is `LibrosaTransforms` over tensors `[B, ...]`; features call it as they call the others. On a GPU it
outruns them; on a CPU the numba backend does. Training uses it to compute features inside the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genrelab.features.backends.librosa_backend import C1_HZ, LibrosaTransforms
from genrelab.features.backends.torch_cqt import GRID, Tunings, constant, constant_q, estimate_tunings, stft
from genrelab.features.resize import area_weights, linear_weights

AMIN = 1e-10
MEDIAN_CELLS = 1 << 26  # values laid out at once for running medians, 256 MiB


@contextmanager
def single_precision(device: torch.device) -> Iterator[None]:
    """Single precision, also inside a training step of mixed precision and where TF32 is allowed."""
    backends: tuple[Any, ...] = torch.backends.cuda.matmul, torch.backends.cudnn
    allowed = [backend.allow_tf32 for backend in backends]
    mixed = torch.amp.is_autocast_available(device.type)
    try:
        for backend in backends:
            backend.allow_tf32 = False
        with torch.autocast(device.type, enabled=False) if mixed else nullcontext():
            yield
    finally:
        for backend, before in zip(backends, allowed, strict=True):
            backend.allow_tf32 = before


class TorchTransforms(LibrosaTransforms):
    """A batch of segments and its transforms; where `LibrosaTransforms` says [bins, frames], this has
    [B, bins, frames].

    Args:
        samples: [B, T] float32.
        sample_rate: Hz.
    """

    def __init__(self, samples: Tensor, sample_rate: int) -> None:
        super().__init__(samples, sample_rate)  # type: ignore[arg-type]
        self.sound = samples

    def _constant(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Tensor:
        """A filter bank on this device, made once for all batches."""
        return constant(self.sound.device, (*key, self.sample_rate), make)

    def resize(self, feature_map: Any, rows: int | None, frames: int | None) -> Any:
        """Averaged over time to `frames` columns, over frequency to `rows`."""
        height, width = feature_map.shape[-2:]
        if frames is not None and frames != width:
            over_time = self._constant(("area", width, frames), lambda: area_weights(width, frames).toarray())
            feature_map = feature_map @ over_time.T
        if rows is not None and rows != height:
            weights = area_weights if rows < height else linear_weights
            feature_map = self._constant(("rows", height, rows), lambda: weights(height, rows).toarray()) @ feature_map
        return feature_map

    def stack(self, parts: Sequence[Any]) -> Any:
        """Pictures on top of each other."""
        return torch.cat(list(parts), dim=-2)

    def stft(self, n_fft: int, hop_length: int) -> Any:
        """[B, 1 + n_fft/2, frames] complex64."""
        window = self._constant(("hann", n_fft), lambda: torch.hann_window(n_fft).numpy())
        return self.cached(("stft", n_fft, hop_length), lambda: stft(self.sound, n_fft, hop_length, window))

    def magnitude(self, n_fft: int, hop_length: int) -> Any:
        """|STFT|."""
        return self.cached(("magnitude", n_fft, hop_length), lambda: self.stft(n_fft, hop_length).abs())

    def mel_from_power(self, power: Any, n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float | None = None) -> Any:
        """Mel bands [B, n_mels, frames]."""
        import librosa

        def bank() -> np.ndarray:
            return librosa.filters.mel(sr=self.sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)

        return self._constant(("bank", n_fft, n_mels, fmin, fmax), bank) @ power

    def decibels(self, power: Any, top_db: float | None = 80.0) -> Any:
        """dB of full scale, not more than `top_db` under each segment's loudest."""
        found = 10 * power.clamp(min=AMIN).log10()
        if top_db is None:
            return found
        return torch.maximum(found, found.amax(dim=(-2, -1), keepdim=True) - top_db)

    def pcen(self, mel: Any, hop_length: int, gain: float, bias: float, power: float, time_constant: float) -> Any:
        """Per-channel energy normalization; the smoother, a recursion, is one product with its impulse responses."""
        steps = time_constant * self.sample_rate / hop_length
        share = (np.sqrt(1 + 4 * steps**2) - 1) / (2 * steps**2)
        frames = mel.shape[-1]

        def responses() -> np.ndarray:
            lag = np.subtract.outer(np.arange(frames), np.arange(frames)).T  # [from, to]
            return np.where(lag >= 0, share * (1 - share) ** np.maximum(lag, 0), 0.0)

        fading = self._constant(("fading", share, frames), lambda: (1 - share) ** np.arange(1, frames + 1))
        smooth = mel @ self._constant(("responses", share, frames), responses) + fading
        levelled = mel * torch.exp(-gain * torch.log(smooth + 1e-6))
        if power == 0:
            return levelled.log1p()
        if bias == 0:
            return levelled**power
        return bias**power * torch.expm1(power * torch.log1p(levelled / bias))

    def mfcc(self, log_mel: Any, n_mfcc: int) -> Any:
        """Cepstral coefficients [B, n_mfcc, frames]."""
        import scipy.fft

        bands = log_mel.shape[-2]
        return (
            self._constant(("dct", bands, n_mfcc), lambda: scipy.fft.dct(np.eye(bands), axis=0, norm="ortho")[:n_mfcc])
            @ log_mel
        )

    def delta(self, coefficients: Any, order: int) -> Any:
        """Differences over nine frames."""
        frames = coefficients.shape[-1]
        mode = "interp" if frames >= 9 else "nearest"

        def differences() -> np.ndarray:
            import librosa

            return librosa.feature.delta(np.eye(frames), order=order, mode=mode)

        return coefficients @ self._constant(("delta", frames, order), differences)

    def hpss(self, n_fft: int, hop_length: int, kernel_size: int, margin: float) -> Any:
        """Harmonic and percussive magnitude."""

        def make() -> tuple[Tensor, Tensor]:
            magnitude = self.magnitude(n_fft, hop_length)
            lasting = running_median(magnitude, kernel_size)
            striking = running_median(magnitude.transpose(-2, -1), kernel_size).transpose(-2, -1)
            split = margin == 1
            return (
                magnitude * _soft_mask(lasting, striking * margin, split),
                magnitude * _soft_mask(striking, lasting * margin, split),
            )

        return self.cached(("hpss", n_fft, hop_length, kernel_size, margin), make)

    def tunings(self, n_fft: int, hop_length: int, bins_per_octave: int, from_power: bool) -> Tunings:
        """Deviation of each segment from A440, of those in `GRID`, in shares of a bin."""

        def make() -> Tunings:
            spectrum: Any = self.power(n_fft, hop_length) if from_power else self.magnitude(n_fft, hop_length)
            return Tunings(GRID, estimate_tunings(spectrum, self.sample_rate, bins_per_octave))

        return self.cached(("tunings", n_fft, hop_length, bins_per_octave, from_power), make)  # type: ignore[no-any-return]

    def _fixed(self, tuning: float) -> Tunings:
        return Tunings((tuning,), torch.zeros(len(self.sound), dtype=torch.int64, device=self.sound.device))

    def chroma_stft(self, n_fft: int, hop_length: int, tuning: float | None) -> Any:
        """Chroma [B, 12, frames] from the power spectrogram."""
        from genrelab.features.backends.numba_backend.chroma import bin_classes

        grid, which = self.tunings(n_fft, hop_length, 12, from_power=True) if tuning is None else self._fixed(tuning)
        banks = self._constant(
            ("bins", n_fft, grid), lambda: np.stack([bin_classes(self.sample_rate, n_fft, one).T for one in grid])
        )
        power: Any = self.power(n_fft, hop_length)
        return normalize_frames(banks[which] @ power, float("inf"))

    def cqt(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> Any:
        """|constant-Q transform| [B, bins, frames] from C1."""

        def make() -> Tensor:
            found = self._fixed(tuning) if tuning is not None else self.tunings(2048, 512, bins_per_octave, False)
            return constant_q(self.sound, self.sample_rate, hop_length, n_octaves, bins_per_octave, found)

        return self.cached(("cqt", hop_length, n_octaves, bins_per_octave, tuning), make)

    def _raw_chroma(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> Tensor:
        import librosa

        octaves = self.octaves(n_octaves)
        bins = octaves * bins_per_octave
        classes = self._constant(
            ("classes", bins, bins_per_octave),
            lambda: librosa.filters.cq_to_chroma(bins, bins_per_octave=bins_per_octave, n_chroma=12, fmin=C1_HZ),
        )
        return classes @ self.cqt(hop_length, octaves, bins_per_octave, tuning)  # type: ignore[no-any-return]

    def chroma_cqt(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> Any:
        """Chroma [B, 12, frames] from the constant-Q transform."""
        return normalize_frames(self._raw_chroma(hop_length, n_octaves, bins_per_octave, tuning), float("inf"))

    def chroma_cens(
        self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None, smooth_frames: int
    ) -> Any:
        """Chroma quantized and smoothed over time [B, 12, frames]."""
        from genrelab.features.backends.numba_backend.chroma import CENS_STEPS, smoothing_window

        shares = normalize_frames(self._raw_chroma(hop_length, n_octaves, bins_per_octave, tuning), 1)
        quantized = torch.stack([(shares > step).float() for step in CENS_STEPS]).sum(dim=0) / len(CENS_STEPS)
        window = self._constant(("smoother", smooth_frames), lambda: smoothing_window(smooth_frames))
        half = (len(window) - 1) // 2
        padded = torch.nn.functional.pad(quantized, (len(window) - 1 - half, half))
        return normalize_frames(padded.unfold(-1, len(window), 1) @ window, 2)

    def tonnetz(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> Any:
        """Tonal centroids [B, 6, frames]."""
        from genrelab.features.backends.numba_backend.chroma import tonnetz_basis

        chroma = normalize_frames(self.chroma_cqt(hop_length, n_octaves, bins_per_octave, tuning), 1)
        return self._constant(("circles",), lambda: tonnetz_basis().T) @ chroma


def normalize_frames(values: Tensor, norm: float) -> Tensor:
    """`[B, classes, frames]` divided by each frame's norm; silent frames stay as they are."""
    length = torch.linalg.vector_norm(values, ord=norm, dim=-2, keepdim=True)
    return values / torch.where(length < torch.finfo(torch.float32).tiny, 1.0, length)


def running_median(values: Tensor, size: int) -> Tensor:
    """Medians of `size` values along the last axis of `[B, A, T]`, mirrored at the ends as scipy's `median_filter`."""
    count = values.shape[-1]
    at = torch.arange(-(size // 2), count + size - 1 - size // 2, device=values.device) % (2 * count)
    padded = values[..., torch.where(at < count, at, 2 * count - 1 - at)]
    rows = max(1, MEDIAN_CELLS // (len(values) * count * size))
    parts = [
        padded[:, first : first + rows].unfold(-1, size, 1).kthvalue(size // 2 + 1, dim=-1).values
        for first in range(0, values.shape[-2], rows)
    ]
    return torch.cat(parts, dim=-2)


def _soft_mask(part: Tensor, rival: Tensor, split: bool) -> Tensor:
    """`librosa.util.softmask` with power 2; nothing against nothing is shared where `split`."""
    loud = torch.maximum(part, rival)
    some = loud >= torch.finfo(torch.float32).tiny
    scale = torch.where(some, loud, 1.0)
    ours, theirs = (part / scale) ** 2, (rival / scale) ** 2
    return torch.where(some, ours / torch.where(some, ours + theirs, 1.0), 0.5 if split else 0.0)

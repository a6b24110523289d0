"""Augmentation of many segments at once in torch, on any device: `apply_batch` of the changes in `changes` and `noise`.

Nothing is read back from the device, so that a training step never waits for it.
"""

from __future__ import annotations

import torch
from torch import Tensor

TINY = torch.finfo(torch.float32).tiny


def time_stretch(samples: Tensor, rate: float, n_fft: int = 2048) -> Tensor:
    """Change tempo, keep pitch: `vocoder.time_stretch` of each row of `[B, T]`, as `[B, round(T / rate)]`.

    Args:
        samples: `[B, T]` float32.
        rate: how many times as fast.
        n_fft: window, samples (Hann); a quarter of it lies between frames.
    """
    hop = n_fft // 4
    window = torch.hann_window(n_fft, device=samples.device)
    spectra = torch.stft(samples, n_fft, hop, window=window, center=True, pad_mode="constant", return_complex=True)
    at = torch.arange(0, spectra.shape[-1], rate, dtype=torch.float64, device=samples.device)
    before, later = at.long(), (at % 1).float()
    spectra = torch.nn.functional.pad(spectra, (0, 2))  # two frames of silence follow the last
    size = spectra.abs()
    turns = torch.where(size < TINY, 1.0, spectra / size.clamp(min=TINY))
    size = (1 - later) * size[..., before] + later * size[..., before + 1]
    grown = turns[..., before + 1] * turns[..., before].conj()
    phase = torch.cat([turns[..., :1], grown[..., :-1]], dim=-1).cumprod(dim=-1)
    phase = phase / phase.abs().clamp(min=TINY)  # rounding must not change the length
    return _overlapped(torch.fft.irfft(size * phase, n=n_fft, dim=1), window, hop, round(samples.shape[-1] / rate))


def _overlapped(frames: Tensor, window: Tensor, hop: int, length: int) -> Tensor:
    """Windowed frames `[B, n_fft, count]` added up `[B, length]` and divided by the windows' own sum (`istft`)."""
    n_fft, count = frames.shape[1:]
    size = n_fft + hop * (count - 1)

    def added(pieces: Tensor) -> Tensor:
        return torch.nn.functional.fold(pieces, (1, size), (1, n_fft), stride=(1, hop))[:, 0, 0]

    level = added((window**2)[None, :, None].expand(1, n_fft, count))
    sound = added(frames * window[:, None]) / torch.where(level > TINY, level, 1.0)
    sound = sound[:, n_fft // 2 : n_fft // 2 + length]
    return torch.nn.functional.pad(sound, (0, length - sound.shape[-1]))


def pitch_shift(samples: Tensor, semitones: float) -> Tensor:
    """Change pitch, keep tempo, each row of `[B, T]` by as much: time stretch, then back to T samples.

    Resampled by cutting or filling up the spectrum of the whole segment, where `vocoder.pitch_shift` has soxr: all
    below half the rate passes, and the segment's end rings a few samples into its beginning.
    """
    length = samples.shape[-1]
    stretched = time_stretch(samples, 2.0 ** (-semitones / 12))
    spectrum = torch.fft.rfft(stretched)
    shifted: Tensor = torch.fft.irfft(spectrum, n=length) * (length / stretched.shape[-1])
    return shifted


def pink_noise(like: Tensor) -> Tensor:
    """Noise with power 1/f, mean 0 and RMS 1 in each row, of the shape `[B, T]` and on the device of `like`."""
    count, length = like.shape
    bins = 1 + length // 2
    spectrum = torch.view_as_complex(torch.randn(count, bins, 2, device=like.device))
    frequency = torch.arange(bins, device=like.device).clamp(min=1)
    spectrum = spectrum * (torch.arange(bins, device=like.device) > 0) / frequency.sqrt()
    noise: Tensor = torch.fft.irfft(spectrum, n=length)
    return noise / noise.square().mean(dim=1, keepdim=True).sqrt()


def uniform(samples: Tensor, lowest: float, highest: float) -> Tensor:
    """A number for each row, `[B, 1]`, between the two."""
    return lowest + (highest - lowest) * torch.rand(len(samples), 1, device=samples.device)


def random_uniform(lowest: float, highest: float) -> float:
    """One number between the two."""
    return lowest + (highest - lowest) * float(torch.rand(()))


def apply_to_rows(samples: Tensor, chosen: Tensor, change: object, sample_rate: int) -> Tensor:
    """`samples` `[B, T]` with the rows that `chosen` (`[B]` bool, on the CPU) names changed by `change.apply_batch`."""
    rows = chosen.nonzero()[:, 0].to(samples.device, non_blocking=True)
    if not len(rows):
        return samples
    return samples.index_copy(0, rows, change.apply_batch(samples[rows], sample_rate))  # type: ignore[attr-defined]

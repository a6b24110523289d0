"""A robust print of a recording, which other encodings, gains and offsets of it share (Haitsma & Kalker 2002).

Every 46 ms a word of 32 bits holds, for 32 pairs of neighboring bands from 300 to 2,000 Hz, whether the difference of
their energies is larger than it was 0.37 s before. The words of two copies agree in most bits at their offset, those of
different recordings in half of them. Changes of speed, pitch or tempo are not found.
"""

from __future__ import annotations

import numpy as np

RATE = 5_512.5  # Hz that a print is taken at
_FRAME, _HOP = 2048, 256  # samples, 0.37 s and 46 ms
_LAG = 8  # frames between the two energies of a bit: at one frame copies differ in half as many bits again
_BITS = 32
_LOWEST_HZ, _HIGHEST_HZ = 300, 2_000
_SILENT = 1e-6  # of the loudest frame's energy, under which a frame has no print
_BLOCK = 1024  # frames that are transformed at once
MAX_WORDS = 1 << 14  # of one print, of the first 12 minutes
WORD_SECONDS = _HOP / RATE
NO_WORD = 0  # where one of its two frames is silent
_EDGES = np.round(np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BITS + 2) * _FRAME / RATE).astype(np.int64)


def acoustic_print(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the print of a recording.

    Args:
        samples: `[T]` float32, silence at both ends cut: it would make the ends of all recordings alike.
        sample_rate: Hz.

    Returns:
        `[N]` uint32, a word every `WORD_SECONDS`, of the first `MAX_WORDS`; `NO_WORD` where there is nothing to
        compare. Empty for a recording under 0.75 s.
    """
    import soxr

    most = (MAX_WORDS + _LAG - 1) * _HOP + _FRAME
    samples = samples[: int(np.ceil(most * sample_rate / RATE))]
    resampled = soxr.resample(samples, sample_rate, RATE, quality="LQ")[:most]
    if len(resampled) < _FRAME + _LAG * _HOP:
        return np.zeros(0, np.uint32)
    energies = _band_energies(np.asarray(resampled, np.float32))
    differences = energies[:, :-1] - energies[:, 1:]
    bits = differences[_LAG:] > differences[:-_LAG]
    words = np.packbits(bits, axis=1).view(np.uint32)[:, 0]
    total = energies.sum(axis=1)
    loud = total > _SILENT * total.max()
    words[~(loud[_LAG:] & loud[:-_LAG])] = NO_WORD
    return words


def _band_energies(samples: np.ndarray) -> np.ndarray:
    """`[F, 33]` energy of each frame's bands; the frames overlap by seven eighths."""
    from scipy.fft import rfft

    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP]
    window = np.hanning(_FRAME).astype(np.float32)
    energies = np.empty((len(frames), _BITS + 1), np.float32)
    first, last = int(_EDGES[0]), int(_EDGES[-1])
    for at in range(0, len(frames), _BLOCK):  # a frame a hop is eight times the recording
        spectrum = rfft(frames[at : at + _BLOCK] * window, axis=1)[:, first:last]
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        energies[at : at + _BLOCK] = np.add.reduceat(power, _EDGES[:-1] - first, axis=1)
    return energies


def bit_errors(a: np.ndarray, b: np.ndarray) -> tuple[float, int]:
    """Compare two prints of the same length where both have words.

    Returns:
        The share of bits that differ (1 where there is nothing to compare), and the words compared.
    """
    known = (a != NO_WORD) & (b != NO_WORD)
    words = int(np.count_nonzero(known))
    differing = int(np.bitwise_count(a[known] ^ b[known]).sum(dtype=np.int64))
    return differing / (_BITS * words) if words else 1.0, words

"""Whether an exported file says what the run says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCE = 1e-3  # of the logits' range
N_WINDOWS = 6  # windows


@dataclass(frozen=True)
class Parity:
    """The largest difference of logits over windows, and what it is measured against.

    Args:
        error: largest absolute difference.
        span: highest logit minus lowest, over all windows.
        windows: how many were compared.
        same: whether each window's likeliest genre is the same.
    """

    error: float
    span: float
    windows: int
    same: bool

    @property
    def share(self) -> float:
        """The difference as a share of the range."""
        return self.error / max(self.span, 1e-12)

    @property
    def within_tolerance(self) -> bool:
        """Whether it is within `TOLERANCE`, with the same answers."""
        return self.share <= TOLERANCE and self.same


def measure_parity(own: np.ndarray, exported: np.ndarray) -> Parity:
    """Compare logits `[S, C]`; a tie that turns within the tolerance is the same answer."""
    error, span = float(np.abs(own - exported).max()), float(np.ptp(own))
    best = np.take_along_axis(own, exported.argmax(axis=1)[:, None], axis=1)[:, 0]
    same = bool((own.max(axis=1) - best <= 2 * TOLERANCE * span).all())
    return Parity(error, span, len(own), same)


def parity_inputs(n_samples: int, sample_rate: int) -> np.ndarray:
    """Made-up windows `[TRIED, n_samples]` float32, loud and quiet: chords with beats, sweeps, noise."""
    generator = np.random.default_rng(0)
    time = np.arange(n_samples) / sample_rate
    rows = []
    for number in range(N_WINDOWS):
        pitches = 55 * 2 ** (generator.integers(0, 48, size=4) / 12)
        chord = sum(np.sin(2 * np.pi * pitch * part * time) / part for pitch in pitches for part in (1, 2, 3))
        beats = np.exp(-6 * ((time * generator.uniform(1.2, 3)) % 1))
        noise = generator.normal(size=n_samples) * np.exp(-20 * ((time * 4) % 1))
        rows.append((0.15 * chord * beats + 0.1 * noise) * 10 ** (-number / 3))
    found: np.ndarray = np.clip(np.stack(rows), -1, 1).astype(np.float32)
    return found

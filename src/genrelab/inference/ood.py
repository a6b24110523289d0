"""When no genre is named: silence, noise, speech, too little sound, or logits unlike those of the run's own music.

A network is as sure of noise as of music, so noise and speech are told by the sound itself, see
`genrelab.audio.content_detection`. Music that the network was never taught shows in its logits. The bounds of both are
fitted on val.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genrelab.audio.content_detection import SHARE, SPREAD, ContentThresholds, analyze_content
from genrelab.postprocessing.output_type import MULTICLASS, OutputType

MIN_SECONDS = 0.5  # seconds
TOO_SHORT, UNLIKE_TRAINING = "too short", "unlike the training music"


@dataclass(frozen=True)
class OODThresholds:
    """What val's tracks keep to: mean energy of their windows at least, entropy at most."""

    energy: float = -np.inf
    entropy: float = np.inf


def fit_ood_thresholds(energies: np.ndarray, entropies: np.ndarray) -> OODThresholds:
    """Bounds that leave out 1 % of val's tracks; of few tracks they are widened as a normal distribution would be."""
    low = min(np.quantile(energies, SHARE), energies.mean() - SPREAD * energies.std())
    high = max(np.quantile(entropies, 1 - SHARE), entropies.mean() + SPREAD * entropies.std())
    return OODThresholds(float(low), float(high))


def rejection_reason(
    samples: np.ndarray,
    sample_rate: int,
    logits: np.ndarray,
    probabilities: np.ndarray,
    thresholds: OODThresholds,
    output_type: OutputType = MULTICLASS,
    content_thresholds: ContentThresholds | None = None,
) -> str | None:
    """Why a recording gets no answer; None where it gets one.

    Args:
        samples: `[T]` float32, trimmed of silence.
        sample_rate: Hz.
        logits: `[S, C]` of its windows.
        probabilities: `[C]` calibrated, of the whole.
        thresholds: of the logits, fitted on val.
        output_type: of the logits.
        content_thresholds: bounds of the sound, fitted on val; None takes those that fit all music.
    """
    content_thresholds = content_thresholds or ContentThresholds()
    found = analyze_content(samples, sample_rate)
    if found.loudness < content_thresholds.loudness:
        return "silence"
    if len(samples) < MIN_SECONDS * sample_rate:
        return TOO_SHORT
    if found.flatness > content_thresholds.flatness:
        return "noise"
    if found.speech > content_thresholds.speech:
        return "speech"
    if (
        output_type.energy(logits).mean() < thresholds.energy
        or output_type.entropy(probabilities[None])[0] > thresholds.entropy
    ):
        return UNLIKE_TRAINING
    return None

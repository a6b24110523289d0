"""Offline augmentation: further copies of each train segment, their parameters data, their chance keyed."""

from __future__ import annotations

from typing import Literal

import numpy as np

from genrelab.audio.noise import GaussianNoise, PinkNoise, PublishedNoise
from genrelab.audio.registry import AUGMENTS
from genrelab.audio.segmentation import keyed_rng
from genrelab.audio.transforms import Augment, Chain, PitchShift, RandomPitch, Shift, TimeStretch
from genrelab.utils.errors import ConfigError


def augment_rng(data_seed: int, track_id: str, segment: int, name: str) -> np.random.Generator:
    """The generator of one augmented copy: it depends on nothing else, so any worker makes the same copy."""
    return keyed_rng("augment", data_seed, track_id, segment, name)


@AUGMENTS.register("none")
def none() -> tuple[Augment, ...]:
    """No copies: train on the originals."""
    return ()


@AUGMENTS.register("pitch_noise")
def pitch_noise(
    semitones: float = 1.0, noise_level: float = 0.005, noise_reference: Literal["absolute", "rms"] = "absolute"
) -> tuple[Augment, ...]:
    """Two copies, three times the data (A11): pitch shift, and true pink noise.

    Args:
        semitones: shift of the first copy.
        noise_level: RMS of the second copy's noise.
        noise_reference: full scale, or the segment's RMS.
    """
    _check(semitones, noise_level)
    return PitchShift(float(semitones)), PinkNoise(float(noise_level), noise_reference)


@AUGMENTS.register("published")
def published(semitones: float = 1.0, noise_level: float = 0.005, normalize_peak: bool = True) -> tuple[Augment, ...]:
    """A11 as its code has it: pitch shift, and `PublishedNoise` with its level cue.

    Args:
        semitones: shift of the first copy.
        noise_level: peak of the second copy's noise.
        normalize_peak: scale the noisy copy, and only it, to a peak of 1.
    """
    _check(semitones, noise_level)
    return PitchShift(float(semitones)), PublishedNoise(float(noise_level), normalize_peak)


@AUGMENTS.register("weak")
def weak(lowest: float = 0.001, highest: float = 0.015) -> tuple[Augment, ...]:
    """One copy with white noise (C10).

    Args:
        lowest: least RMS of the noise.
        highest: greatest.
    """
    _check_noise(lowest, highest)
    return (GaussianNoise(float(lowest), float(highest)),)


@AUGMENTS.register("strong")
def strong(
    lowest: float = 0.001,
    highest: float = 0.015,
    slowest: float = 0.8,
    fastest: float = 1.25,
    semitones: float = 4.0,
    shift: float = 0.5,
    probability: float = 0.5,
) -> tuple[Augment, ...]:
    """One copy with white noise, time stretch, pitch shift and a shift in time, each by chance (C11).

    Args:
        lowest: least RMS of the noise.
        highest: greatest.
        slowest: least rate of the stretch.
        fastest: greatest.
        semitones: most shift of pitch, up or down.
        shift: most shift in time, a share of the segment.
        probability: of each change.
    """
    _check_noise(lowest, highest)
    problems = []
    if not 0.25 <= slowest <= fastest <= 4:
        problems.append(f"augment.slowest, fastest: {slowest}, {fastest}; use 0.25 to 4, the slower first")
    if not 0 < semitones <= 24:
        problems.append(f"augment.semitones: {semitones}; use more than 0, at most 24")
    if not 0 < shift <= 1:
        problems.append(f"augment.shift: {shift}; use more than 0, at most 1")
    if not 0 < probability <= 1:
        problems.append(f"augment.probability: {probability}; use more than 0, at most 1")
    if problems:
        raise ConfigError(problems)
    noise, stretch = GaussianNoise(float(lowest), float(highest)), TimeStretch(float(slowest), float(fastest))
    return (Chain((noise, stretch, RandomPitch(float(semitones)), Shift(float(shift))), float(probability)),)


def _check_noise(lowest: float, highest: float) -> None:
    if not 0 < lowest <= highest:
        raise ConfigError([f"augment.lowest, highest: {lowest}, {highest}; use more than 0, the lower first"])


def _check(semitones: float, noise_level: float) -> None:
    problems = []
    if semitones == 0 or abs(semitones) > 24:
        problems.append(f"augment.semitones: {semitones}; use -24 to 24 and not 0, which would be the original again")
    if noise_level <= 0:
        problems.append(f"augment.noise_level: {noise_level}; use more than 0")
    if problems:
        raise ConfigError(problems)

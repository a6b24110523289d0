"""Numbers about a whole segment: A14's scalars, and B04's 57 of GTZAN's feature table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.base import VectorFeature
from genrelab.features.registry import FEATURES

_CQT = (512, 7, 36, None)  # hop, octaves, bins an octave, tuning: librosa's defaults


@FEATURES.register("scalars")
@dataclass(frozen=True, kw_only=True)
class Scalars(VectorFeature):
    """A14's fourteen: means over time of librosa's features at their defaults (centroid, bandwidth, rolloff in Hz)."""

    def columns(self) -> list[str]:
        """The names of A14."""
        spectral = ["centroid", "bandwidth", "contrast", "flatness", "rolloff"]
        return [
            *("zcr", "rms", "tempo"),
            *(f"tonnetz_{i}" for i in range(6)),
            *(f"spectral_{name}" for name in spectral),
        ]

    def compute(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[14]."""
        spectral = transforms.spectral(2048, 512)
        values = [
            transforms.zero_crossings().mean(),
            transforms.rms().mean(),
            transforms.tempo(),
            *transforms.tonnetz(*_CQT).mean(axis=1),
            spectral["centroid"].mean(),
            spectral["bandwidth"].mean(),
            transforms.contrast(2048, 512).mean(),
            spectral["flatness"].mean(),
            spectral["rolloff"].mean(),
        ]
        return np.asarray(values, np.float32)


@FEATURES.register("tabular57")
@dataclass(frozen=True, kw_only=True)
class Tabular57(VectorFeature):
    """The 57 features of GTZAN's published feature table (B04), its names, its order.

    Mean and variance over time of chroma, RMS, centroid, bandwidth, rolloff, zero crossings; of the harmonic and
    percussive *signals* (their means are noise around 0); tempo; mean and variance of 20 MFCC. The variances
    reach millions (rolloff), over float16's 65504: keep float32. Computed over one segment: use
    `transforms=segments_30s` for the published 30-s table, `segments_3s` for the other.
    """

    def columns(self) -> list[str]:
        """The column names of features_30_sec.csv between `length` and `label`."""
        first = ["chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff"]
        first += ["zero_crossing_rate", "harmony", "perceptr"]
        mfcc = [f"mfcc{i}" for i in range(1, 21)]
        both = [[f"{name}_{what}" for name in names for what in ("mean", "var")] for names in (first, mfcc)]
        return [*both[0], "tempo", *both[1]]

    def compute(self, transforms: LibrosaTransforms) -> np.ndarray:
        """[57]."""
        spectral = transforms.spectral(2048, 512)
        log_mel = transforms.decibels(transforms.mel(2048, 512, 128, 0.0, None))
        series = [
            transforms.chroma_stft(2048, 512, None),
            transforms.rms(),
            spectral["centroid"],
            spectral["bandwidth"],
            spectral["rolloff"],
            transforms.zero_crossings(),
            *transforms.hpss_signals(),
        ]
        values = [value for row in series for value in (np.mean(row), np.var(row))]
        values.append(transforms.tempo())
        for row in transforms.mfcc(log_mel, 20):
            values += [np.mean(row), np.var(row)]
        return np.asarray(values, np.float32)

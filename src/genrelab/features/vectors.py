"""Numbers about a whole segment: A14's scalars, and B04's 57 of GTZAN's feature table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genrelab.features.analysis import Analysis
from genrelab.features.kind import Vector
from genrelab.registry import FEATURES

_CQT = (512, 7, 36, None)  # hop, octaves, bins an octave, tuning: librosa's defaults


@FEATURES.register("scalars")
@dataclass(frozen=True, kw_only=True)
class Scalars(Vector):
    """A14's fourteen: means over time of librosa's features at their defaults (centroid, bandwidth, rolloff in Hz)."""

    def columns(self) -> list[str]:
        """The names of A14."""
        spectral = ["centroid", "bandwidth", "contrast", "flatness", "rolloff"]
        return [
            *("zcr", "rms", "tempo"),
            *(f"tonnetz_{i}" for i in range(6)),
            *(f"spectral_{name}" for name in spectral),
        ]

    def compute(self, audio: Analysis) -> np.ndarray:
        """[14]."""
        import librosa

        feature, rate, magnitude = librosa.feature, audio.sample_rate, audio.magnitude(2048, 512)
        values = [
            feature.zero_crossing_rate(audio.samples).mean(),
            feature.rms(y=audio.samples).mean(),
            audio.tempo(),
            *audio.tonnetz(*_CQT).mean(axis=1),
            feature.spectral_centroid(S=magnitude, sr=rate).mean(),
            feature.spectral_bandwidth(S=magnitude, sr=rate).mean(),
            feature.spectral_contrast(S=magnitude, sr=rate, n_bands=contrast_bands(rate)).mean(),
            feature.spectral_flatness(S=magnitude).mean(),
            feature.spectral_rolloff(S=magnitude, sr=rate).mean(),
        ]
        return np.asarray(values, np.float32)


@FEATURES.register("tabular57")
@dataclass(frozen=True, kw_only=True)
class Tabular57(Vector):
    """The 57 features of GTZAN's published feature table (B04), its names, its order.

    Mean and variance over time of chroma, RMS, centroid, bandwidth, rolloff, zero crossings; of the harmonic and
    percussive *signals* (their means are noise around 0); tempo; mean and variance of 20 MFCC. The variances
    reach millions (rolloff), over float16's 65504: keep float32. Computed over one segment: use
    `audio=segments_30s` for the published 30-s table, `segments_3s` for the other.
    """

    def columns(self) -> list[str]:
        """The column names of features_30_sec.csv between `length` and `label`."""
        first = ["chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff"]
        first += ["zero_crossing_rate", "harmony", "perceptr"]
        mfcc = [f"mfcc{i}" for i in range(1, 21)]
        both = [[f"{name}_{what}" for name in names for what in ("mean", "var")] for names in (first, mfcc)]
        return [*both[0], "tempo", *both[1]]

    def compute(self, audio: Analysis) -> np.ndarray:
        """[57]."""
        import librosa

        feature, rate, magnitude = librosa.feature, audio.sample_rate, audio.magnitude(2048, 512)
        log_mel = librosa.power_to_db(audio.mel(2048, 512, 128, 0.0, None))
        series = [
            audio.chroma_stft(2048, 512, None),
            feature.rms(y=audio.samples),
            feature.spectral_centroid(S=magnitude, sr=rate),
            feature.spectral_bandwidth(S=magnitude, sr=rate),
            feature.spectral_rolloff(S=magnitude, sr=rate),
            feature.zero_crossing_rate(audio.samples),
            *audio.hpss_signals(),
        ]
        values = [value for row in series for value in (np.mean(row), np.var(row))]
        values.append(audio.tempo())
        for row in feature.mfcc(S=log_mel, n_mfcc=20):
            values += [np.mean(row), np.var(row)]
        return np.asarray(values, np.float32)


def contrast_bands(sample_rate: int) -> int:
    """How many octaves from 200 Hz fit under half the sample rate, at most librosa's 6 (it would refuse more)."""
    bands = 6
    while bands > 1 and 200.0 * 2.0 ** (bands - 1) >= sample_rate / 2:
        bands -= 1
    return bands

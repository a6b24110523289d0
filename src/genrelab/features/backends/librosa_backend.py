"""What the features of one segment share: each transform is computed once and kept while the segment lasts.

`LibrosaTransforms` computes all of them by librosa: the reference. A backend is a subclass with methods of its own;
features call these methods and know nothing of backends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genrelab.features.resize import resize

C1_HZ = 32.703195662574829  # the constant-Q transform starts at C1, as in librosa


class LibrosaTransforms:
    """One segment and its transforms by librosa 0.11, each with librosa's defaults where no parameter is named.

    Args:
        samples: [T] float32.
        sample_rate: Hz.
    """

    def __init__(self, samples: np.ndarray, sample_rate: int) -> None:
        self.samples = samples
        self.sample_rate = sample_rate
        self._cache: dict[tuple[Any, ...], Any] = {}

    def cached(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """The value under `key`, made at the first call."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def resize(self, feature_map: np.ndarray, rows: int | None, frames: int | None) -> np.ndarray:
        """A picture averaged to `frames` columns and `rows` rows, see `features.resize`."""
        return resize(feature_map, rows, frames)

    def stack(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Pictures on top of each other."""
        return np.vstack(list(parts))

    def stft(self, n_fft: int, hop_length: int) -> np.ndarray:
        """[1 + n_fft/2, frames] complex64; Hann window, centered, padded with zeros."""
        import librosa

        return self.cached(  # type: ignore[no-any-return]
            ("stft", n_fft, hop_length), lambda: librosa.stft(self.samples, n_fft=n_fft, hop_length=hop_length)
        )

    def magnitude(self, n_fft: int, hop_length: int) -> np.ndarray:
        """|STFT|, float32."""
        return self.cached(  # type: ignore[no-any-return]
            ("magnitude", n_fft, hop_length), lambda: np.abs(self.stft(n_fft, hop_length))
        )

    def power(self, n_fft: int, hop_length: int) -> np.ndarray:
        """|STFT| squared, float32."""
        return self.cached(  # type: ignore[no-any-return]
            ("power", n_fft, hop_length), lambda: self.magnitude(n_fft, hop_length) ** 2
        )

    def mel(self, n_fft: int, hop_length: int, n_mels: int, fmin: float, fmax: float | None) -> np.ndarray:
        """Mel power spectrogram [n_mels, frames] (Slaney's scale and norm)."""
        return self.cached(  # type: ignore[no-any-return]
            ("mel", n_fft, hop_length, n_mels, fmin, fmax),
            lambda: self.mel_from_power(self.power(n_fft, hop_length), n_fft, n_mels, fmin, fmax),
        )

    def mel_from_power(
        self, power: np.ndarray, n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float | None = None
    ) -> np.ndarray:
        """Mel bands [n_mels, frames] of a power spectrogram [1 + n_fft/2, frames]."""
        import librosa

        return np.asarray(
            librosa.feature.melspectrogram(
                S=power, sr=self.sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax
            )
        )

    def decibels(self, power: np.ndarray, top_db: float | None = 80.0) -> np.ndarray:
        """dB of full scale, not below 1e-10 nor `top_db` under the loudest (`librosa.power_to_db`), same shape."""
        import librosa

        return np.asarray(librosa.power_to_db(power, top_db=top_db))

    def pcen(
        self, mel: np.ndarray, hop_length: int, gain: float, bias: float, power: float, time_constant: float
    ) -> np.ndarray:
        """Per-channel energy normalization of mel power (`librosa.pcen`), same shape."""
        import librosa

        return np.asarray(
            librosa.pcen(
                mel,
                sr=self.sample_rate,
                hop_length=hop_length,
                gain=gain,
                bias=bias,
                power=power,
                time_constant=time_constant,
            )
        )

    def mfcc(self, log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
        """Cepstral coefficients [n_mfcc, frames] of mel dB (`librosa.feature.mfcc`: orthonormal DCT-II)."""
        import librosa

        return np.asarray(librosa.feature.mfcc(S=log_mel, n_mfcc=n_mfcc))

    def delta(self, coefficients: np.ndarray, order: int) -> np.ndarray:
        """Differences over nine frames (`librosa.feature.delta`), same shape."""
        import librosa

        # Nine frames are needed to fit the ends; shorter segments repeat the last frame.
        mode = "interp" if coefficients.shape[1] >= 9 else "nearest"
        return np.asarray(librosa.feature.delta(coefficients, order=order, mode=mode))

    def hpss(self, n_fft: int, hop_length: int, kernel_size: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Harmonic and percussive magnitude (`librosa.decompose.hpss`: median filters, soft masks)."""
        import librosa

        return self.cached(  # type: ignore[no-any-return]
            ("hpss", n_fft, hop_length, kernel_size, margin),
            lambda: librosa.decompose.hpss(self.magnitude(n_fft, hop_length), kernel_size=kernel_size, margin=margin),
        )

    def cqt(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> np.ndarray:
        """|constant-Q transform| [n_octaves * bins_per_octave, frames] from C1; tuning None is estimated."""
        import librosa

        def make() -> Any:
            bins = n_octaves * bins_per_octave
            frames = 1 + len(self.samples) // hop_length  # librosa may give one behind the end of an odd length
            return np.abs(
                librosa.cqt(
                    self.samples,
                    sr=self.sample_rate,
                    hop_length=hop_length,
                    n_bins=bins,
                    bins_per_octave=bins_per_octave,
                    tuning=tuning,
                )[:, :frames]
            )

        return self.cached(("cqt", hop_length, n_octaves, bins_per_octave, tuning), make)  # type: ignore[no-any-return]

    def chroma_stft(self, n_fft: int, hop_length: int, tuning: float | None) -> np.ndarray:
        """Chroma from the power spectrogram [12, frames]."""
        import librosa

        def make() -> Any:
            return librosa.feature.chroma_stft(
                S=self.power(n_fft, hop_length), sr=self.sample_rate, n_fft=n_fft, tuning=tuning
            )

        return self.cached(("chroma_stft", n_fft, hop_length, tuning), make)  # type: ignore[no-any-return]

    def chroma_cqt(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> np.ndarray:
        """Chroma from the constant-Q transform [12, frames]."""
        import librosa

        octaves = self.octaves(n_octaves)

        def make() -> Any:
            return librosa.feature.chroma_cqt(
                C=self.cqt(hop_length, octaves, bins_per_octave, tuning),
                sr=self.sample_rate,
                hop_length=hop_length,
                n_octaves=octaves,
                bins_per_octave=bins_per_octave,
            )

        key = ("chroma_cqt", hop_length, octaves, bins_per_octave, tuning)
        return self.cached(key, make)  # type: ignore[no-any-return]

    def chroma_cens(
        self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None, smooth_frames: int
    ) -> np.ndarray:
        """Chroma quantized and smoothed over time [12, frames] (`librosa.feature.chroma_cens`)."""
        import librosa

        octaves = self.octaves(n_octaves)
        return np.asarray(
            librosa.feature.chroma_cens(
                C=self.cqt(hop_length, octaves, bins_per_octave, tuning),
                sr=self.sample_rate,
                hop_length=hop_length,
                n_octaves=octaves,
                bins_per_octave=bins_per_octave,
                win_len_smooth=smooth_frames,
            )
        )

    def tonnetz(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> np.ndarray:
        """Tonal centroids [6, frames] of the constant-Q chroma."""
        import librosa

        chroma = self.chroma_cqt(hop_length, n_octaves, bins_per_octave, tuning)
        return np.asarray(librosa.feature.tonnetz(chroma=chroma))

    def spectral(self, n_fft: int, hop_length: int) -> dict[str, np.ndarray]:
        """Shape of the spectrum over time: centroid, bandwidth, rolloff (Hz) and flatness, each [frames].

        `librosa.feature.spectral_*` at their defaults (rolloff at 85 %).
        """
        import librosa

        def make() -> dict[str, np.ndarray]:
            magnitude, feature = self.magnitude(n_fft, hop_length), librosa.feature
            return {
                "centroid": feature.spectral_centroid(S=magnitude, sr=self.sample_rate)[0],
                "bandwidth": feature.spectral_bandwidth(S=magnitude, sr=self.sample_rate)[0],
                "rolloff": feature.spectral_rolloff(S=magnitude, sr=self.sample_rate)[0],
                "flatness": feature.spectral_flatness(S=magnitude)[0],
            }

        return self.cached(("spectral", n_fft, hop_length), make)  # type: ignore[no-any-return]

    def contrast(self, n_fft: int, hop_length: int) -> np.ndarray:
        """Peaks over valleys [bands + 1, frames], dB (`librosa.feature.spectral_contrast`, octaves from 200 Hz)."""
        import librosa

        bands = contrast_bands(self.sample_rate)
        return np.asarray(
            librosa.feature.spectral_contrast(S=self.magnitude(n_fft, hop_length), sr=self.sample_rate, n_bands=bands)
        )

    def rms(self) -> np.ndarray:
        """Root mean square [frames] of frames of 2048 samples, 512 apart (`librosa.feature.rms`)."""
        import librosa

        return np.asarray(librosa.feature.rms(y=self.samples)[0])

    def zero_crossings(self) -> np.ndarray:
        """Share of sign changes [frames], in such frames (`librosa.feature.zero_crossing_rate`)."""
        import librosa

        return np.asarray(librosa.feature.zero_crossing_rate(self.samples)[0])

    def tempo(self) -> float:
        """Beats per minute (`librosa.feature.tempo`: autocorrelation of onset strength, prior at 120)."""
        import librosa

        def make() -> float:
            log_mel = self.decibels(self.mel(2048, 512, 128, 0.0, None))
            onsets = librosa.onset.onset_strength(S=log_mel, sr=self.sample_rate, aggregate=np.median)
            return float(librosa.feature.tempo(onset_envelope=onsets, sr=self.sample_rate)[0])

        return self.cached(("tempo",), make)  # type: ignore[no-any-return]

    def hpss_signals(self) -> tuple[np.ndarray, np.ndarray]:
        """Harmonic and percussive signals [T] (`librosa.effects.hpss`)."""
        import librosa

        spectrum, magnitude = self.stft(2048, 512), self.magnitude(2048, 512)
        phase = spectrum / np.maximum(magnitude, np.finfo(np.float32).tiny)
        harmonic, percussive = self.hpss(2048, 512, 31, 1.0)
        length = len(self.samples)
        return (
            librosa.istft(harmonic * phase, hop_length=512, dtype=np.float32, length=length),
            librosa.istft(percussive * phase, hop_length=512, dtype=np.float32, length=length),
        )

    def octaves(self, n_octaves: int) -> int:
        """How many octaves from C1 fit under half the sample rate, at most n_octaves (librosa would refuse more)."""
        while n_octaves > 1 and C1_HZ * 2.0**n_octaves * 1.06 > self.sample_rate / 2:
            n_octaves -= 1
        return n_octaves


def contrast_bands(sample_rate: int) -> int:
    """How many octaves from 200 Hz fit under half the sample rate, at most librosa's 6 (it would refuse more)."""
    bands = 6
    while bands > 1 and 200.0 * 2.0 ** (bands - 1) >= sample_rate / 2:
        bands -= 1
    return bands

"""`NumbaTransforms`: the transforms of `LibrosaTransforms` by kernels of our own; `backend=numba`."""

from __future__ import annotations

import numpy as np

from genrelab.audio.phase_vocoder import istft
from genrelab.features.backends.librosa_backend import LibrosaTransforms, contrast_bands
from genrelab.features.backends.numba_backend import chroma, tempo
from genrelab.features.backends.numba_backend import cqt as constantq
from genrelab.features.backends.numba_backend import median_filter as medians
from genrelab.features.backends.numba_backend import spectral_descriptors as statistics
from genrelab.features.backends.numba_backend import stft as spectrum


class NumbaTransforms(LibrosaTransforms):
    """One segment and its transforms, numbers as librosa's.

    Large arrays are workspaces of the thread: they hold until the next segment's analysis begins. Values that
    leave (features) are copies.

    Args:
        samples: [T] float32.
        sample_rate: Hz.
    """

    def magnitude(self, n_fft: int, hop_length: int) -> np.ndarray:
        """|STFT|, float32 [1 + n_fft/2, frames]."""
        return self._spectra(n_fft, hop_length)[1].T

    def power(self, n_fft: int, hop_length: int) -> np.ndarray:
        """|STFT| squared, float32 [1 + n_fft/2, frames]."""
        return self._spectra(n_fft, hop_length)[0].T

    def _spectra(self, n_fft: int, hop_length: int) -> tuple[np.ndarray, np.ndarray]:
        return self.cached(  # type: ignore[no-any-return]
            ("spectra", n_fft, hop_length),
            lambda: spectrum.power_and_magnitude(self.samples, n_fft, hop_length),
        )

    def stft(self, n_fft: int, hop_length: int) -> np.ndarray:
        """[1 + n_fft/2, frames] complex64."""
        return self.cached(  # type: ignore[no-any-return]
            ("stft", n_fft, hop_length), lambda: spectrum.stft(self.samples, n_fft, hop_length).T
        )

    def hpss(self, n_fft: int, hop_length: int, kernel_size: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Harmonic and percussive magnitude [1 + n_fft/2, frames]."""
        return self.cached(  # type: ignore[no-any-return]
            ("hpss", n_fft, hop_length, kernel_size, margin),
            lambda: medians.hpss(self.magnitude(n_fft, hop_length), kernel_size, margin),
        )

    def hpss_signals(self) -> tuple[np.ndarray, np.ndarray]:
        """Harmonic and percussive signals [T]."""
        spectra, length = self.stft(2048, 512), len(self.samples)
        harmonic, percussive = medians.hpss_masks(self.magnitude(2048, 512))
        return istft(spectra * harmonic, 2048, 512, length), istft(spectra * percussive, 2048, 512, length)

    def mel_from_power(
        self, power: np.ndarray, n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float | None = None
    ) -> np.ndarray:
        """Mel bands [n_mels, frames] of a power spectrogram [1 + n_fft/2, frames]."""
        return spectrum.mel_bands(by_frame(power), self.sample_rate, n_fft, n_mels, fmin, fmax).T

    def decibels(self, power: np.ndarray, top_db: float | None = 80.0) -> np.ndarray:
        """dB of full scale, same shape; that of a spectrogram which several features want is computed once."""
        # The power is kept beside, so that no other array can take its identity while the segment lasts.
        _, found = self.cached(
            ("decibels", id(power), top_db), lambda: (power, spectrum.decibels(by_frame(power), top_db).T)
        )
        return np.asarray(found)

    def pcen(
        self, mel: np.ndarray, hop_length: int, gain: float, bias: float, power: float, time_constant: float
    ) -> np.ndarray:
        """Per-channel energy normalization of mel power, same shape."""
        return spectrum.pcen(by_frame(mel), self.sample_rate, hop_length, gain, bias, power, time_constant).T

    def mfcc(self, log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
        """Cepstral coefficients [n_mfcc, frames]."""
        return np.asarray(by_frame(log_mel) @ spectrum.dct_matrix(log_mel.shape[0], n_mfcc)).T

    def tuning(self, n_fft: int, hop_length: int, bins_per_octave: int, from_power: bool) -> float:
        """Deviation from A440 in shares of a bin, estimated on the shared power or magnitude spectrogram."""
        spectra = self._spectra(n_fft, hop_length)
        return self.cached(  # type: ignore[no-any-return]
            ("tuning", n_fft, hop_length, bins_per_octave, from_power),
            lambda: chroma.estimate_tuning(spectra[0 if from_power else 1], self.sample_rate, bins_per_octave),
        )

    def cqt(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> np.ndarray:
        """|constant-Q transform| [n_octaves * bins_per_octave, frames] from C1; tuning None is estimated."""

        def make() -> np.ndarray:
            # librosa estimates it on magnitudes of its default STFT, whatever the hop of the transform
            found = self.tuning(2048, 512, bins_per_octave, from_power=False) if tuning is None else tuning
            return constantq.constant_q(self.samples, self.sample_rate, hop_length, n_octaves, bins_per_octave, found).T

        return self.cached(("cqt", hop_length, n_octaves, bins_per_octave, tuning), make)  # type: ignore[no-any-return]

    def chroma_stft(self, n_fft: int, hop_length: int, tuning: float | None) -> np.ndarray:
        """Chroma from the power spectrogram [12, frames]."""

        def make() -> np.ndarray:
            found = self.tuning(n_fft, hop_length, 12, from_power=True) if tuning is None else tuning
            power = self._spectra(n_fft, hop_length)[0]
            return chroma.chroma_from_power(power, self.sample_rate, n_fft, found).T

        return self.cached(("chroma_stft", n_fft, hop_length, tuning), make)  # type: ignore[no-any-return]

    def _raw_chroma(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> np.ndarray:
        octaves = self.octaves(n_octaves)
        return self.cached(  # type: ignore[no-any-return]
            ("raw_chroma", hop_length, octaves, bins_per_octave, tuning),
            lambda: chroma.raw_chroma(self.cqt(hop_length, octaves, bins_per_octave, tuning).T, bins_per_octave),
        )

    def chroma_cqt(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> np.ndarray:
        """Chroma from the constant-Q transform [12, frames]."""
        return chroma.normalize_frames(self._raw_chroma(hop_length, n_octaves, bins_per_octave, tuning), np.inf).T

    def chroma_cens(
        self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None, smooth_frames: int
    ) -> np.ndarray:
        """Chroma quantized and smoothed over time [12, frames]."""
        return chroma.cens(self._raw_chroma(hop_length, n_octaves, bins_per_octave, tuning), smooth_frames).T

    def tonnetz(self, hop_length: int, n_octaves: int, bins_per_octave: int, tuning: float | None) -> np.ndarray:
        """Tonal centroids [6, frames] of the constant-Q chroma."""
        return chroma.tonnetz(self.chroma_cqt(hop_length, n_octaves, bins_per_octave, tuning).T).T

    def spectral(self, n_fft: int, hop_length: int) -> dict[str, np.ndarray]:
        """Centroid, bandwidth, rolloff (Hz) and flatness, each [frames]."""
        power, magnitude = self._spectra(n_fft, hop_length)
        return self.cached(  # type: ignore[no-any-return]
            ("spectral", n_fft, hop_length), lambda: statistics.spectral(magnitude, power, self.sample_rate, n_fft)
        )

    def contrast(self, n_fft: int, hop_length: int) -> np.ndarray:
        """Peaks over valleys [bands + 1, frames], dB."""
        magnitude = self._spectra(n_fft, hop_length)[1]
        return statistics.contrast(magnitude, self.sample_rate, n_fft, contrast_bands(self.sample_rate)).T

    def rms(self) -> np.ndarray:
        """Root mean square [frames]."""
        return statistics.rms(self.samples, 2048, 512)

    def zero_crossings(self) -> np.ndarray:
        """Share of sign changes [frames]."""
        return statistics.zero_crossings(self.samples, 2048, 512)

    def tempo(self) -> float:
        """Beats per minute."""

        def make() -> float:
            log_mel = self.decibels(self.mel(2048, 512, 128, 0.0, None))
            return tempo.tempo(by_frame(log_mel), self.sample_rate, 512, 2048)

        return self.cached(("tempo",), make)  # type: ignore[no-any-return]


def by_frame(array: np.ndarray) -> np.ndarray:
    """`[bins, frames]` as `[frames, bins]`, each frame contiguous; no copy of what the backend itself has made."""
    return np.ascontiguousarray(array.T, np.float32)

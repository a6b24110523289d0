"""The fast engine's numbers are librosa's: every feature, on sounds of all sorts, at odd sizes."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from genrelab.audio import AudioSpec, load_audio
from genrelab.features import extract, make_spec
from genrelab.features.backends.librosa_backend import LibrosaTransforms
from genrelab.features.backends.numba_backend.analysis import NumbaTransforms
from genrelab.features.extraction import BACKENDS
from paths import SHARED_DATA
from sounds import KINDS, RATE, music, sounds

PEAK = 1e-4  # largest difference, of the picture's largest value


def worst(kind: str, samples: np.ndarray, rate: int = RATE, **params: object) -> float:
    """Largest difference between the engines, of the reference's largest value."""
    audio = AudioSpec(sample_rate=rate, segment_duration=len(samples) / rate)
    spec = make_spec(kind, {"kind": kind, "frames": None, **params}, audio)
    reference, fast = (BACKENDS[name]([spec], samples)[0] for name in ("librosa", "numba"))
    assert fast.dtype == np.float32 and fast.shape == spec.shape
    return float(np.abs(fast - reference).max() / max(float(np.abs(reference).max()), 1e-6))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sounds())
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_librosas(kind, name):
    assert worst(kind, sounds()[name], **KINDS[kind]) < PEAK


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "rate", "seconds", "params"),
    [
        ("mel_db", 16_000, 1.2345, {"n_fft": 1024, "hop_length": 160, "n_mels": 64, "fmin": 50.0, "fmax": 7000.0}),
        ("mel_db", 8_000, 0.9999, {"n_fft": 400, "hop_length": 200, "n_mels": 40}),
        ("mel_pcen", 44_100, 1.1, {"n_fft": 4096, "hop_length": 1024, "power": 0.3, "gain": 0.8, "bias": 1.0}),
        ("mel_pcen", RATE, 1.0, {"power": 0.25, "bias": 0.0}),
        ("mfcc", 16_000, 0.777, {"n_fft": 512, "hop_length": 128, "n_mels": 40, "n_mfcc": 13}),
        ("chroma_stft", 44_100, 1.3, {"n_fft": 4096, "hop_length": 1024}),
        ("chroma_stft", RATE, 1.0, {"tuning": 0.25}),
        ("chroma_cqt", 44_100, 2.0, {"hop_length": 1024}),
        ("chroma_cqt", 16_000, 2.0, {"hop_length": 256, "bins_per_octave": 24}),
        ("chroma_cqt", 8_000, 1.5, {"tuning": -0.3}),
        ("chroma_cqt", RATE, 2.0, {"n_octaves": 5, "bins_per_octave": 12}),
        ("chroma_cqt", RATE, 2.0, {"hop_length": 192, "n_octaves": 7}),
        ("chroma_cens", RATE, 2.0, {"smooth_frames": 11, "n_octaves": 6}),
        ("tonnetz", RATE, 1.7, {"hop_length": 1024}),
        ("hpss_harmonic", RATE, 1.01, {"kernel_size": 17, "margin": 2.0}),
        ("hpss_percussive", 16_000, 1.0, {"n_fft": 1024, "hop_length": 256, "margin": 3.0}),
        ("hpss_median", 8_000, 1.0, {"n_fft": 512, "hop_length": 100}),
    ],
)
def test_other_sizes_are_librosas(kind, rate, seconds, params):
    assert worst(kind, music(seconds, rate), rate, **params) < PEAK


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["music", "clipped", "very quiet", "half silent"])
@pytest.mark.parametrize("kind", ["scalars", "tabular57"])
def test_tables_are_librosas(kind, name):
    audio = AudioSpec(segment_duration=3.0)
    spec = make_spec(kind, {"kind": kind}, audio)
    reference, fast = (extract([spec], sounds()[name], backend) for backend in ("librosa", "numba"))
    assert fast[0] == pytest.approx(reference[0], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("cents", [-40, -13, 0, 7, 26, 49])
@pytest.mark.parametrize("of_power", [True, False])
def test_tuning_is_librosas(cents, of_power):
    time = np.arange(2 * RATE) / RATE
    notes = 440 * 2.0 ** ((np.array([-12, 0, 4, 7]) + cents / 100) / 12)
    tones = sum(np.sin(2 * np.pi * note * time) for note in notes)
    samples = (0.1 * tones + 0.01 * np.random.default_rng(0).normal(size=len(time))).astype(np.float32)
    spectrogram = np.abs(librosa.stft(samples)) ** (2 if of_power else 1)
    for bins in (12, 36):
        expected = librosa.estimate_tuning(S=spectrogram, sr=RATE, bins_per_octave=bins)
        assert NumbaTransforms(samples, RATE).tuning(2048, 512, bins, of_power) == expected


def test_the_shared_spectra_are_librosas():
    samples = sounds()["click"]
    reference, fast = LibrosaTransforms(samples, RATE), NumbaTransforms(samples, RATE)
    assert np.array_equal(fast.magnitude(2048, 512), reference.magnitude(2048, 512))
    assert np.array_equal(fast.stft(2048, 512), reference.stft(2048, 512))


def test_features_outlive_the_next_segment():
    specs = [make_spec(kind, {"kind": kind, "frames": None}, AudioSpec(segment_duration=3.0)) for kind in KINDS]
    first = extract(specs, music(3.0, seed=1))
    kept = [array.copy() for array in first]
    extract(specs, music(3.0, seed=2))
    assert all(np.array_equal(a, b) for a, b in zip(first, kept, strict=True))


def test_decibels_of_arrays_that_follow_each_other_in_memory_are_their_own():
    audio = NumbaTransforms(music(1.0), RATE)
    rows = np.random.default_rng(0).random((40, 8, 6)).astype(np.float32)
    for row in rows:
        power = row**2  # freed in the next turn: its memory is used again
        assert audio.decibels(power, None) == pytest.approx(10 * np.log10(power), abs=1e-3)


def test_what_is_asked_for_together_is_what_is_asked_for_alone():
    specs = [make_spec(kind, {"kind": kind}, AudioSpec(segment_duration=3.0)) for kind in KINDS]
    together = extract(specs, sounds()["music"])
    for spec, array in zip(specs, together, strict=True):
        assert np.array_equal(extract([spec], sounds()["music"])[0], array), spec.name


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("genre", ["blues", "classical", "hiphop", "metal"])
def test_real_music(genre):
    clip = sorted((SHARED_DATA / "gtzan_mini" / "genres_original" / genre).glob("*.flac"))[0]
    samples = load_audio(clip, RATE)[: 15 * RATE]
    for kind, params in KINDS.items():
        assert worst(kind, samples, **params) < PEAK, kind


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_fft", [1, 2, 3, 4, 7, 8, 512, 1000, 2048])
def test_spectra_are_librosas_to_rounding(n_fft):
    from genrelab.features.backends.numba_backend import stft as spectrum

    samples = music(0.5)
    found = spectrum.stft(samples, n_fft, max(n_fft // 4, 1)).T
    wanted = librosa.stft(samples, n_fft=n_fft, hop_length=max(n_fft // 4, 1))
    assert found.shape == wanted.shape and np.abs(found - wanted).max() <= 1e-7 * np.abs(wanted).max()
    power, magnitude = spectrum.power_and_magnitude(samples, n_fft, max(n_fft // 4, 1))
    assert np.mean(np.abs(wanted) == magnitude.T) > 0.9 and np.mean(np.abs(wanted) ** 2 == power.T) > 0.9


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "fmin", "fmax"),
    [(22_050, 2048, 128, 0.0, None), (8000, 512, 32, 50.0, 3500.0), (44_100, 4096, 256, 1200.0, 16_000.0)],
)
def test_the_mel_filters_are_librosas_bit_for_bit(rate, n_fft, n_mels, fmin, fmax):
    from genrelab.features.backends.numba_backend.stft import mel_filters

    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    np.testing.assert_array_equal(mel_filters(rate, n_fft, n_mels, fmin, fmax), theirs)


@pytest.mark.parametrize(
    ("rate", "octave", "bins"), [(22_050.0, 6, 36), (8_000.0, 5, 12), (20_650.0, 6, 24), (5_512.5, 4, 36)]
)
def test_constant_q_filters_are_librosas(rate, octave, bins):
    from genrelab.features.backends.numba_backend import cqt as constantq

    for tuning in np.linspace(-0.5, 0.49, 12).tolist():
        frequencies = constantq._frequencies(octave, bins, tuning)
        wanted, lengths = librosa.filters.wavelet(
            freqs=frequencies, sr=rate, norm=1, window="hann", gamma=0, alpha=constantq._alpha(frequencies)
        )
        found, ours = constantq._wavelets(frequencies, rate)
        assert found.shape == wanted.shape and np.abs(found - wanted).max() < 1e-9
        assert ours == pytest.approx(lengths, rel=1e-12)

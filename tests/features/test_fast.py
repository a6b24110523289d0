"""The fast engine's numbers are librosa's: every feature, on sounds of all sorts, at odd sizes."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest

from genrelab.audio import AudioSpec, load_audio
from genrelab.features import extract, make_spec
from genrelab.features.analysis import Analysis
from genrelab.features.engine import ENGINES
from genrelab.features.fast.engine import FastAnalysis

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
RATE = 22_050
PEAK = 1e-4  # largest difference, of the picture's largest value
KINDS = {
    "mel_db": {},
    "mel_pcen": {},
    "mfcc": {"deltas": 2},
    "chroma_stft": {},
    "chroma_cqt": {},
    "chroma_cens": {},
    "tonnetz": {},
    "hpss_harmonic": {},
    "hpss_percussive": {"scale": "stft"},
    "hpss_mean": {},
}


def music(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Chords out of tune, a beat and hiss: harmonics, onsets and noise, as music has them."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    sound = 0.02 * generator.normal(size=len(time))
    for start in np.arange(0, seconds, 0.5):
        note = 110 * 2 ** ((generator.integers(0, 36) + 0.23) / 12)
        part = (time >= start) & (time < start + 0.5)
        decay = np.exp(-4 * (time[part] - start))
        for harmonic in range(1, 6):
            sound[part] += 0.2 / harmonic * decay * np.sin(2 * np.pi * note * harmonic * time[part])
        sound[part] += 0.3 * np.exp(-60 * (time[part] - start)) * generator.normal(size=int(part.sum()))
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def sounds() -> dict[str, np.ndarray]:
    played = music(3.0)
    # Chroma is scaled frame by frame: where there is nothing at all it shows rounding errors, and no two engines agree.
    faint = (1e-4 * np.random.default_rng(1).normal(size=len(played))).astype(np.float32)
    click = faint.copy()
    click[20_000] = 1.0
    return {
        "music": played,
        "silence": np.zeros_like(played),
        "click": click,
        "clipped": np.clip(played * 20, -1, 1),
        "very quiet": played * np.float32(1e-5),
        "half silent": np.where(np.arange(len(played)) < len(played) // 2, played, faint),
    }


def worst(kind: str, samples: np.ndarray, rate: int = RATE, **params: object) -> float:
    """Largest difference between the engines, of the reference's largest value."""
    audio = AudioSpec(sample_rate=rate, segment_seconds=len(samples) / rate)
    spec = make_spec(kind, {"kind": kind, "frames": None, **params}, audio)
    reference, fast = (ENGINES[name]([spec], samples)[0] for name in ("reference", "fast"))
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
    audio = AudioSpec(segment_seconds=3.0)
    spec = make_spec(kind, {"kind": kind}, audio)
    reference, fast = (extract([spec], sounds()[name], engine) for engine in ("reference", "fast"))
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
        assert FastAnalysis(samples, RATE).tuning(2048, 512, bins, of_power) == expected


def test_the_shared_spectra_are_librosas_to_the_bit():
    samples = sounds()["click"]
    reference, fast = Analysis(samples, RATE), FastAnalysis(samples, RATE)
    assert np.array_equal(fast.magnitude(2048, 512), reference.magnitude(2048, 512))
    assert np.array_equal(fast.stft(2048, 512), reference.stft(2048, 512))


def test_features_outlive_the_next_segment():
    specs = [make_spec(kind, {"kind": kind, "frames": None}, AudioSpec(segment_seconds=3.0)) for kind in KINDS]
    first = extract(specs, music(3.0, seed=1))
    kept = [array.copy() for array in first]
    extract(specs, music(3.0, seed=2))
    assert all(np.array_equal(a, b) for a, b in zip(first, kept, strict=True))


def test_what_is_asked_for_together_is_what_is_asked_for_alone():
    specs = [make_spec(kind, {"kind": kind}, AudioSpec(segment_seconds=3.0)) for kind in KINDS]
    together = extract(specs, sounds()["music"])
    for spec, array in zip(specs, together, strict=True):
        assert np.array_equal(extract([spec], sounds()["music"])[0], array), spec.name


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("genre", ["blues", "classical", "hiphop", "metal"])
def test_real_music(genre):
    clip = sorted((SHARED / "gtzan_mini" / "genres_original" / genre).glob("*.flac"))[0]
    samples = load_audio(clip, RATE)[: 15 * RATE]
    for kind, params in KINDS.items():
        assert worst(kind, samples, **params) < PEAK, kind

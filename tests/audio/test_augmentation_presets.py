import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genrelab.audio import (
    AudioSpec,
    Chain,
    Gain,
    GaussianNoise,
    PinkNoise,
    PitchShift,
    PublishedNoise,
    RandomPitch,
    Shift,
    TimeStretch,
    augment_rng,
)
from genrelab.audio.noise import pink_noise
from genrelab.audio.registry import AUGMENTS
from genrelab.utils.errors import ConfigError
from paths import REPOSITORY

CONF = REPOSITORY / "conf"
RATE = 22_050


def slope(samples):
    """Exponent of power over frequency, by octaves of the periodogram: -1 is pink, 0 white."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    edges = 2 ** np.arange(5, int(np.log2(len(power))))
    means = [power[low : 2 * low].mean() for low in edges]
    return np.polyfit(np.log(edges), np.log(means), 1)[0]


def test_pink_noise_falls_as_one_over_f():
    noise = pink_noise(1 << 16, np.random.default_rng(0))
    assert slope(noise) == pytest.approx(-1, abs=0.05)
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1) and abs(noise.mean()) < 1e-6


def test_pink_noise_is_gaussian_in_every_bin():
    noises = np.stack([pink_noise(256, np.random.default_rng(seed)) for seed in range(400)])
    spectra = np.fft.rfft(noises.astype(float))[:, 1:]
    power = np.mean(np.abs(spectra) ** 2, axis=0) * np.arange(1, 129)
    assert power / power.mean() == pytest.approx(np.ones(128), abs=0.35)  # half the rate (the last) included
    low = spectra[:, 9]
    assert np.mean(low.real**2) == pytest.approx(np.mean(low.imag**2), rel=0.3)


@given(n=st.integers(1, 3000))
def test_pink_noise_of_any_length(n):
    noise = pink_noise(n, np.random.default_rng(n))
    assert noise.shape == (n,) and noise.dtype == np.float32 and np.isfinite(noise).all()


def tone(level=0.3, seconds=1.0):
    return (level * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def test_noise_level_is_of_full_scale_or_of_the_segment():
    for reference, expected in (("absolute", 0.005), ("rms", 0.005 * 0.3 / np.sqrt(2))):
        copy = PinkNoise(0.005, reference).apply(tone(), RATE, np.random.default_rng(0))
        added = copy - tone()
        assert copy.dtype == np.float32 and np.sqrt(np.mean(added**2)) == pytest.approx(expected, rel=1e-3)
    silent = PinkNoise(0.005, "rms").apply(np.zeros(1000, np.float32), RATE, np.random.default_rng(0))
    assert not silent.any()


def test_pitch_goes_up_a_semitone_and_length_stays():
    for samples in (tone(), tone()[:-7]):
        shifted = PitchShift(1.0).apply(samples, RATE, np.random.default_rng(0))
        assert shifted.shape == samples.shape and shifted.dtype == np.float32
        peak = np.abs(np.fft.rfft(shifted * np.hanning(len(shifted)))).argmax() * RATE / len(shifted)
        assert peak == pytest.approx(440 * 2 ** (1 / 12), abs=1.5)


def frequency(samples):
    middle = samples[len(samples) // 4 : len(samples) // 4 * 3]
    return np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() * RATE / len(middle)


def test_drawn_pitch_stays_within_its_bounds():
    drawn = [frequency(RandomPitch(4.0).apply(tone(), RATE, np.random.default_rng(seed))) for seed in range(12)]
    assert min(drawn) < 420 and max(drawn) > 460  # both ways
    assert min(drawn) > 440 * 2 ** (-4 / 12) - 3 and max(drawn) < 440 * 2 ** (4 / 12) + 3


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_a_stretched_segment_keeps_length_pitch_and_middle(rate):
    samples = np.zeros(RATE, np.float32)
    samples[RATE // 2 - 2000 : RATE // 2 + 2000] = tone()[:4000]
    stretched = TimeStretch(rate, rate).apply(samples, RATE, np.random.default_rng(0))
    assert stretched.shape == samples.shape and stretched.dtype == np.float32
    assert frequency(stretched) == pytest.approx(440, abs=5)
    sounding = np.flatnonzero(np.abs(stretched) > 0.05)
    assert sounding.mean() == pytest.approx(RATE / 2, abs=400)
    assert sounding[-1] - sounding[0] == pytest.approx(4000 / rate, abs=1500)


def test_shift_goes_around_and_gain_is_in_decibels():
    rng = np.random.default_rng(0)
    ramp = np.arange(1000, dtype=np.float32)
    moved = Shift(0.5).apply(ramp, RATE, rng)
    assert np.array_equal(np.sort(moved), ramp) and not np.array_equal(moved, ramp)
    louder = Gain(6.0, 6.0).apply(tone(), RATE, rng)
    assert louder.dtype == np.float32 and louder == pytest.approx(tone() * 1.9953, rel=1e-4)


def test_white_noise_is_white_and_within_its_levels():
    for seed in range(5):
        copy = GaussianNoise(0.01, 0.02).apply(np.zeros(1 << 15, np.float32), RATE, np.random.default_rng(seed))
        assert copy.dtype == np.float32 and 0.0095 < copy.std() < 0.021 and abs(slope(copy)) < 0.1


def test_a_chain_makes_each_change_by_chance():
    always, never = Chain((Gain(6.0, 6.0), Gain(6.0, 6.0)), 1.0), Chain((Gain(6.0, 6.0),), 0.0)
    rng = np.random.default_rng(0)
    assert always.apply(tone(), RATE, rng) == pytest.approx(tone() * 10 ** (12 / 20), rel=1e-4)
    assert np.array_equal(never.apply(tone(), RATE, rng), tone())
    assert never.name == "chain(gain(lowest=6.0, highest=6.0), probability=0.0)"


@pytest.mark.parametrize("kind", ["pitch_noise", "published", "weak", "strong"])
def test_copies_keep_length_and_are_the_same_each_time(kind):
    for augment in AUGMENTS.build(kind):
        for samples in (tone(), tone()[:777], np.zeros(5000, np.float32)):
            before = samples.copy()
            first, second = (augment.apply(samples, RATE, augment_rng(0, "t", 3, augment.name)) for _ in range(2))
            assert first.shape == samples.shape and first.dtype == np.float32 and np.isfinite(first).all()
            assert np.array_equal(first, second) and np.array_equal(samples, before)


def test_published_noise_is_not_pink_and_its_level_is_a_cue():
    quiet = tone(0.1)
    copy = PublishedNoise().apply(quiet, RATE, np.random.default_rng(0))
    assert np.abs(copy).max() == pytest.approx(1.0)  # originals peak at 0.1: the cue
    plain = PublishedNoise(normalize_peak=False).apply(quiet, RATE, np.random.default_rng(0))
    added = plain.astype(float) - quiet
    assert np.abs(added).max() == pytest.approx(0.005, rel=1e-3) and slope(added) > 0.3
    zero = PublishedNoise().apply(np.zeros(9, np.float32), RATE,
                                  np.random.default_rng(0))  # fmt: skip
    assert np.isfinite(zero).all()


def test_published_noise_is_librosas_preemphasis():
    import librosa

    white = np.random.default_rng(3).standard_normal(5000)
    theirs = librosa.effects.preemphasis(white)
    theirs = 0.005 * theirs[1:] / np.abs(theirs[1:]).max()  # the first sample differs: librosa extrapolates
    ours = PublishedNoise(normalize_peak=False).apply(np.zeros(5000), RATE, np.random.default_rng(3))
    assert ours[1:] == pytest.approx(theirs, rel=1e-4, abs=1e-8)


def test_labels_hold_the_parameters():
    labels = [augment.name for augment in AUGMENTS.build("pitch_noise", {"semitones": 2})]
    assert labels == ["pitch_shift(semitones=2.0)", "pink_noise(level=0.005, reference=absolute)"]
    assert PublishedNoise().name == "published_noise(level=0.005, normalize_peak=True)"
    assert AUGMENTS.build("none") == ()


def test_chance_depends_on_the_key_alone():
    keys = [(0, "a", 0, "x"), (1, "a", 0, "x"), (0, "b", 0, "x"), (0, "a", 1, "x"), (0, "a", 0, "y")]
    drawn = [augment_rng(*key).random() for key in keys]
    assert len(set(drawn)) == 5 and drawn == [augment_rng(*key).random() for key in keys]


def test_parameters_that_make_no_sense():
    with pytest.raises(ConfigError, match=r"(?s)augment.semitones: 0.*; use .*augment.noise_level: -1"):
        AUGMENTS.build("pitch_noise", {"semitones": 0, "noise_level": -1})
    with pytest.raises(ConfigError, match=r"(?s)augment.slowest, fastest: 2, 1.25.*augment.shift: 3;"):
        AUGMENTS.build("strong", {"slowest": 2, "shift": 3})
    with pytest.raises(ConfigError, match=r"augment.lowest, highest: 1, 0.015"):
        AUGMENTS.build("weak", {"lowest": 1})


@pytest.mark.parametrize("path", sorted((CONF / "augment").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_option_builds_with_all_its_defaults(path):
    config = yaml.safe_load(path.read_text())
    kind = config.pop("kind")
    assert AUGMENTS.build(kind, config) == AUGMENTS.build(kind)


@pytest.mark.parametrize("path", sorted((CONF / "audio").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_audio_option_is_whole(path):
    config = yaml.safe_load(path.read_text())
    assert list(config) == list(AudioSpec.__dataclass_fields__)
    spec = AudioSpec(**config)
    if path.stem == "default":
        assert spec == AudioSpec()

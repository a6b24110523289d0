"""Silence, noise, speech and short sounds get no answer, nor what val's bounds leave out."""

import numpy as np
import pytest

from genrelab.audio import load_audio
from genrelab.audio.content_detection import AudioContent, ContentThresholds
from genrelab.inference.ood import TOO_SHORT, UNLIKE_TRAINING, OODThresholds, fit_ood_thresholds, rejection_reason
from genrelab.postprocessing import MULTICLASS
from made_sounds import RATE, colored, talker
from paths import SHARED_DATA

SURE = np.array([[9.0, 0.0, 0.0]])
P = np.array([0.9, 0.05, 0.05])
EVERYTHING = OODThresholds()


def reason(samples, bounds=EVERYTHING, rate=RATE, sound=None):
    return rejection_reason(samples.astype(np.float32), rate, SURE, P, bounds, content_thresholds=sound)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_noise(power):
    assert reason(colored(power)) == "noise"


def test_speech():
    assert reason(talker()) == "speech"


def test_what_val_holds_is_not_unknown():
    """A run that was taught field recordings, noise music and spoken word answers them."""
    sounds = [AudioContent(-80, 0.6, 0.9), AudioContent(-20, 0.55, 0.7), AudioContent(-30, 0.5, 0.8)]
    taught = ContentThresholds.fit(sounds)
    for samples in (talker(), colored(1), 1e-4 * colored(0)):
        assert reason(samples) is not None and reason(samples, sound=taught) is None


def test_silence_short_sounds_and_chords():
    assert reason(np.zeros(5 * RATE)) == "silence"
    assert reason(1e-4 * colored(0)) == "silence"
    time = np.arange(5 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220, 277, 330)) / 10
    assert reason(chord) is None
    assert reason(chord[: RATE // 4]) == TOO_SHORT
    assert reason(0.02 * colored(0, 5) + chord) is None  # in some noise


def test_what_val_never_gave_is_unlike_it():
    chord = np.sin(2 * np.pi * 220 * np.arange(5 * RATE) / RATE)
    reasons = {reason(chord, OODThresholds(energy=10)), reason(chord, OODThresholds(entropy=0.1))}
    assert reasons == {UNLIKE_TRAINING}


def test_energy_and_entropy_are_what_they_are_called():
    logits = np.array([[1.0, 2.0, 3.0], [1000.0, 1000.0, 0.0]])
    np.testing.assert_allclose(MULTICLASS.energy(logits), [np.log(np.exp([1, 2, 3]).sum()), 1000 + np.log(2)])
    np.testing.assert_allclose(MULTICLASS.entropy(np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]])), [0, 1], atol=1e-9)


def test_bounds_leave_out_a_hundredth_and_widen_for_few():
    generator = np.random.default_rng(0)
    energies, entropies = generator.normal(5, 1, 5000), generator.beta(2, 6, 5000)
    bounds = fit_ood_thresholds(energies, entropies)
    assert (energies < bounds.energy).mean() <= 0.011 and (entropies > bounds.entropy).mean() <= 0.011
    few = fit_ood_thresholds(energies[:10], entropies[:10])
    assert few.energy < energies[:10].min() and few.entropy > entropies[:10].max()


@pytest.mark.shared
def test_no_real_clip_is_noise_speech_or_silence():
    clips = sorted((SHARED_DATA / "gtzan_mini").rglob("*.flac"))[::20]
    assert [reason(load_audio(clip, RATE)) for clip in clips] == [None] * len(clips)

"""Channels to mono: the mean, but not of silent channels, and not where they cancel."""

import numpy as np
import pytest
import soundfile

from genrelab.audio import decode_audio
from genrelab.audio.downmix import Downmix, to_mono
from streams import RATE, encoded, write

TONE = (0.4 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)
NOISE = np.random.default_rng(0).normal(0, 0.1, (RATE, 6)).astype(np.float32)


def decoded(path, frames, **options):
    soundfile.write(path, frames, RATE, **{"subtype": "FLOAT", **options})
    return decode_audio(path, RATE)


def test_opposite_channels_give_the_louder_one_with_a_note(tmp_path):
    found = decoded(tmp_path / "a.wav", np.stack([0.9 * TONE, -TONE], axis=1))
    assert np.array_equal(found.samples, -TONE) and "channel 2 is taken" in found.notes[0] and len(found.notes) == 1


def test_inverted_surrounds_do_not_silence_the_front(tmp_path):
    left, right = NOISE[:, 0], NOISE[:, 1]
    silent = np.zeros_like(left)
    found = decoded(tmp_path / "a.wav", np.stack([left, right, silent, silent, -left, -right], axis=1))
    assert len(found.notes) == 1 and any(np.array_equal(found.samples, one) for one in (left, right, -left, -right))


def test_a_side_signal_twenty_decibels_up_is_the_bound(tmp_path):
    """The mean of mid + side and mid - side is mid: 1 % of the power where side is ten times as strong."""
    mid, side = NOISE[:, 0], NOISE[:, 1]
    for gain, noted in ((9, False), (12, True)):
        found = decoded(tmp_path / "a.wav", np.stack([mid + gain * side, mid - gain * side], axis=1))
        assert bool(found.notes) is noted


@pytest.mark.parametrize("frames", [NOISE[:, :2], NOISE, np.stack([TONE, 0 * TONE], axis=1), NOISE[:, :1]])
def test_other_channels_are_averaged_without_a_note(tmp_path, frames):
    found = decoded(tmp_path / "a.wav", frames)
    assert found.notes == () and found.samples == pytest.approx(frames.mean(axis=1), abs=1e-7)


@pytest.mark.parametrize("sounding", [(0, 1), (2,), (0, 1, 2, 4, 5)])
def test_silent_channels_of_surround_do_not_count(tmp_path, sounding):
    frames = np.zeros_like(NOISE)
    frames[:, sounding] = NOISE[:, sounding]
    found = decoded(tmp_path / "a.wav", frames)
    assert found.notes == () and found.samples == pytest.approx(NOISE[:, sounding].mean(axis=1), abs=1e-7)
    assert found.channels == 6


def test_surround_ogg_in_vorbis_order_is_the_same_mix(tmp_path):
    """libsndfile leaves Vorbis its own order (left, center, right, ...): a mean does not depend on it."""
    rate, time = 44_100, np.arange(44_100) / 44_100
    frames = np.stack([0.1 * np.sin(2 * np.pi * hertz * time) for hertz in (220, 330, 440, 50, 550, 660)], axis=1)
    frames[:, 3] = 0
    path = write(tmp_path / "a.ogg", [encoded(frames, "OGG", rate)])
    found = decode_audio(path, rate)
    assert found.channels == 6 and found.samples == pytest.approx(frames.sum(axis=1) / 5, abs=0.03)


def test_levels_far_beyond_full_scale_are_noted(tmp_path):
    integers = np.round(TONE * 32_768)
    found = decoded(tmp_path / "a.wav", integers)
    assert np.array_equal(found.samples, integers) and "13107 times full scale" in found.notes[0]
    assert decoded(tmp_path / "a.wav", 4 * TONE).notes == ()


def test_silence_has_no_notes(tmp_path):
    assert decoded(tmp_path / "a.wav", np.zeros((1000, 2))).notes == ()


def test_given_samples_are_mixed_as_those_of_files():
    mono, notes = to_mono(np.stack([TONE, -TONE], axis=1))
    assert np.array_equal(mono, TONE) and len(notes) == 1
    assert np.array_equal(to_mono(TONE[:, None])[0], TONE)


def test_blocks_are_judged_together():
    """A passage in opposition does not decide over a recording."""
    mix = Downmix(2)
    mix.add(np.stack([TONE, -TONE], axis=1))
    assert mix.better() in ((0,), (1,))
    mix.add(np.stack([TONE, TONE], axis=1))
    assert mix.better() == (0, 1)

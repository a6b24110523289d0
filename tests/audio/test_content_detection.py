"""Silence, noise of every color and speech are told from music by the sound alone, and val's music is left alone."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genrelab.audio import load_audio, trim_silence
from genrelab.audio.content_detection import (
    FLATNESS,
    SILENCE_DB,
    SPEECH,
    AudioContent,
    ContentThresholds,
    analyze_content,
    analyze_files,
    flatness,
    loudness,
    speech,
)
from made_sounds import RATE, band, colored, formants, syllables, talker
from paths import SHARED_DATA

SENTENCES = (
    "The committee met on Tuesday to discuss the new bridge. Nobody could agree on its color, so they asked the "
    "children of the town. Most of them wanted yellow. The engineer explained why the river rises in spring."
)


def test_speech_is_told_from_music_and_noise():
    assert min(speech(talker(seed=seed), RATE) for seed in range(4)) > SPEECH + 0.03
    assert speech(band(), RATE) < SPEECH - 0.1
    for power in (0, 1, 2):
        assert speech(colored(power), RATE) < SPEECH - 0.05


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_speech_at_every_rate(rate):
    assert speech(talker(rate=rate), rate) > SPEECH > speech(band(rate=rate), rate)


def test_speech_needs_six_seconds_and_any_loudness_will_do():
    voice = talker().astype(np.float32)
    assert speech(voice[: 5 * RATE], RATE) == 0
    assert speech(0.001 * voice, RATE) == pytest.approx(speech(voice, RATE), abs=1e-3)
    assert speech(np.zeros(10 * RATE, np.float32), RATE) == 0


def test_noise_that_speaks_is_noise():
    """Formants, four syllables a second, pauses: without a voice its spectrum stays flat."""
    for seed in range(3):
        generator = np.random.default_rng(seed)
        whisper = formants(generator.normal(size=12 * RATE), RATE) * syllables(12, RATE, generator)
        assert flatness(whisper, RATE) > FLATNESS


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("power", [-1, 0, 1, 2])
def test_noise_of_every_color_and_rate(power, rate):
    assert flatness(colored(power, rate=rate), rate) > FLATNESS


def test_loudness_is_of_the_loudest_tenth():
    samples = np.zeros(RATE)
    samples[RATE // 2 : RATE // 2 + RATE // 5] = 0.1
    assert loudness(samples, RATE) == pytest.approx(-20)
    assert loudness(np.zeros(0), RATE) == pytest.approx(-120)


def sounds(generator: np.random.Generator, count: int, noisy: float, talking: float) -> list[AudioContent]:
    rows = generator.normal((-12, noisy, talking), (3, 0.03, 0.05), (count, 3))
    return [AudioContent(*map(float, row)) for row in rows]


def test_bounds_leave_out_a_hundredth_of_val():
    """Of noise music and spoken word, which a run may well be taught."""
    val = sounds(np.random.default_rng(0), 3000, 0.55, 0.6)
    bounds = ContentThresholds.fit(val)
    for left_out in (
        [sound.loudness < bounds.loudness for sound in val],
        [sound.flatness > bounds.flatness for sound in val],
        [sound.speech > bounds.speech for sound in val],
    ):
        assert np.mean(left_out) <= 0.0101
    assert FLATNESS < bounds.flatness < 0.65 and SPEECH < bounds.speech < 0.8
    few = ContentThresholds.fit(val[:10])
    assert few.flatness > max(sound.flatness for sound in val[:10])


@given(st.integers(1, 40), st.integers(0, 5))
def test_bounds_never_leave_out_more_than_the_constants(count, seed):
    bounds = ContentThresholds.fit(sounds(np.random.default_rng(seed), count, 0.1, 0.1))
    assert bounds == ContentThresholds(SILENCE_DB, FLATNESS, SPEECH)  # of calm music
    assert ContentThresholds.fit([]) == ContentThresholds()


def test_bounds_as_plain_data():
    bounds = ContentThresholds(-61.5, 0.6, 0.7)
    assert ContentThresholds.from_dict(bounds.to_dict()) == bounds
    with pytest.raises(KeyError, match="speech"):
        ContentThresholds.from_dict({"loudness": -60, "flatness": 0.5})


def test_files_are_measured_evenly_spread(tmp_path):
    import soundfile

    paths = []
    for number in range(7):
        paths.append(str(tmp_path / f"{number}.wav"))
        soundfile.write(paths[-1], 10 ** (-number / 2) * np.ones(8000), 8000)
    (tmp_path / "3.wav").write_text("broken")
    found = [round(sound.loudness) for sound in analyze_files(paths, 8000)]
    assert found == [0, -10, -20, -40, -50, -60]
    assert [round(sound.loudness) for sound in analyze_files(paths, 8000, most=3)] == [0, -60]
    assert analyze_files([], 8000) == []


@pytest.mark.shared
def test_no_real_clip_is_noise_speech_or_silence():
    clips = sorted((SHARED_DATA / "gtzan_mini").rglob("*.flac"))[::5]
    for clip in clips:
        found = analyze_content(trim_silence(load_audio(clip, RATE), 60.0), RATE)
        assert found.loudness > SILENCE_DB and found.flatness < FLATNESS and found.speech < SPEECH, clip.name


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize("voice", ["en-us", "en-gb+f5"])
def test_a_speaking_machine(voice, tmp_path):
    subprocess.run(["espeak-ng", "-v", voice, "-w", str(tmp_path / "said.wav"), SENTENCES], check=True, timeout=60)
    samples = load_audio(tmp_path / "said.wav", RATE)
    assert flatness(samples, RATE) < FLATNESS and speech(samples, RATE) > SPEECH

import multiprocessing
import os
import pickle
import re
import stat
import sys
import threading

import numpy as np
import pytest
import soundfile

from genrelab.audio import AudioError, decode_audio, errors, load_audio, probe
from genrelab.audio.sndfile import BLOCK_FRAMES, _quiet
from paths import SHARED_DATA

RATE = 22_050


@pytest.fixture(scope="module")
def stereo():
    time = np.arange(4 * RATE) / RATE
    left, right = 0.5 * np.sin(2 * np.pi * 440 * time), 0.1 * np.sin(2 * np.pi * 660 * time)
    noise = np.random.default_rng(0).normal(0, 0.01, (len(time), 2))
    return (np.stack([left, right], axis=1) + noise).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "au", "ogg", "mp3"])
def test_downmix_is_the_mean_of_the_channels(tmp_path, stereo, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, stereo, RATE)
    samples = load_audio(path, RATE)
    assert samples.dtype == np.float32 and samples.ndim == 1 and len(samples) == len(stereo)
    worst = np.abs(samples - stereo.mean(axis=1)).max()
    assert worst < (0.1 if suffix in ("ogg", "mp3") else 1e-4)


@pytest.mark.parametrize(("rate", "wanted"), [(8_000, 22_050), (44_100, 22_050), (48_000, 16_000)])
def test_resampling_keeps_pitch_and_level(tmp_path, rate, wanted):
    time = np.arange(2 * rate) / rate
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 1000 * time), rate, subtype="FLOAT")
    samples = load_audio(tmp_path / "a.wav", wanted)
    assert abs(len(samples) - 2 * wanted) <= 1
    middle = samples[wanted // 2 : wanted // 2 + wanted]
    spectrum = np.abs(np.fft.rfft(middle)) / (wanted / 2)
    assert spectrum.argmax() == 1000 and spectrum.max() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_many_blocks_of_many_channels(tmp_path, channels):
    frames = np.random.default_rng(0).uniform(-1, 1, (BLOCK_FRAMES * 2 + 77, channels)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", frames, RATE, subtype="FLOAT")
    found = decode_audio(tmp_path / "a.wav", RATE)
    assert (
        found.source_rate == RATE
        and found.channels == channels
        and found.samples == pytest.approx(frames.mean(axis=1), abs=1e-6)
    )


def test_the_files_own_rate_is_told(tmp_path, stereo):
    soundfile.write(tmp_path / "a.flac", stereo, 48_000)
    found = decode_audio(tmp_path / "a.flac", RATE)
    assert found.source_rate == 48_000 and abs(len(found.samples) - len(stereo) * RATE / 48_000) <= 1


def test_the_content_decides_not_the_suffix(tmp_path, stereo):
    soundfile.write(tmp_path / "a.wav", stereo, RATE)
    (tmp_path / "a.wav").rename(tmp_path / "a.mp3")
    assert len(load_audio(tmp_path / "a.mp3", RATE)) == len(stereo)


@pytest.mark.parametrize("frames", [1, 2, 100])
def test_very_short_files(tmp_path, frames):
    soundfile.write(tmp_path / "a.wav", np.full(frames, 0.5), 44_100)
    try:
        assert load_audio(tmp_path / "a.wav", RATE).size > 0
    except AudioError as error:
        assert error.reason == errors.NO_SAMPLES  # resampled to nothing


def reason(path):
    with pytest.raises(AudioError) as caught:
        load_audio(path, RATE)
    assert str(caught.value) == f"{path}: {caught.value.reason}" and "\n" not in str(caught.value)
    return caught.value.reason


def test_reasons_of_hostile_files(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    files = {
        "empty.mp3": (b"", errors.EMPTY_FILE),
        "text.mp3": (b"Hello, this is a readme.\n" * 50, errors.TEXT_FILE),
        "page.wav": (("<html>é</html>" * 60).encode(), errors.TEXT_FILE),
        "zeros.mp3": (bytes(100_000), errors.ZERO_BYTES),
        "picture.mp3": (b"\xff\xd8\xff\xe0" + np.random.default_rng(0).bytes(5000), errors.NOT_AUDIO),
        "song.m4a": (b"\x00\x00\x00\x20ftypM4A " + np.random.default_rng(0).bytes(5000), "MP4 or M4A needs"),
    }
    for name, (content, expected) in files.items():
        (tmp_path / name).write_bytes(content)
        assert reason(tmp_path / name).startswith(expected)
        with pytest.raises(AudioError):
            probe(tmp_path / name)
    assert reason(tmp_path / "nothing.wav") == errors.NO_SUCH_FILE
    assert reason(tmp_path) == errors.FOLDER
    os.mkfifo(tmp_path / "pipe.wav")
    assert reason(tmp_path / "pipe.wav") == errors.DEVICE


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "au", "mp3"])
def test_a_truncated_file_is_told(tmp_path, stereo, suffix, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, stereo, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert reason(path) == errors.CORRUPT or re.search(r"\b\d\.\d .*\b4\.0 s", reason(path))


def test_a_stream_of_unknown_length_is_not_truncated(tmp_path, stereo):
    path = tmp_path / "a.wav"
    soundfile.write(path, stereo, RATE)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = content[4:8] = b"\xff\xff\xff\xff"  # as ffmpeg writes to a pipe
    path.write_bytes(bytes(content))
    assert len(load_audio(path, RATE)) == len(stereo)


def test_samples_that_are_none_or_not_numbers(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 1)), RATE)
    soundfile.write(tmp_path / "nan.wav", np.array([0, np.nan, 1], np.float32), RATE, subtype="FLOAT")
    assert reason(tmp_path / "none.wav") == errors.NO_SAMPLES
    assert reason(tmp_path / "nan.wav") == errors.NON_FINITE


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "a.wav").chmod(0)
    assert reason(tmp_path / "a.wav") == "unreadable (permission denied)"


def test_silence_is_no_error(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    assert not load_audio(tmp_path / "a.wav", RATE).any()


FAKE_FFMPEG = """#!{python}
import struct, sys
import numpy as np
assert sys.argv[sys.argv.index("-i") + 1].startswith("file:")
stereo = np.stack([np.full(44100, 0.5), np.full(44100, -0.1)], axis=1)
sys.stdout.buffer.write(b".snd" + struct.pack(">5I", 28, 0xFFFFFFFF, 6, 44100, 2) + b"    ")
sys.stdout.buffer.write(stereo.astype(">f4").tobytes())
"""


def test_ffmpeg_serves_what_soundfile_does_not_know(tmp_path, monkeypatch):
    tool = tmp_path / "bin" / "ffmpeg"
    tool.parent.mkdir()
    tool.write_text(FAKE_FFMPEG.format(python=sys.executable))
    tool.chmod(tool.stat().st_mode | stat.S_IEXEC)
    song = tmp_path / "song.m4a"
    song.write_bytes(b"\x00\x00\x00\x20ftypM4A " + np.random.default_rng(0).bytes(5000))
    monkeypatch.setenv("PATH", str(tool.parent))
    samples = load_audio(song, 44_100)
    assert len(samples) == 44_100 and samples == pytest.approx(0.2)  # the mean, not ffmpeg's 3 dB more
    assert probe(song)[:2] == (1.0, 44_100)
    tool.write_text(f"#!{sys.executable}\nimport sys\nsys.exit(1)\n")
    assert reason(song) == errors.CORRUPT


def test_probe_reads_the_header(tmp_path, stereo):
    soundfile.write(tmp_path / "a.flac", stereo, RATE)
    assert probe(tmp_path / "a.flac") == (4.0, RATE, 2)


def _load_missing(path):
    load_audio(path, RATE)


def test_errors_come_home_from_workers():
    error = pickle.loads(pickle.dumps(AudioError("a b.mp3", "empty file")))
    assert (error.path, error.reason, str(error)) == ("a b.mp3", "empty file", "a b.mp3: empty file")
    with multiprocessing.get_context("fork").Pool(1) as pool, pytest.raises(AudioError, match=errors.NO_SUCH_FILE):
        pool.apply(_load_missing, ("/nowhere/a.wav",))


def test_decoders_notes_do_not_reach_the_terminal(tmp_path, capfd):
    (tmp_path / "a.mp3").write_bytes(np.random.default_rng(0).bytes(200_000))
    threads = [threading.Thread(target=lambda: reason(tmp_path / "a.mp3")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with _quiet(), _quiet():
        os.write(2, b"hidden")
    os.write(2, b"shown")
    assert capfd.readouterr().err == "shown"


@pytest.mark.shared
def test_real_clips_equal_librosa():
    import librosa

    folder = SHARED_DATA / "gtzan_mini/genres_original"
    clips = sorted(folder.glob("*/*.flac"))[::50]
    if not clips:
        pytest.skip("no development data")
    for clip in clips:
        theirs, _ = librosa.load(clip, sr=16_000, res_type="soxr_hq")
        ours = load_audio(clip, 16_000)
        assert 0 <= len(theirs) - len(ours) <= 1  # librosa rounds the length up and pads
        assert np.abs(ours - theirs[: len(ours)]).max() < 1e-5

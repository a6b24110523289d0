"""Long recordings go to a temporary file: the same samples, a bounded memory."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from genrelab.audio import AudioSpec, cut_segments, load_audio
from genrelab.audio.content_detection import analyze_content
from genrelab.audio.sample_buffer import SampleBuffer, iter_chunks, peak_level, release_memory
from genrelab.utils.errors import GenrelabError
from sounds import music

RATE = 8_000


@pytest.fixture(scope="module")
def sound():
    return np.r_[np.zeros(3000, np.float32), music(30, RATE), np.zeros(5000, np.float32)]


@pytest.fixture
def spooled(sound):
    buffer = SampleBuffer(in_memory=10_000)
    for at in range(0, len(sound), 4096):
        buffer.add(sound[at : at + 4096])
    return buffer.finish()


def test_samples_of_a_file_are_those_of_memory(spooled, sound):
    assert np.array_equal(spooled, sound) and spooled.dtype == np.float32 and not spooled.flags.writeable
    release_memory(spooled[5:])  # read again when used
    assert np.array_equal(spooled, sound)
    buffer = SampleBuffer()
    buffer.add(sound)
    assert np.array_equal(buffer.finish(), sound) and SampleBuffer().finish().shape == (0,)


def test_what_is_measured_does_not_depend_on_where_samples_lie(spooled, sound):
    audio = AudioSpec(sample_rate=RATE, segment_duration=2.0)
    assert analyze_content(spooled, RATE) == analyze_content(sound, RATE)
    ours, theirs = cut_segments(spooled, audio, "a"), cut_segments(sound, audio, "a")
    assert len(ours) == 15 == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.start == other.start and np.array_equal(one.samples, other.samples)


def test_chunks_and_peak(sound):
    assert np.array_equal(np.concatenate(list(iter_chunks(sound, 7000))), sound)
    assert peak_level(sound) == np.abs(sound).max() and peak_level(sound[:0]) == 0


def test_a_full_disk_is_told_in_a_line(monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(GenrelabError, match=r"set TMPDIR"):
        SampleBuffer(in_memory=0).add(np.zeros(10, np.float32))


def test_resampled_block_by_block_as_at_once(tmp_path, sound):
    import soxr

    soundfile.write(tmp_path / "a.wav", np.tile(sound, 3), 44_100, subtype="FLOAT")
    found = load_audio(tmp_path / "a.wav", 22_050)
    assert np.array_equal(found, soxr.resample(np.tile(sound, 3), 44_100, 22_050, quality="HQ"))


PROGRAM = """
import resource, sys
from genrelab.audio import AudioSpec
from genrelab.features import make_spec
from genrelab.features.cache.worker import TrackJob, WorkerConfig, process_track
audio = AudioSpec(sample_rate=8000, segment_duration=15, max_segments=4)
specs = (make_spec("mel", {"kind": "mel_db", "n_mels": 16, "frames": 16}, audio),)
job = lambda path: TrackJob("a", path, "a", (("none", (0,)),))
process_track(WorkerConfig(audio, specs), job(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = process_track(WorkerConfig(audio, specs), job(sys.argv[2]))
assert found.segments == 4 and found.seconds > 7000, found.decode_error
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted otherwise")
def test_features_of_hours_take_no_more_memory_than_those_of_minutes(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, RATE * 60).astype(np.float32)
    for name, minutes in (("short.wav", 5), ("long.wav", 180)):
        with soundfile.SoundFile(tmp_path / name, "w", RATE, 1) as file:
            for _ in range(minutes):
                file.write(noise)
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "short.wav"), str(tmp_path / "long.wav")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(done.stdout) / 1024 < 250  # MB; three hours are 345 MB of samples, 690 with a copy

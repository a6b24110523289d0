"""Files whose end is missing are refused in every format; those whose length nothing says are read, with a note."""

import shutil

import numpy as np
import pytest
import soundfile

from genrelab.audio import AudioError, decode_audio, errors, load_audio, probe
from genrelab.audio.ffmpeg import DAMAGED
from genrelab.audio.io import HIGHEST_RATE, LOWEST_RATE
from genrelab.audio.sndfile import PARTIAL
from planted import encode
from streams import CBR, RATE, encoded, rising, without_xing, write

SHARES = (0.15, 0.4, 0.65, 0.8)
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not here")


def accepted(path, content, shares=SHARES):
    """The shares of a file that pass as whole; the file itself is read."""
    assert len(load_audio(write(path, [content]), RATE)) > 0
    found = []
    for share in shares:
        try:
            load_audio(write(path, [content[: int(share * len(content))]]), RATE)
        except AudioError as error:
            assert error.reason.startswith("truncated") or error.reason == errors.NO_SAMPLES
        else:
            found.append(share)
    return found


@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3", "AIFF", "AU", "CAF", "W64", "RF64", "OGG", "OGG OPUS"])
def test_a_cut_file_is_refused(tmp_path, form, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    options = {"subtype": "OPUS"} if form == "OGG OPUS" else {}
    rate = 24_000 if options else RATE
    content = encoded(rising(4, rate), form.split()[0], rate, **options)
    assert accepted(tmp_path / "a", content) == []


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("front.m4a", ("-movflags", "faststart")),
        ("end.m4a", ()),
        ("fragments.m4a", ("-movflags", "frag_keyframe+empty_moov", "-frag_duration", "200000")),
        ("alac.m4a", ("-c:a", "alac", "-movflags", "faststart")),
        ("a.webm", ("-c:a", "libopus")),
        ("a.mka", ("-c:a", "aac")),
        ("a.oga", ("-c:a", "flac")),
        ("a.wma", ()),
        ("a.tta", ()),
        ("a.wv", ()),
    ],
)
def test_a_cut_file_that_ffmpeg_decodes_is_refused(tmp_path, name, arguments):
    content = encode(tmp_path / name, *arguments, seconds=2.0).read_bytes()
    assert accepted(tmp_path / name, content, SHARES[1:2]) == []


def test_an_ogg_that_was_recorded_has_no_end_that_is_missing(tmp_path):
    content = encoded(rising(), "OGG")
    stream = content[: content.rindex(b"OggS")]  # all pages but the last
    whole = load_audio(write(tmp_path / "whole.ogg", [content]), RATE)
    found = load_audio(write(tmp_path / "a.ogg", [stream]), RATE)
    assert len(whole) > len(found) > RATE and np.array_equal(found[:RATE], whole[:RATE])
    with pytest.raises(AudioError, match="its end is missing"):
        load_audio(write(tmp_path / "a.ogg", [stream, bytes(500)]), RATE)


@pytest.mark.parametrize("tail", [b"TAG".ljust(128, b"x"), bytes(300)], ids=["id3v1", "zeros"])
@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3", "OGG", "CAF"])
def test_bytes_behind_a_whole_file_cut_nothing(tmp_path, form, tail):
    content = encoded(rising(), form)
    whole = load_audio(write(tmp_path / "whole", [content]), RATE)
    assert np.array_equal(load_audio(write(tmp_path / "a", [content, tail]), RATE), whole)


@needs_ffmpeg
def test_damage_that_ffmpeg_meets_is_noted(tmp_path):
    path = encode(tmp_path / "a.m4a", "-movflags", "faststart")
    assert decode_audio(path, RATE).notes == ()
    content = bytearray(path.read_bytes())
    middle = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2
    content[middle : middle + 40] = b"\xff" * 40
    assert decode_audio(write(path, [bytes(content)]), RATE).notes == (DAMAGED,)


def test_a_stream_that_ends_inside_a_frame_is_read_with_a_note(tmp_path):
    stream = without_xing(encoded(rising(), **CBR))
    whole = decode_audio(write(tmp_path / "a.mp3", [stream]), RATE)
    cut = decode_audio(write(tmp_path / "b.mp3", [stream[:-20]]), RATE)
    assert whole.notes == () and cut.notes == (PARTIAL,) and 0 < len(whole.samples) - len(cut.samples) <= 576


@pytest.mark.parametrize("rate", [1, LOWEST_RATE - 1, HIGHEST_RATE + 1])
def test_sample_rates_of_no_music_are_refused(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(2000), rate)
    for read in (probe, lambda path: load_audio(path, RATE)):
        with pytest.raises(AudioError, match=rf"sample rate of {rate} Hz"):
            read(tmp_path / "a.wav")

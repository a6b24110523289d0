"""Where the first reader finds nothing: headers that were never finished, and formats that need ffmpeg."""

import shutil

import numpy as np
import pytest
import soundfile

from genrelab.audio import AudioError, errors, load_audio, probe
from genrelab.audio.containers import HEAD, sniff_format
from planted import encode_or_skip
from streams import RATE, encoded, rising, write

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not here")


def unfinished(form, subtype="PCM_16", sound=None):
    """A file as it lies on the disk when its writer crashes: lengths are 0, or unknown where the format has that."""
    content = bytearray(encoded(rising() if sound is None else sound, form, subtype=subtype))

    def blank(place, width=4, value=b"\0"):
        content[place : place + width] = value * width

    if form in ("WAV", "WAVEX"):
        blank(4)
        blank(content.index(b"data") + 4)
    elif form == "AIFF":
        blank(4)
        blank(content.index(b"SSND") + 4)
        blank(content.index(b"COMM") + 10)
    elif form == "AU":
        blank(8)
    elif form == "RF64":
        blank(20, 24)
    elif form == "CAF":
        blank(content.index(b"data") + 4, 8, b"\xff")
    return bytes(content)


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "AIFF", "AU", "RF64", "CAF"])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_header_that_was_never_finished(tmp_path, form, subtype, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    whole = load_audio(write(tmp_path / "whole", [encoded(rising(), form, subtype=subtype)]), RATE)
    path = write(tmp_path / "a", [unfinished(form, subtype)])
    found = load_audio(path, RATE)
    assert np.array_equal(found[: len(whole)], whole) and len(found) - len(whole) < 50  # a chunk behind the sound
    assert probe(path).duration == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "CAF"])
def test_a_file_that_holds_nothing_stays_empty(tmp_path, form, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    path = write(tmp_path / "a", [encoded(np.zeros((0, 2)), form)])
    for read in (probe, lambda path: load_audio(path, RATE)):
        with pytest.raises(AudioError) as caught:
            read(path)
        assert caught.value.reason == errors.NO_SAMPLES


MADE = {"oga": ("-c:a", "flac"), "tta": (), "caf": ("-c:a", "alac"), "m4a": (), "webm": ("-c:a", "libopus")}
MADE |= {"wv": (), "mka": ("-c:a", "aac"), "wma": (), "ac3": (), "aac": (), "spx": ("-c:a", "libspeex", "-ar", "32000")}


@needs_ffmpeg
@pytest.mark.parametrize("suffix", list(MADE))
def test_a_whole_file_needs_ffmpeg_where_there_is_none(tmp_path, suffix, monkeypatch):
    path = encode_or_skip(tmp_path / f"a.{suffix}", *MADE[suffix])
    assert len(load_audio(path, RATE)) == pytest.approx(2 * RATE, abs=0.1 * RATE)
    path = path.rename(tmp_path / "a.mp3")  # its name does not matter
    monkeypatch.setenv("PATH", "/nonexistent")
    for read in (probe, lambda path: load_audio(path, RATE)):
        with pytest.raises(AudioError, match=r" needs ffmpeg \(install it"):
            read(path)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"TTA1" + bytes(range(40)), "TTA"),
        (b"OggS" + bytes(24) + b"\x7fFLAC\1", "Ogg FLAC"),
        (b"ID3\4\0\0\0\0\0\x05.....MPCK", "Musepack"),
        (b"\0\0\0\x20ftypM4A ", "MP4 or M4A"),
        (b"\x1a\x45\xdf\xa3\1\2", "Matroska or WebM"),
        (b"ID3\4\0\0\0\0\x7f\x05", "MP3"),
        (encoded(rising(1)), "MP3"),
        (encoded(rising(1), "OGG"), "Ogg"),
        (np.random.default_rng(0).bytes(HEAD), None),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), None),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(50), None),
        (b"%PDF-1.7\n", None),
        (b"", None),
    ],
)
def test_the_first_bytes_name_a_format(head, name):
    found = sniff_format(head[:HEAD])
    assert (found and found.name) == name


@needs_ffmpeg
def test_ffmpeg_reads_what_libsndfile_opens_and_finds_empty(tmp_path, monkeypatch):
    """Whatever the reason: here the length that the file has is not looked for."""
    monkeypatch.setattr("genrelab.audio.sndfile.unfinished_header", lambda path: None)
    path = write(tmp_path / "a.wav", [unfinished("WAV")])
    assert soundfile.info(path).frames == 0 and len(load_audio(path, RATE)) == pytest.approx(3 * RATE, abs=50)

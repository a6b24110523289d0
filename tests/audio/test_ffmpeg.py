"""ffmpeg reads the file that was named and no other."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from genrelab.audio import AudioError, load_audio, probe
from genrelab.audio.errors import NO_SAMPLES, NOT_AUDIO, TEXT_FILE
from genrelab.audio.ffmpeg import FORMATS, open_ffmpeg, probe_ffmpeg
from genrelab.datasets.index import AUDIO_EXTENSIONS
from planted import (
    NAMES,
    OWN_HZ,
    RATE,
    SIBLING,
    encode,
    encode_or_skip,
    strongest,
    tone,
    watch_ffmpeg,
    write_linked_matroska,
    write_reference_movie,
    write_sibling,
    write_texts,
)

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not here")
# Demuxers that open further files or addresses, read pictures or devices, or make sound of nothing.
OTHERS = "hls applehttp concat concatf dash imf webm_dash_manifest image2 image2pipe sdp rtp rtsp sap lavfi alsa pulse"
OTHERS += " oss jack openal fbdev x11grab video4linux2 v4l2 kmsgrab vobsub ffmetadata tty sbg libgme libopenmpt txd"
OTHERS += " libcdio vapoursynth avisynth data rawvideo s16le gif png_pipe svg_pipe webvtt srt mpegts mpegtsraw avi"


@pytest.fixture
def starts(tmp_path, monkeypatch):
    """Command lines of ffmpeg and ffprobe so far; neither does anything."""
    return watch_ffmpeg(tmp_path / "bin", monkeypatch)


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


def refused(read, path):
    with pytest.raises(AudioError) as caught:
        read(path)
    assert "\n" not in str(caught.value) and SIBLING not in caught.value.reason
    return caught.value.reason


def decode(path):
    return load_audio(path, RATE)


def decode_by_ffmpeg(path):
    with open_ffmpeg(path) as stream:
        return np.concatenate(list(stream.blocks)).mean(axis=1), stream.sample_rate


def test_text_never_reaches_ffmpeg(music, starts):
    for path in write_texts(music):
        assert refused(decode, path) == refused(probe, path) == TEXT_FILE
    assert starts() == []


@pytest.mark.parametrize("name", ["song.m4a", *NAMES])
def test_the_command_line_names_one_file_and_what_may_be_opened(music, starts, monkeypatch, name):
    (music / name).write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(range(256)))
    monkeypatch.chdir(music)
    refused(decode, name)
    refused(probe, name)
    assert [Path(command[0]).name for command in starts()] == ["ffmpeg", "ffprobe"]
    for command in starts():
        given = command.index("-i")
        assert command[given + 1] == f"file:{name}" and command.count("-i") == 1
        # Options of an input go before it; behind it they would be the output's.
        before = dict(zip(command[1:given:2], command[2:given:2], strict=True))
        assert before["-protocol_whitelist"] == "file"
        assert set(before["-format_whitelist"].split(",")) == set(FORMATS)
        assert "-f" not in before and "-enable_drefs" not in before and "-safe" not in before


def test_no_format_that_opens_further_files_is_allowed():
    assert not set(FORMATS) & set(OTHERS.split()) and not any(name.endswith("_pipe") for name in FORMATS)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_file_s_name_for_soundfile_too(music, monkeypatch, name):
    write_sibling(music)
    soundfile.write(music / "own.wav", tone(OWN_HZ), RATE)
    (music / "own.wav").rename(music / name)
    monkeypatch.chdir(music)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert strongest(decode(name)) == pytest.approx(OWN_HZ, abs=2) and probe(name).duration == 2


def test_the_name_raw_is_no_reason_to_stop(music, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    (music / "a.raw").write_bytes(bytes(range(256)) * 20)
    assert refused(decode, music / "a.raw") == refused(probe, music / "a.raw") == NOT_AUDIO


@needs_ffmpeg
@pytest.mark.slow
@pytest.mark.parametrize("absolute", [False, True])
def test_no_text_makes_ffmpeg_read_its_sibling(music, monkeypatch, absolute):
    """The lists of formats and protocols alone, as if the text had not been found to be text."""
    monkeypatch.setattr("genrelab.audio.ffmpeg.is_text", lambda head: False)
    for path in write_texts(music, absolute=absolute):
        refused(decode_by_ffmpeg, path)
        refused(probe_ffmpeg, path)


@needs_ffmpeg
@pytest.mark.parametrize("entry", ["alis", "url "])
def test_a_movie_s_reference_is_not_followed(music, entry):
    write_sibling(music)
    path = write_reference_movie(music / "song.m4a", entry)
    try:
        samples = decode(path)
    except AudioError as error:
        assert error.reason in (NOT_AUDIO, NO_SAMPLES)
    else:
        assert strongest(samples) == pytest.approx(OWN_HZ, abs=2)


@needs_ffmpeg
def test_a_linked_segment_is_not_followed(music):
    write_sibling(music)
    samples = decode(write_linked_matroska(music / "song.mka"))
    assert strongest(samples) == pytest.approx(OWN_HZ, abs=2) and len(samples) == pytest.approx(2 * RATE, abs=100)


@needs_ffmpeg
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_file_s_name(music, monkeypatch, name):
    write_sibling(music)
    encode(music / "sibling1.m4a", hertz=3000)
    encode(music / name, kind="mp4")
    monkeypatch.chdir(music)
    assert strongest(decode(name)) == pytest.approx(OWN_HZ, abs=2) and probe(name).duration == pytest.approx(2, abs=0.1)


@needs_ffmpeg
def test_a_sequence_of_pictures_is_not_read(music):
    for number in range(3):
        (music / f"song{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (music / "song%d.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    refused(decode, music / "song%d.png")
    refused(probe, music / "song%d.png")


# ffmpeg's arguments for each kind of file that soundfile does not know, or that it may pass on.
MADE = {
    "m4a": (),
    "mp4": (),
    "fragments.m4a": ("-movflags", "frag_keyframe+empty_moov", "-frag_duration", "500000"),
    "alac.m4a": ("-c:a", "alac"),
    "mov": (),
    "aac": (),
    "latm": ("-c:a", "aac", "-f", "latm"),
    "wma": (),
    "webm": ("-c:a", "libopus"),
    "mka": ("-c:a", "aac"),
    "mkv": ("-c:a", "flac"),
    "wv": (),
    "tta": (),
    "ac3": (),
    "eac3": (),
    "dts": (),
    "mlp": ("-ar", "48000"),
    "thd": ("-ar", "48000"),
    "caf": (),
    "oga": ("-c:a", "flac"),
    "opus": (),
    "spx": ("-c:a", "libspeex", "-ar", "32000"),
    "flac": (),
    "mp3": (),
    "mp2": (),
    "aiff": (),
    "au": (),
    "wav": (),
    "adpcm.wav": ("-c:a", "adpcm_ms"),
    "w64": (),
    "voc": (),
}


@needs_ffmpeg
@pytest.mark.parametrize("suffix", list(MADE))
def test_every_container_of_sound_is_still_read(music, suffix):
    path = encode_or_skip(music / f"song.{suffix}", *MADE[suffix])
    own, rate = decode_by_ffmpeg(path)  # also what soundfile would have read
    for samples in (decode(path), soxr.resample(own, rate, RATE)):
        assert strongest(samples[2000:-2000]) == pytest.approx(OWN_HZ, abs=3), suffix
        assert len(samples) / RATE == pytest.approx(2, abs=0.15)
    if suffix not in ("latm", "mlp", "thd"):  # whose headers have no length
        for read in (probe, probe_ffmpeg):
            assert read(path).duration == pytest.approx(2, abs=0.5), "of raw streams it is an estimate"


@pytest.mark.slow
@needs_ffmpeg
def test_every_suffix_of_a_folder_is_a_format_that_is_allowed(music):
    """ffmpeg names the demuxers that belong to a suffix; those of all suffixes are on the list."""
    for suffix in sorted(AUDIO_EXTENSIONS):
        path = music / f"song{suffix}"
        if suffix in (".ape", ".mpc", ".snd", ".rf64", ".oga"):
            continue  # ffmpeg cannot write these, or has no muxer of this name
        try:
            encode(path, *(("-c:a", "libopus") if suffix == ".webm" else ()))
        except AssertionError:
            continue
        found = subprocess.run(
            ["ffprobe", "-v", "error", "-show_entries", "format=format_name", "-of", "csv=p=0", f"file:{path}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert set(found.strip().strip('"').split(",")) & set(FORMATS), (suffix, found)
    assert {"ape", "mpc", "mpc8", "au", "wav", "ogg"} <= set(FORMATS)


@needs_ffmpeg
def test_a_container_that_is_not_on_the_list_is_refused_in_a_line(music):
    path = encode(music / "clip.avi")
    assert refused(decode, path) == refused(probe, path)
    assert "convert it" in refused(decode, path)

"""A length is read, not believed: streams, pipes and joined files are decoded to their end."""

import math
import time

import numpy as np
import pytest
import soundfile

from genrelab.audio import AudioError, load_audio, probe
from genrelab.audio.mpeg_frames import find_frames
from streams import ABR, CBR, RATE, VBR, encoded, id3, piped_flac, rising, with_vbri, without_xing, write

DELAY = 576 + 529  # samples: LAME's and the decoder's, which no stream states
FRAME = 576


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")


def refused(path):
    with pytest.raises(AudioError) as caught:
        load_audio(path, RATE)
    return caught.value.reason


@pytest.mark.parametrize("mode", [VBR, ABR], ids=["vbr", "abr"])
@pytest.mark.parametrize("loud_first", [False, True])
@pytest.mark.parametrize("front", [b"", id3()], ids=["bare", "id3"])
def test_a_stream_without_a_count_gives_all_samples_at_their_places(tmp_path, mode, loud_first, front):
    content = encoded(rising(3, loud_first=loud_first), **mode)
    whole = load_audio(write(tmp_path / "whole.mp3", [content]), RATE)
    path = write(tmp_path / "stream.mp3", [front, without_xing(content)])
    assert len(whole) == 3 * RATE and soundfile.info(path).frames != 117 * FRAME
    found = load_audio(path, RATE)
    assert len(found) == 117 * FRAME == probe(path).duration * RATE
    assert np.array_equal(found[DELAY : DELAY + 3 * RATE], whole)


def test_a_vbri_frame_is_no_sound(tmp_path):
    stream = without_xing(encoded(rising(), **VBR))
    bare = load_audio(write(tmp_path / "bare.mp3", [stream]), RATE)
    assert np.array_equal(load_audio(write(tmp_path / "vbri.mp3", [with_vbri(stream)]), RATE), bare)


def test_constant_bit_rates_are_read_as_ever(tmp_path):
    content = encoded(rising(), **CBR)
    for path in (
        write(tmp_path / "tagged.mp3", [content]),
        write(tmp_path / "stream.mp3", [without_xing(content)]),
        write(tmp_path / "end.mp3", [content, b"TAG".ljust(128, b"\xff")]),
    ):
        with soundfile.SoundFile(path) as file:
            left, right = file.read(dtype="float32").T
        assert np.array_equal(load_audio(path, RATE), (left + right) / 2)


def test_a_large_picture_does_not_make_a_stream_longer(tmp_path):
    stream = without_xing(encoded(rising(), **CBR))
    path = write(tmp_path / "a.mp3", [id3(200_000), stream])
    assert soundfile.info(path).duration > 4 and probe(path).duration == pytest.approx(3.05, abs=0.01)
    assert len(load_audio(path, RATE)) == probe(path).duration * RATE


@pytest.mark.parametrize("front", [b"", id3()], ids=["bare", "id3"])
def test_joined_mp3s_are_read_to_their_end(tmp_path, front):
    parts = [front + encoded(rising(2, loud_first=loud), **VBR) for loud in (False, True)]
    each = [load_audio(write(tmp_path / "part.mp3", [part]), RATE) for part in parts]
    path = write(tmp_path / "joined.mp3", parts)
    assert np.array_equal(load_audio(path, RATE), np.concatenate(each)) and probe(path).duration == 4


def test_joined_streams_are_read_to_their_end(tmp_path):
    """Without a tag between them nothing shows where the second begins."""
    stream = without_xing(encoded(rising(2), **VBR))
    path = write(tmp_path / "joined.mp3", [stream, stream])
    assert len(load_audio(path, RATE)) == sum(run.samples for run in find_frames(path)) == 2 * 79 * FRAME


def test_a_mono_part_of_a_stereo_file_is_read(tmp_path):
    parts = [encoded(rising(2)), encoded(rising(2)[:, 0])]
    assert len(load_audio(write(tmp_path / "joined.mp3", parts), RATE)) == 4 * RATE


def test_parts_of_other_sample_rates_are_named(tmp_path):
    path = write(tmp_path / "joined.mp3", [encoded(rising(2)), encoded(rising(2), rate=44_100)])
    assert "22050 and 44100 Hz" in refused(path) and "first 2.0 s" in refused(path)


def test_a_stream_that_goes_on_behind_its_count(tmp_path):
    content = encoded(rising(2), **VBR)
    path = write(tmp_path / "a.mp3", [content, without_xing(content)])
    assert len(load_audio(path, RATE)) == pytest.approx(2 * 79 * FRAME, abs=2 * FRAME + DELAY)


def test_a_cut_stream_with_a_count_is_refused(tmp_path):
    content = encoded(rising(), **VBR)
    assert "of 3.0 s" in refused(write(tmp_path / "a.mp3", [content[: len(content) // 2]]))


def test_damage_between_frames_loses_little(tmp_path):
    stream = bytearray(without_xing(encoded(rising(), **VBR)))
    stream[10_000:10_300] = bytes(300)
    assert len(load_audio(write(tmp_path / "a.mp3", [bytes(stream)]), RATE)) > 110 * FRAME


def test_bytes_that_are_no_frames_give_none(tmp_path):
    noise = np.random.default_rng(0).bytes(300_000)
    assert find_frames(write(tmp_path / "noise", [noise])) == []
    for content in (b"", b"\xff", b"\xff\xfb\x90\x64", b"ID3\x03\0\0\x7f\x7f\x7f\x7f", b"TAG" + bytes(125)):
        assert all(run.frames == 0 for run in find_frames(write(tmp_path / "short", [content])))


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xfb\x90\x64", b"\0", b"ID3\3\0\0\0\0\0\0"], ids=repr)
def test_megabytes_that_look_like_frames_take_no_minutes(tmp_path, filler):
    stream = without_xing(encoded(rising(), **VBR))
    path = write(tmp_path / "a.mp3", [stream, filler * (4_000_000 // len(filler))])
    started = time.process_time()
    assert find_frames(path)[0].frames == 117 and time.process_time() - started < 3


def test_frames_of_many_chunks_are_counted(tmp_path, monkeypatch):
    stream = without_xing(encoded(rising(), **VBR))
    path = write(tmp_path / "a.mp3", [id3(), stream, encoded(rising(), **VBR)])
    whole = find_frames(path)
    monkeypatch.setattr("genrelab.audio.mpeg_frames._CHUNK", 8192)
    assert find_frames(path) == whole and [run.frames for run in whole] == [117, 117]


def test_frames_are_counted_in_a_fraction_of_decoding(tmp_path):
    path = write(tmp_path / "a.mp3", [encoded(rising(6), **VBR)])

    def seconds(work):
        best = math.inf
        for _ in range(5):
            started = time.process_time()
            work()
            best = min(best, time.process_time() - started)
        return best

    assert seconds(lambda: find_frames(path)) < 0.1 * seconds(lambda: soundfile.read(path)) + 2e-4


def test_a_flac_from_a_pipe_has_the_length_that_was_decoded(tmp_path):
    sound = rising()
    path = write(tmp_path / "a.flac", [piped_flac(sound)])
    assert soundfile.info(path).frames > 1 << 62 and math.isnan(probe(path).duration)
    assert np.allclose(load_audio(path, RATE), sound.mean(axis=1), rtol=0, atol=1e-4)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_chain_of_ogg_is_read_to_its_end(tmp_path, subtype):
    rate = 24_000
    parts = [encoded(rising(2, rate, loud), "OGG", rate, subtype=subtype) for loud in (False, True)]
    each = [load_audio(write(tmp_path / "part.ogg", [part]), rate) for part in parts]
    path = write(tmp_path / "chain.ogg", parts)
    assert probe(path).duration == pytest.approx(4, abs=1e-3)
    found = load_audio(path, 48_000 if subtype == "OPUS" else rate)
    if subtype == "VORBIS":
        assert np.array_equal(found, np.concatenate(each))
    assert len(found) == pytest.approx(2 * sum(map(len, each)) / (1 if subtype == "OPUS" else 2), abs=2)


def test_links_of_other_sample_rates_are_named(tmp_path):
    parts = [encoded(rising(2), "OGG"), encoded(rising(2), "OGG", 44_100)]
    assert "22050 and 44100 Hz" in refused(write(tmp_path / "chain.ogg", parts))

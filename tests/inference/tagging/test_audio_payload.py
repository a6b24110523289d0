"""No tag is worth the music: a copy whose audio differs never takes a file's place."""

import shutil
import struct
import subprocess
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.mp4 import MP4

from genrelab.audio import AudioError
from genrelab.inference.tagging import audio_tags
from genrelab.inference.tagging.audio_payload import flac_audio, mp3_audio, mp4_audio, ogg_audio
from genrelab.inference.tagging.audio_tags import GenreTag, read_genre, write_genre

RATE = 22_050
NEW = GenreTag(("Boogie Woogie / Piano Blues",), ("Ska",))
SOUND = np.random.default_rng(0).bytes(3000)
BASE, BASE_IS_MOOF = 1, 0x20000


def atom(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + name + body


def full(name: bytes, flags: int, *numbers: int) -> bytes:
    return atom(name, struct.pack(f">{1 + len(numbers)}I", flags, *numbers))


def moov(offsets: bytes, *extra: bytes, edits: bytes = b"") -> bytes:
    """A movie of one sound track."""
    sound = struct.pack(">HHIHH", 2, 16, 0, RATE, 0)
    entry = atom(b"mp4a", bytes(6), struct.pack(">H", 1), bytes(8), sound, atom(b"free"))
    sizes = full(b"stsz", 0, 1000, 3 if offsets.count(b"stco") or offsets.count(b"co64") else 0)
    table = atom(b"stbl", atom(b"stsd", bytes(4), struct.pack(">I", 1), entry), sizes, offsets)
    header = full(b"mdhd", 0, 0, 0, RATE, RATE, 0)
    handler = atom(b"hdlr", bytes(8), b"soun", bytes(13))
    track = atom(b"trak", edits, atom(b"mdia", header, handler, atom(b"minf", table)))
    return atom(b"moov", atom(b"mvhd", bytes(100)), track, *extra)


FTYP = atom(b"ftyp", b"M4A \0\0\0\0M4A mp42isom")


def plain(path: Path, table: bytes = b"stco", first: bytes = b"", between: bytes = b"", edits: bytes = b"") -> Path:
    """One chunk whose absolute place is in the table; `first`: atoms in front of the movie."""

    def made(place: int) -> bytes:
        body = struct.pack(">IIQ" if table == b"co64" else ">III", 0, 1, place)
        return moov(atom(table, body), edits=edits)

    size = len(FTYP) + len(first) + len(made(0)) + len(between) + 8
    path.write_bytes(FTYP + first + made(size) + between + atom(b"mdat", SOUND))
    return path


def fragmented(path: Path, flags: int, index: bool = False) -> Path:
    """Three fragments of a thousand bytes each, found by absolute base offsets or relative to their own atom."""
    head = FTYP + moov(full(b"stco", 0, 0), atom(b"mvex", full(b"trex", 0, 1, 1, 0, 1000, 0)))
    starts = []
    for number in range(3):
        starts.append(len(head))

        def moof(shift: int, number: int = number) -> bytes:
            base = struct.pack(">Q", starts[-1]) if flags & BASE else b""
            track = atom(b"tfhd", struct.pack(">II", flags, 1), base)
            return atom(b"moof", full(b"mfhd", 0, number + 1), atom(b"traf", track, full(b"trun", 1, 1, shift)))

        head += moof(len(moof(0)) + 8) + atom(b"mdat", SOUND[1000 * number : 1000 * (number + 1)])
    if index:
        places = b"".join(struct.pack(">IIBBB", 0, start, 1, 1, 1) for start in starts)
        table = atom(b"tfra", struct.pack(">IIII", 0, 1, 0, 3), places)
        head += atom(b"mfra", table, full(b"mfro", 0, 16 + len(table) + 8))
    path.write_bytes(head)
    return path


def played(path: Path) -> bytes:
    """What a player finds by the tables: of each chunk, or of each fragment's run."""
    whole = path.read_bytes()
    if b"moof" not in whole:
        wide = b"co64" in whole
        at = whole.index(b"co64" if wide else b"stco") + 12
        place = int.from_bytes(whole[at : at + (8 if wide else 4)], "big")
        return whole[place : place + 3000]
    found, at = b"", 0
    while (at := whole.find(b"moof", at) + 4) > 3:
        track, run = whole.index(b"tfhd", at), whole.index(b"trun", at)
        base = at - 8
        if whole[track + 7] & BASE:
            base = int.from_bytes(whole[track + 12 : track + 20], "big")
        shift = int.from_bytes(whole[run + 12 : run + 16], "big")
        found += whole[base + shift : base + shift + 1000]
    return found


def test_mutagen_alone_destroys_a_fragmented_file(tmp_path):
    """The fault that the check is for; once this fails, mutagen has fixed it."""
    path = fragmented(tmp_path / "song.m4a", BASE)
    assert played(path) == SOUND
    file = MP4(path)
    file.add_tags()
    file["\xa9gen"] = ["Ska"]
    file.save()
    assert played(path) != SOUND and played(path)[:1000] == SOUND[:1000]


def test_a_fragmented_file_that_would_lose_its_sound_is_left_alone(tmp_path):
    path = fragmented(tmp_path / "song.m4a", BASE)
    before = path.read_bytes()
    with pytest.raises(AudioError, match="audio") as caught:
        write_genre(path, NEW)
    assert path.read_bytes() == before and "\n" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["song.m4a"]


def test_an_index_of_fragments_that_would_lead_astray(tmp_path):
    path = fragmented(tmp_path / "song.m4a", BASE_IS_MOOF, index=True)
    before = path.read_bytes()
    with pytest.raises(AudioError, match="audio"):
        write_genre(path, NEW)
    assert path.read_bytes() == before


PADDED, EDITS = atom(b"free", bytes(4000)), atom(b"edts", full(b"elst", 0, 1, RATE, 1024, 0x10000))


@pytest.mark.parametrize(
    "make",
    [
        lambda path: fragmented(path, BASE_IS_MOOF),
        lambda path: plain(path, edits=EDITS),
        lambda path: plain(path, b"co64"),
        lambda path: plain(path, between=PADDED),
        lambda path: plain(path, first=PADDED, between=atom(b"uuid", bytes(16))),
        lambda path: plain(path, between=struct.pack(">I4sQ", 1, b"uuid", 40) + bytes(24)),
    ],
    ids=["fragments_by_themselves", "edits", "long_places", "padding", "atoms_between", "long_atom"],
)
def test_what_can_be_tagged_safely_is(tmp_path, make):
    path = make(tmp_path / "song.m4a")
    assert played(path) == SOUND
    audio, was = mp4_audio(path), read_genre(path)
    write_genre(path, NEW)
    assert read_genre(path) == NEW and played(path) == SOUND and mp4_audio(path) == audio
    write_genre(path, was)
    assert read_genre(path).values == () and read_genre(path).old is None and played(path) == SOUND


def song(path: Path) -> Path:
    time = np.arange(4 * RATE) / RATE
    if path.suffix == ".m4a":
        return plain(path, edits=EDITS)
    kinds = {".opus": ("OGG", "OPUS"), ".oga": ("OGG", "VORBIS")}
    kind, coding = kinds.get(path.suffix, (path.suffix[1:].upper(), None))
    soundfile.write(
        path, (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), 24_000, format=kind, subtype=coding
    )
    return path


AUDIO = {".mp3": mp3_audio, ".flac": flac_audio, ".ogg": ogg_audio, ".opus": ogg_audio, ".m4a": mp4_audio}


def cut(whole: bytearray) -> None:
    del whole[-1:]


def changed(whole: bytearray) -> None:
    whole[-100] ^= 1


def doubled(whole: bytearray) -> None:
    whole += whole[-200:]


def moved(whole: bytearray) -> None:
    """A byte comes in where the audio was; what refers to a place no longer finds it."""
    whole[len(whole) // 2 : len(whole) // 2] = b"\0"


def header(whole: bytearray) -> None:
    """A number of the format: FLAC's sampling rate, the last Ogg page's position, an MP4 place, MPEG's first header."""
    marks = {b"fLaC": 18, b"OggS": 6, b"stco": 15}
    for mark, step in marks.items():
        if mark in whole:
            whole[whole.rindex(mark) + step] ^= 1
            return
    whole[whole.index(b"\xff\xfb") + 2] ^= 4


@pytest.mark.parametrize("harm", [cut, changed, doubled, moved, header])
@pytest.mark.parametrize("suffix", AUDIO)
def test_a_copy_whose_audio_is_harmed_takes_no_place(tmp_path, monkeypatch, suffix, harm):
    path = song(tmp_path / f"song{suffix}")
    before = path.read_bytes()
    kind = type(audio_tags._format(path))
    write = kind.write

    def writes(self, genre):
        write(self, genre)
        [part] = tmp_path.glob(".*.part*")
        whole = bytearray(part.read_bytes())
        harm(whole)
        part.write_bytes(whole)

    monkeypatch.setattr(kind, "write", writes)
    with pytest.raises(AudioError, match="audio") as caught:
        write_genre(path, NEW)
    assert path.read_bytes() == before and "\n" not in str(caught.value) and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("suffix", AUDIO)
def test_tags_are_no_part_of_the_audio(tmp_path, suffix):
    path = song(tmp_path / f"song{suffix}")
    audio = AUDIO[suffix](path)
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    for title in ("short", "long " * 30_000, "short"):  # in Ogg, over several pages
        file["title"] = [title]
        file.save()
        assert AUDIO[suffix](path) == audio
        write_genre(path, NEW)
        assert AUDIO[suffix](path) == audio and read_genre(path) == NEW


def test_chained_ogg_streams_keep_their_packets(tmp_path):
    path = song(tmp_path / "song.ogg")
    path.write_bytes(path.read_bytes() + song(tmp_path / "other.oga").read_bytes())
    samples = soundfile.read(path)[0]
    try:
        write_genre(path, NEW)
    except AudioError:
        return  # left alone, as it was
    finally:
        np.testing.assert_array_equal(soundfile.read(path)[0], samples)


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".ogg", ".flac", ".wav"])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF], ids=["zero", "endless"])
def test_a_streamed_wav_is_left_alone_whatever_its_name(tmp_path, suffix, size):
    """A WAV that was written to a pipe does not know its length; a save would cut or stretch it."""
    path = tmp_path / f"song{suffix}"
    form = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    head = b"RIFF" + struct.pack("<I", size) + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data"
    path.write_bytes(head + struct.pack("<I", size) + SOUND)
    before = path.read_bytes()
    with pytest.raises(AudioError):
        write_genre(path, NEW)
    assert path.read_bytes() == before


FLAGS = {
    "whole": [],
    "faststart": ["-movflags", "faststart"],
    "by_base": ["-movflags", "frag_keyframe+empty_moov", "-frag_duration", "500000"],
    "by_itself": ["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "500000"],
    "index_first": ["-movflags", "dash+global_sidx", "-frag_duration", "500000"],
}


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_files_of_ffmpeg_decode_to_the_same_samples(tmp_path, flags):
    path = tmp_path / "song.m4a"
    source = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:duration=6"]
    subprocess.run([*source, "-c:a", "aac", *FLAGS[flags], path], check=True)

    def decoded() -> bytes:
        words = ["ffmpeg", "-v", "quiet", "-i", path, "-f", "s16le", "-"]
        return subprocess.run(words, check=False, capture_output=True).stdout

    before, samples, was = path.read_bytes(), decoded(), read_genre(path)
    assert len(samples) > 500_000
    try:
        write_genre(path, NEW)
    except AudioError:
        assert path.read_bytes() == before and flags not in ("whole", "faststart")
        return
    assert decoded() == samples and read_genre(path) == NEW
    write_genre(path, was)
    assert decoded() == samples and read_genre(path).values == was.values

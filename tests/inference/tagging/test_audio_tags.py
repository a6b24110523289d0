"""Tags in and out of every format, without a sample or a byte of audio changing."""

import errno
import os
import shutil
import stat
import struct
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import ID3, TCON, TIT2

from genrelab.audio import AudioError
from genrelab.inference.tagging.audio_tags import GenreTag, read_genre, write_genre

RATE = 22_050
FORMATS = {"mp3": "MP3", "flac": "FLAC", "ogg": "OGG"}
LONG = "Boogie Woogie / Piano Blues"


def sound(path: Path) -> Path:
    time = np.arange(RATE) / RATE
    soundfile.write(path, (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE)
    return path


def atom(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + name + body


def m4a(path: Path, moov_first: bool = True) -> Path:
    """The least that is an M4A: one track whose one chunk's place stands in `stco`."""
    data = np.random.default_rng(0).bytes(3000)
    kind = atom(b"ftyp", b"M4A \0\0\0\0M4A mp42isom")

    def moov(place: int) -> bytes:
        sound = struct.pack(">HHIHH", 2, 16, 0, RATE, 0)
        entry = atom(b"mp4a", bytes(6), struct.pack(">H", 1), bytes(8), sound, atom(b"free"))
        chunks = atom(b"stco", struct.pack(">III", 0, 1, place))
        table = atom(b"stbl", atom(b"stsd", struct.pack(">II", 0, 1), entry), chunks)
        header = atom(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, RATE, RATE, 0))
        handler = atom(b"hdlr", struct.pack(">II", 0, 0), b"soun", bytes(13))
        media = atom(b"mdia", header, handler, atom(b"minf", table))
        return atom(b"moov", atom(b"mvhd", bytes(100)), atom(b"trak", media))

    first = len(kind) + (len(moov(0)) if moov_first else 0) + 8
    parts = [moov(first), atom(b"mdat", data)]
    path.write_bytes(kind + b"".join(parts if moov_first else parts[::-1]))
    return path


def audio_of(path: Path) -> bytes:
    """Decoded samples; of an M4A what its chunk table leads to, since decoding it needs more than soundfile."""
    if path.suffix not in (".m4a", ".m4b"):
        samples, rate = soundfile.read(path, dtype="int32")
        return samples.tobytes() + str(rate).encode()
    whole = path.read_bytes()
    place = struct.unpack(">I", whole[(at := whole.index(b"stco") + 12) : at + 4])[0]
    return whole[place : place + 3000]


@pytest.fixture(params=[*FORMATS, "m4a", "m4b"])
def song(request, tmp_path) -> Path:
    path = tmp_path / f"song.{request.param}"
    return m4a(path) if request.param in ("m4a", "m4b") else sound(path)


def test_a_genre_and_what_it_was_go_in_and_out(song):
    before = audio_of(song)
    assert read_genre(song).values == ()
    for genre in (GenreTag((LONG,), ()), GenreTag(("Ska", "Über-Jazz"), ("Other", "More")), GenreTag((), None)):
        write_genre(song, genre)
        found = read_genre(song)
        assert (found.values, found.old) == (genre.values, genre.old)
        assert audio_of(song) == before
    assert [path.name for path in song.parent.iterdir()] == [song.name]


def test_a_chunk_table_behind_the_audio(tmp_path):
    song = m4a(tmp_path / "late.m4a", moov_first=False)
    before = audio_of(song)
    write_genre(song, GenreTag((LONG,), ("Ska",)))
    assert read_genre(song).values == (LONG,) and audio_of(song) == before


def test_other_tags_stay(song):
    if song.suffix == ".mp3":
        ID3().save(song)
    file = mutagen.File(song, easy=True)
    if file.tags is None:
        file.add_tags()
    file["title"] = ["A song"]
    file["genre"] = ["Rock"]
    file.save()
    write_genre(song, GenreTag(("Ska",), ("Rock",)))
    again = mutagen.File(song, easy=True)
    assert again["title"] == ["A song"] and again["genre"] == ["Ska"]


@pytest.mark.parametrize("version", [3, 4])
def test_id3_keeps_its_version(tmp_path, version):
    song = sound(tmp_path / "song.mp3")
    tags = ID3()
    tags.add(TIT2(encoding=1, text=["Ein Lied"]))
    tags.add(TCON(encoding=1, text=["Rock"]))
    tags.save(song, v2_version=version)
    write_genre(song, GenreTag((LONG,), ("Rock",)))
    assert song.read_bytes()[:4] == b"ID3" + bytes([version])
    assert read_genre(song).values == (LONG,) and mutagen.File(song)["TIT2"].text == ["Ein Lied"]


def test_tags_that_were_not_there_go_again(tmp_path):
    song = sound(tmp_path / "song.mp3")
    before = read_genre(song)
    assert not before.tags
    write_genre(song, GenreTag(("Ska",), ()))
    write_genre(song, before)
    assert read_genre(song) == before


def test_the_file_is_replaced_in_one_step_and_keeps_its_rights(song):
    song.chmod(0o640)
    link = song.with_name("link" + song.suffix)
    link.symlink_to(song)
    whole = song.read_bytes()

    def fails() -> None:
        assert song.read_bytes() == whole
        raise OSError(28, "No space left on device")

    with pytest.raises(AudioError, match=os.strerror(errno.ENOSPC).lower()):
        write_genre(link, GenreTag(("Ska",), ()), fails)
    assert song.read_bytes() == whole and len(list(song.parent.iterdir())) == 2
    write_genre(link, GenreTag(("Ska",), ()))
    assert link.is_symlink() and read_genre(song).values == ("Ska",)
    assert stat.S_IMODE(song.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(song):
    song.parent.chmod(0o500)
    with pytest.raises(AudioError, match=os.strerror(errno.EACCES).lower()):
        write_genre(song, GenreTag(("Ska",), ()))
    song.parent.chmod(0o700)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.wav", b"RIFF"),
        ("a.mp3", b""),
        ("a.flac", b"fLaC"),
        ("a.ogg", b"OggS"),
        ("a.m4a", b"\0\0\0\x20ftypM4A "),
        ("a.mp3", b"text " * 99),
    ],
)
def test_broken_files_are_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioError) as caught:
        read_genre(tmp_path / name)
    assert caught.value.path == str(tmp_path / name) and "\n" not in str(caught.value)
    shutil.rmtree(tmp_path)

"""ID3 tags byte for byte: only the genre's frames change, and undo brings the file back."""

import io
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen import id3

from genrelab.audio import AudioError
from genrelab.inference.tagging.audio_tags import OLD, GenreTag, read_genre, write_genre
from genrelab.inference.tagging.undo_log import UndoLog, undo

RATE = 22_050
NEW = GenreTag(("Ska", "Über-Jazz"), ("Rock",))
V1 = b"TAG" + b"A song".ljust(30, b"\0") + b"A band".ljust(30) + bytes(30) + b"1999" + bytes(28) + b"\0\5" + b"\x11"
LOST = ["TSOP", "TSOA", "TSOT", "TSST", "TMOO", "TDOR", "TDRL", "RVAD", "TRDA", "TSIZ"]  # by mutagen, on the way to 2.3
KNOWN = sorted(set(id3.Frames) | set(LOST))


def frame(name: str, body: bytes, version: int = 3, flags: bytes = b"\0\0") -> bytes:
    if version == 2:
        return name.encode() + struct.pack(">I", len(body))[1:] + body
    return name.encode() + (synchsafe(len(body)) if version == 4 else struct.pack(">I", len(body))) + flags + body


def synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def tag(frames: bytes, version: int = 3, padding: int = 1000, flags: int = 0) -> bytes:
    body = frames + bytes(padding)
    return b"ID3" + bytes([version, 0, flags]) + synchsafe(len(body)) + body


def song(path: Path, head: bytes, tail: bytes = b"") -> Path:
    """An MP3 of a second between a tag and what follows the sound."""
    time = np.arange(RATE) / RATE
    soundfile.write(path, (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE)
    path.write_bytes(head + path.read_bytes() + tail)
    return path


def others(path: Path) -> tuple[int, list[bytes], bytes]:
    """Version, all frames but genrelab's two, and the bytes behind the tag, read by hand."""
    whole = path.read_bytes()
    version, size = whole[3], sum(byte << shift for byte, shift in zip(whole[6:10], (21, 14, 7, 0), strict=True))
    body, frames, place = whole[10 : 10 + size], [], 0
    step = 7 if version == 4 else 8
    while body[place : place + 1] not in (b"", b"\0"):
        head, long = (6, body[place + 3 : place + 6]) if version == 2 else (10, body[place + 4 : place + 8])
        length = sum(byte << step * (len(long) - 1 - at) for at, byte in enumerate(long))
        frames.append(body[place : place + head + length])
        place += head + length
    assert not body[place:].strip(b"\0")
    marks = (OLD.encode(), OLD.encode("utf-16-le"))
    genre = b"TCO" if version == 2 else b"TCON"
    kept = [one for one in frames if not one.startswith(genre) and not any(mark in one for mark in marks)]
    return version, kept, whole[10 + size :]


def check(path: Path, genre: GenreTag = NEW) -> None:
    """Write, and take back as the command does: others as they were after both, and at the end every byte."""
    before, frames, was = path.read_bytes(), others(path), read_genre(path)
    noted = UndoLog(path.with_suffix(".jsonl"))
    write_genre(path, genre, lambda: noted.add(path, was, genre))
    noted.close()
    assert read_genre(path) == genre and others(path) == frames
    assert undo(noted.path) == (1, [])
    assert path.read_bytes() == before and read_genre(path) == was


def one_of_each(version: int) -> bytes:
    """Every frame that mutagen has a class for, with what is legal in it, and the genre among them."""
    frames = b""
    for name in KNOWN:
        tags, saved = id3.ID3(), io.BytesIO()
        kind = id3.Frames[name]
        try:
            tags.add(kind(encoding=1, text=["Ein", "Zwei/Drei"]) if issubclass(kind, id3.TextFrame) else kind())
            tags.save(saved, v2_version=version, v23_sep=None, padding=lambda _: 0)
        except id3.error:  # a class without a default that is legal
            saved.truncate(0)
        frames += saved.getvalue()[10:] or frame(name, b"\0a body\0of a kind\0", version)
    return frames


@pytest.mark.parametrize("padding", [0, 7, 1000])
@pytest.mark.parametrize("version", [3, 4])
def test_every_frame_that_mutagen_has_stays_and_comes_back(tmp_path, version, padding):
    path = song(tmp_path / "song.mp3", tag(one_of_each(version), version, padding), V1)
    names = {one[:4].decode() for one in others(path)[1]}
    assert names >= set(KNOWN) - {"TCON"} and names >= set(LOST)
    check(path, GenreTag(NEW.values, read_genre(path).values))


@pytest.mark.parametrize("name", sorted(id3.Frames_2_2))
def test_the_oldest_version_stays_what_it_is(tmp_path, name):
    frames = frame(name, b"\0a body", 2) + frame("TCO", b"\0(17)", 2) + frame("TT2", b"\1\xff\xfeA\0", 2)
    check(song(tmp_path / "song.mp3", tag(frames, 2)))


TITLE, GENRE = frame("TIT2", b"\1\xfe\xff\0A\0\0"), frame("TCON", b"\0(17)(4)Acid\0Rock\0")
LARGE = frame("APIC", b"\0image/png\0\3\0" + bytes(range(256)) * 3, 4)


@pytest.mark.parametrize(
    "head",
    [
        tag(TITLE),
        tag(TITLE + GENRE + frame("TSOP", b"\0Sort")),
        tag(GENRE + TITLE + frame("TCON", b"\1\xff\xfeX\0")),
        tag(TITLE + GENRE, padding=0),
        tag(frame("TIT2", zlib.compress(b"\0A song"), flags=b"\xc0\x80") + GENRE),
        tag(frame("XXXX", b"of no standard") + frame("TS2\0", b"\0Sort") + GENRE + frame("TPE1", b"")),
        tag(frame("TPE1", b"\0One\0Two/Three", 4, b"\x60\0") + frame("TDRC", b"\0001999-12", 4), 4),
        tag(frame("TIT2", b"\1\xff\0\xfeA\0\xff\0\xff", 4, b"\0\2") + frame("TCON", b"\3Rock", 4), 4, flags=128),
        tag(frame("TIT2", b"\1\xff\xfeA\0").replace(b"\xff\xfe", b"\xff\0\xfe") + GENRE, flags=128),
        tag(LARGE + frame("TCON", b"\3Rock", 4), 4),
        tag(LARGE[:4] + struct.pack(">I", len(LARGE) - 10) + LARGE[8:] + frame("TALB", b"\0x", 4), 4),
        tag(b"", padding=20),
        b"",
    ],
    ids=[
        "no_genre", "genre_between", "two_genres", "no_padding", "compressed", "unknown", "v24", "v24_unsynchronised",
        "v23_unsynchronised", "v24_large", "v24_plain_sizes", "empty", "none",
    ],
)  # fmt: skip
@pytest.mark.parametrize("tail", [b"", V1], ids=["", "v1"])
def test_a_tag_comes_back_byte_for_byte(tmp_path, head, tail):
    path = song(tmp_path / "song.mp3", head, tail)
    before, was, sound = path.read_bytes(), read_genre(path), path.read_bytes()[len(head) :]
    write_genre(path, NEW)
    assert read_genre(path) == NEW and path.read_bytes().endswith(sound)
    write_genre(path, GenreTag(("Dub",), NEW.old))  # a second run, taken back by itself
    write_genre(path, was)
    assert path.read_bytes() == before


def test_a_tag_that_has_room_keeps_its_size(tmp_path):
    path = song(tmp_path / "song.mp3", tag(TITLE + GENRE), V1)
    size = path.stat().st_size
    write_genre(path, NEW)
    assert path.stat().st_size == size and path.read_bytes()[-128:] == V1


def test_what_id3v1_alone_says_is_copied(tmp_path):
    path = song(tmp_path / "song.mp3", b"", V1)
    assert read_genre(path).values == ("Rock",)
    write_genre(path, NEW)
    tags = id3.ID3(path, load_v1=False)
    assert tags["TIT2"].text == ["A song"] and tags["TRCK"].text == ["5"] and path.read_bytes()[-128:] == V1


def test_undo_leaves_what_was_added_since(tmp_path):
    path = song(tmp_path / "song.mp3", b"")
    was = read_genre(path)
    write_genre(path, NEW)
    tags = id3.ID3(path)
    tags.add(id3.TIT2(encoding=3, text=["Mine"]))
    tags.save()
    write_genre(path, was)
    assert read_genre(path).values == () and id3.ID3(path)["TIT2"].text == ["Mine"]


def test_junk_behind_the_frames_stays(tmp_path):
    path = song(tmp_path / "song.mp3", tag(GENRE + TITLE + b"\0\0junk of a bad writer\xff", padding=0))
    before, was = path.read_bytes(), read_genre(path)
    write_genre(path, NEW)
    assert read_genre(path) == NEW and b"\0\0junk of a bad writer\xff" in path.read_bytes()
    write_genre(path, was)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "head",
    [tag(b"\0\0\0\6\0\0\0\0\0\0" + TITLE, flags=64), tag(b"", 4, 0, flags=16) + b"3DI\4\0\x10\0\0\0\0"],
    ids=["extended", "footer"],
)
def test_tags_that_cannot_be_kept_are_left_alone(tmp_path, head):
    path = song(tmp_path / "song.mp3", head)
    before = path.read_bytes()
    with pytest.raises(AudioError, match="ID3"):
        write_genre(path, NEW)
    assert path.read_bytes() == before


@pytest.mark.parametrize("harmed", [b"TCON\0\xe3\0\6\0\0\0Rock\0", b"\xa5IT2\0\0\0\2\0\0\0x" + GENRE])
def test_a_broken_tag_that_would_not_give_the_genre_is_left_alone(tmp_path, harmed):
    """What no frame header leads to, and mutagen finds all the same: its genre would come beside the new one."""
    path = song(tmp_path / "song.mp3", tag(TITLE + harmed, 4, 10))
    before = path.read_bytes()
    assert "Rock" in read_genre(path).values
    with pytest.raises(AudioError, match="left alone"):
        write_genre(path, NEW)
    assert path.read_bytes() == before


@pytest.mark.parametrize("options", [["--id3v2-only"], ["--add-id3v2", "--pad-id3v2-size", "0"], ["--id3v2-utf16"], []])
@pytest.mark.skipif(shutil.which("lame") is None, reason="needs lame")
def test_files_written_by_lame(tmp_path, options):
    soundfile.write(tmp_path / "in.wav", np.zeros(RATE), RATE)
    words = ["--quiet", *options, "--tt", "Ein Lied", "--ta", "Wer", "--tg", "Acid House", "--tv", "TSOP=Sort"]
    subprocess.run(["lame", *words, tmp_path / "in.wav", tmp_path / "song.mp3"], check=True)
    assert b"TSOP" in (tmp_path / "song.mp3").read_bytes()
    check(tmp_path / "song.mp3")


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_files_written_by_ffmpeg(tmp_path, version):
    words = [
        "-metadata",
        "title=Ein Lied",
        "-metadata",
        "genre=Rock",
        "-metadata",
        "artist-sort=Sort",
        "-metadata",
        "x=ÿ",
    ]
    kind = ["-id3v2_version", str(version), "-write_id3v1", "1", tmp_path / "song.mp3"]
    source = ["-v", "error", "-f", "lavfi", "-i", "sine=440:duration=1"]
    subprocess.run(["ffmpeg", *source, *words, *kind], check=True)
    check(tmp_path / "song.mp3")

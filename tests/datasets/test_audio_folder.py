import os
import re
import unicodedata
from collections import Counter

import pytest

from genrelab.datasets.audio_folder import format_others, list_audio
from genrelab.datasets.index import AUDIO_EXTENSIONS
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import ConfigError, GenrelabError
from naming import naming
from streams import encoded, rising


@pytest.fixture
def music(tmp_path):
    def touch(name):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")

    touch.root = str(tmp_path / "music")
    return touch


def read(music, **params):
    return DATASETS.build("folder", {"root": music.root, **params})


def test_artists_are_the_first_folder_at_any_depth(music):
    for name in ("rock/Queen/live/1986/a.mp3", "rock/b.FLAC", "jazz/Monk/c.ogg"):
        music(name)
    tracks = read(music).tracks.set_index("track_id")
    assert list(tracks.index) == ["jazz/Monk/c.ogg", "rock/Queen/live/1986/a.mp3", "rock/b.FLAC"]
    assert list(tracks["genre"]) == ["jazz", "rock", "rock"]
    assert list(tracks["artist_id"]) == ["Monk", "Queen", None]
    assert read(music, artist_folders=False).artists == "none"


def test_what_is_no_track_is_told(music):
    for name in ("rock/a.mp3", "rock/cover.jpg", "rock/.hidden.mp3", ".git/x.mp3", "loose.mp3", "pop/readme.txt"):
        music(name)
    dataset_index = read(music)
    assert list(dataset_index.tracks["track_id"]) == ["rock/a.mp3"]
    assert [note.split(": ")[1] for note in dataset_index.notes] == ["1 .jpg, 1 .txt", "loose.mp3", "pop"]


def test_ids_have_one_unicode_form(music):
    music("rock/" + unicodedata.normalize("NFD", "Björk") + "/é.mp3")
    assert list(read(music).tracks["track_id"]) == ["rock/Björk/é.mp3"]


def test_a_file_name_that_is_not_utf8_is_rejected(music):
    music("rock/a.mp3")
    music(os.fsdecode(b"rock/\xff.mp3"))
    dataset_index = read(music)
    assert len(dataset_index) == 1
    assert "UTF-8" in dataset_index.rejected[0][1]


def test_a_link_that_leads_back_ends(music, tmp_path):
    music("rock/a.mp3")
    (tmp_path / "music/rock/again").symlink_to(tmp_path / "music", target_is_directory=True)
    assert len(read(music)) == 1


@pytest.mark.parametrize("name", ["aaa", "zzz"])
def test_a_linked_folder_takes_no_track_from_the_real_one(music, tmp_path, name):
    music("jazz/Monk/a.mp3")
    music("rock/b.mp3")
    (tmp_path / "music" / name).mkdir()
    (tmp_path / "music" / name / "Monk").symlink_to(tmp_path / "music/jazz/Monk", target_is_directory=True)
    dataset_index = read(music)
    assert dataset_index.genre_of == {"jazz/Monk/a.mp3": "jazz", "rock/b.mp3": "rock"}
    ((path, reason),) = dataset_index.rejected
    assert path == str(tmp_path / "music" / name / "Monk") and "jazz/Monk" in reason


def test_a_genre_that_is_a_link_to_another_is_reported(music, tmp_path):
    music("jazz/a.mp3")
    (tmp_path / "music/blues").symlink_to("jazz", target_is_directory=True)
    dataset_index = read(music)
    assert dataset_index.genre_of == {"jazz/a.mp3": "jazz"}
    assert dict(dataset_index.rejected).keys() == {str(tmp_path / "music/blues")}


def test_linked_files_and_folders_count_once(music, tmp_path):
    top = tmp_path / "music"
    music("jazz/a.mp3")
    music("../elsewhere/b.mp3")
    (top / "blues").mkdir()
    (top / "blues/a.mp3").symlink_to("../jazz/a.mp3")
    (top / "jazz/again.mp3").symlink_to("a.mp3")
    (top / "blues/b.mp3").symlink_to("../../elsewhere/b.mp3")
    (top / "pop").symlink_to("../elsewhere", target_is_directory=True)
    dataset_index = read(music)
    assert dataset_index.genre_of == {"jazz/a.mp3": "jazz", "pop/b.mp3": "pop"}
    assert set(dict(dataset_index.rejected)) == {str(top / "blues/a.mp3"), str(top / "blues/b.mp3")}


def test_a_csv_names_artists(music, tmp_path):
    for name in ("rock/a.mp3", "rock/b.mp3", "rock/same.mp3", "jazz/same.mp3"):
        music(name)
    lines = ["path,artist,album", "rock/a.mp3,Queen,Jazz", "b.mp3,ABBA,", "same.mp3,?,", "jazz/same.mp3,Monk,"]
    (tmp_path / "artists.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    dataset_index = read(music, artists_csv=str(tmp_path / "artists.csv"))
    assert dict(zip(dataset_index.tracks["track_id"], dataset_index.tracks["artist_id"], strict=True)) == {
        "jazz/same.mp3": "Monk",
        "rock/a.mp3": "Queen",
        "rock/b.mp3": "ABBA",
        "rock/same.mp3": None,
    }
    assert re.search(r"\b1 lines ", dataset_index.notes[0])


def test_errors_name_the_remedy(music, tmp_path):
    with pytest.raises(ConfigError, match=r"dataset\.root: "):
        DATASETS.build("folder", {})
    with pytest.raises(GenrelabError, match=naming("dataset.root", music.root)):
        read(music)
    music("readme.txt")
    with pytest.raises(GenrelabError, match=naming(music.root, "dataset.root")):
        read(music)
    music("rock/a.mp3")
    (tmp_path / "bad.csv").write_text("file;singer\n")
    with pytest.raises(GenrelabError, match=r"bad\.csv.*'path' .*'artist'"):
        read(music, artists_csv=str(tmp_path / "bad.csv"))


def test_files_are_audio_by_content_where_their_name_says_nothing(tmp_path):
    (tmp_path / "rock").mkdir()
    sound = encoded(rising(0.2))
    others = {
        "cover.jpg": b"\xff\xd8\xff\xe0" + bytes(5000),
        "photo.heic": b"\0\0\0\x20ftypheic" + bytes(5000),
        "clip.avi": b"RIFF\0\0\0\0AVI " + bytes(5000),
        "clip.mov": b"\0\0\0\x20ftypqt  " + bytes(5000),
        "notes.txt": b"no music",
        "data": bytes(5000),
    }
    audio = {"stream": sound, "song.MP3.bak": sound, "a.flac_": encoded(rising(0.2), "FLAC"), "b.m4b": b"?"}
    for name, content in (others | audio).items():
        (tmp_path / "rock" / name).write_bytes(content)
    found = list_audio(tmp_path)
    assert {path.name for path in found.files} == set(audio)
    assert found.others == {".jpg": 1, ".heic": 1, ".avi": 1, ".mov": 1, ".txt": 1, "no extension": 1}
    assert format_others(Counter({".a": 3, ".b": 5, ".c": 1, ".d": 1, ".e": 1, ".f": 1, ".g": 2})) == (
        "5 .b, 3 .a, 2 .g, 1 .c, 1 .d, 1 .e and 1 others"
    )


@pytest.mark.parametrize("ending", [".m4b", ".mp2", ".oga", ".wv", ".caf", ".spx", ".tta", ".eac3"])
def test_endings_that_a_reader_reads_are_audio(ending):
    assert ending in AUDIO_EXTENSIONS

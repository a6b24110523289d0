import re

import pytest

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import ConfigError, GenrelabError


@pytest.fixture
def write(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"x")

    def put(*lines, **params):
        (tmp_path / "tracks.csv").write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
        return DATASETS.build("csv", {"path": str(tmp_path / "tracks.csv"), **params})

    return put


def test_all_columns(write):
    dataset_index = write(
        "path,genre,artist,album,duration,split", "a.wav,Jazz,Monk,Solo,12.5,validation", "b.wav,Rock,,,,TEST"
    )
    first, second = dataset_index.tracks.to_dict("records")
    assert (first["track_id"], first["genre"], first["artist_id"], first["album_id"]) == (
        "a.wav",
        "Jazz",
        "Monk",
        "Solo",
    )
    assert (first["duration"], first["official_split"]) == (12.5, "val")
    assert (second["artist_id"], second["official_split"]) == (None, "test")


@pytest.mark.parametrize("delimiter", ";\t")
def test_other_delimiters_and_names(write, delimiter):
    lines = [delimiter.join(line) for line in (("file", "label"), ("a.wav", "Jazz, cool"))]
    dataset_index = write(*lines, columns={"path": "file", "genre": "label"})
    assert list(dataset_index.tracks["genre"]) == ["Jazz, cool"]


def test_missing_files_are_listed(write):
    dataset_index = write("path,genre", "a.wav,x", "gone.wav,x")
    assert len(dataset_index) == 1
    assert dataset_index.rejected[0][1] == f"{NO_SUCH_FILE} (tracks.csv, line 3)"
    assert re.fullmatch(r"1 of 2 files .*tracks\.csv.*", *dataset_index.notes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("path,genre", "a.wav,x", "b.wav,"), r"tracks\.csv, line 3: no genre"),
        (("path,genre,duration", "a.wav,x,long"), r"line 2: duration 'long' "),
        (("path,genre,split", "a.wav,x,half"), r"line 2: split 'half' "),
        (("path,genre", "a.wav,x", "a.wav,y", ",z"), r"line 3: 'a\.wav' .*\bline 2\b.*\(and 1 "),
        (("path,gender", "a.wav,x"), r"'genre'.*'gender'"),
        (("path,genre",), r"tracks\.csv: (?!.*dataset\.root)"),
        (("path,genre", "no.wav,x"), r"\b1 files .*no\.wav.*dataset\.root"),
    ],
)
def test_bad_lines_name_file_and_line(write, lines, message):
    with pytest.raises(GenrelabError, match=message):
        write(*lines)


def test_bad_parameters(write, tmp_path):
    with pytest.raises(ConfigError, match=r"dataset\.path: "):
        DATASETS.build("csv", {})
    with pytest.raises(ConfigError, match=r"genr.*'genre'"):
        write("path,genre", "a.wav,x", columns={"genr": "x"})
    with pytest.raises(GenrelabError, match=r"none\.csv: "):
        DATASETS.build("csv", {"path": str(tmp_path / "none.csv")})
    (tmp_path / "latin.csv").write_bytes("path,genre\na.wav,Música\n".encode("latin-1"))
    with pytest.raises(GenrelabError, match=r"latin\.csv.*UTF-8"):
        DATASETS.build("csv", {"path": str(tmp_path / "latin.csv")})


LISTED = ("path,genre", "a.wav,blues; pop", "b.wav,pop")


def test_a_cell_of_several_genres_gives_one_or_all(write):
    assert write(*LISTED).tracks["genre"].tolist() == ["blues; pop", "pop"], "one genre, unless a separator is named"
    single = write(*LISTED, separator=";")
    assert single.tracks["genre"].tolist() == ["pop"] and "first_genre=single" in single.rejected[0][1]
    assert write(*LISTED, separator=";", first_genre="rarest").tracks["genre"].tolist() == ["blues", "pop"]
    every = write(*LISTED, separator=";", multi_label=True)
    assert every.genres_of == {"a.wav": ("blues", "pop"), "b.wav": ("pop",)}
    with pytest.raises(ConfigError, match="separator"):
        write(*LISTED, multi_label=True)


def test_paths_written_on_windows_are_found(write, tmp_path):
    (tmp_path / "jazz").mkdir()
    (tmp_path / "jazz" / "c.wav").write_bytes(b"x")
    dataset_index = write("path,genre", r"jazz\c.wav,jazz", r".\a.wav,rock", r"gone\d.wav,rock")
    assert dataset_index.tracks["path"].tolist() == [str(tmp_path / "a.wav"), str(tmp_path / "jazz" / "c.wav")]
    assert dataset_index.tracks["track_id"].tolist() == ["a.wav", "jazz/c.wav"]
    assert dataset_index.rejected[0][1].startswith(NO_SUCH_FILE)

import pytest

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
    assert dataset_index.rejected[0][1] == "no such file (tracks.csv, line 3)"
    assert dataset_index.notes == ("1 of 2 files of tracks.csv do not exist",)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("path,genre", "a.wav,x", "b.wav,"), r"tracks\.csv, line 3: no genre"),
        (("path,genre,duration", "a.wav,x,long"), r"line 2: duration 'long' is not a number"),
        (("path,genre,split", "a.wav,x,half"), r"line 2: split 'half' is none of"),
        (("path,genre", "a.wav,x", "a.wav,y", ",z"), r"line 3: 'a.wav' stands on line 2 already \(and 1 more"),
        (("path,gender", "a.wav,x"), r"no column 'genre'; did you mean 'gender'"),
        (("path,genre",), "no line after the header"),
        (("path,genre", "no.wav,x"), r"none of its 1 files exists, not even .*; set dataset\.root"),
    ],
)
def test_bad_lines_name_file_and_line(write, lines, message):
    with pytest.raises(GenrelabError, match=message):
        write(*lines)


def test_bad_parameters(write, tmp_path):
    with pytest.raises(ConfigError, match=r"dataset\.path: name the CSV"):
        DATASETS.build("csv", {})
    with pytest.raises(ConfigError, match="did you mean 'genre'"):
        write("path,genre", "a.wav,x", columns={"genr": "x"})
    with pytest.raises(GenrelabError, match="no such file"):
        DATASETS.build("csv", {"path": str(tmp_path / "none.csv")})
    (tmp_path / "latin.csv").write_bytes("path,genre\na.wav,Música\n".encode("latin-1"))
    with pytest.raises(GenrelabError, match="save it as UTF-8"):
        DATASETS.build("csv", {"path": str(tmp_path / "latin.csv")})

import pytest

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.datasets.first_genre import SEVERAL, choose_genres
from genrelab.datasets.jamendo import jamendo, read_tags
from genrelab.datasets.splits.predefined import official
from genrelab.utils.errors import ConfigError, GenrelabError
from paths import SHARED_DATA

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
LINES = {
    "train": "track_1\tartist_1\talbum_1\t01/1.mp3\t124.6\tgenre---rock\tgenre---punkrock\n"
    "track_2\tartist_1\talbum_2\t02/2.mp3\t60\tgenre---metal\tinstrument---piano\tgenre---rock\n"
    "track_5\tartist_4\talbum_5\t05/5.mp3\t60\tgenre---punkrock\n",
    "validation": "track_3\tartist_2\talbum_3\t03/3.mp3\t80.5\tgenre---rock\n",
    "test": "track_4\tartist_3\talbum_4\t04/4.mp3\t90.0\tgenre---metal\tgenre---punkrock\tgenre---rock\n",
}


@pytest.fixture
def files(tmp_path):
    (tmp_path / "split-0").mkdir()
    for part, lines in LINES.items():
        (tmp_path / "split-0" / f"autotagging_genre-{part}.tsv").write_text(HEADER + lines)
    for name in ("01/1.mp3", "02/2.low.mp3", "03/3.mp3", "04/4.mp3"):  # 05 was never got
        (tmp_path / "audio" / name).parent.mkdir(parents=True)
        (tmp_path / "audio" / name).touch()
    return {"root": str(tmp_path / "audio"), "tags": str(tmp_path / "split-0")}


def test_lines_have_as_many_columns_as_tags(files):
    dataset_index = jamendo(**files, multi_label=True)
    assert dataset_index.genres_of["track_2"] == ("metal", "rock")  # the instrument is no genre
    assert dataset_index.genres_of["track_4"] == ("metal", "punkrock", "rock")
    assert dataset_index.tracks["official_split"].tolist() == ["train", "train", "val", "test"]
    assert dataset_index.tracks["duration"].tolist() == [124.6, 60, 80.5, 90]
    assert dataset_index.tracks["path"][1].endswith("02/2.low.mp3")
    assert dataset_index.rejected[0][1] == f"{NO_SUCH_FILE} (autotagging_genre-train.tsv, line 4)"
    assert official(dataset_index).artists == "apart"


@pytest.mark.parametrize(
    ("first_genre", "genres"),
    [
        ("single", {"track_3": "rock"}),
        ("rarest", {"track_1": "punkrock", "track_2": "metal", "track_3": "rock", "track_4": "metal"}),
        ("listed", {"track_1": "rock", "track_2": "metal", "track_3": "rock", "track_4": "metal"}),
    ],
)
def test_one_genre_a_track_is_chosen(files, first_genre, genres):
    dataset_index = jamendo(**files, first_genre=first_genre)
    assert not dataset_index.multi_label and dataset_index.genre_of == genres
    assert any(f"first_genre={first_genre}: 3 of 4 tracks" in note for note in dataset_index.notes)
    assert sum(reason == SEVERAL for _, reason in dataset_index.rejected) == 4 - len(genres)


@pytest.mark.shared
def test_the_first_listed_genre_is_the_first_of_the_alphabet():
    rows = [row["genres"] for _, row in read_tags(SHARED_DATA / "jamendo" / "autotagging_genre-train.tsv")]
    assert all(list(genres) == sorted(genres) for genres in rows)
    share = {how: choose_genres(rows, how).count("techno") for how in ("listed", "rarest")}
    assert share["listed"] < 0.15 * sum("techno" in genres for genres in rows) < share["rarest"]


def test_rare_genres_are_left_out(files):
    dataset_index = jamendo(**files, min_tracks=4, multi_label=True)
    assert dataset_index.genres == ("rock",) and "metal, punkrock" in dataset_index.notes[0]


def test_one_file_names_no_parts(files, tmp_path):
    tags = str(tmp_path / "split-0" / "autotagging_genre-train.tsv")
    dataset_index = jamendo(root=files["root"], tags=tags, first_genre="listed")
    assert dataset_index.tracks["official_split"].isna().all()


@pytest.mark.parametrize(("line", "message"), [
    ("track_9\tartist_9\n", "line 2: 2 columns"),
    ("track_9\ta\tb\t09/9.mp3\tlong\tgenre---rock\n", "line 2: duration 'long'"),
    ("track_1\ta\tb\t01/1.mp3\t1\tgenre---rock\n", "track_1 stands twice"),
])  # fmt: skip
def test_what_does_not_fit_names_file_and_line(files, tmp_path, line, message):
    (tmp_path / "split-0" / "autotagging_genre-test.tsv").write_text(HEADER + line)
    with pytest.raises(GenrelabError, match=message):
        jamendo(**files)


def test_what_is_missing_is_told(files, tmp_path):
    with pytest.raises(ConfigError, match=r"dataset\.tags: .*data/splits/split-0"):
        jamendo(root=files["root"])
    with pytest.raises(GenrelabError, match=r"nowhere\.tsv: "):
        jamendo(root=files["root"], tags=str(tmp_path / "nowhere.tsv"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(GenrelabError, match=r"\b5 tracks"):
        jamendo(root=str(tmp_path / "empty"), tags=files["tags"])
    (tmp_path / "other.tsv").write_text("path\tgenre\n")
    with pytest.raises(GenrelabError, match=r"other\.tsv: "):
        jamendo(root=files["root"], tags=str(tmp_path / "other.tsv"))


@pytest.mark.shared
def test_the_published_split_is_read_whole():
    counts, artists, genres = {}, {}, {}
    for part in ("train", "validation", "test"):
        rows = [row for _, row in read_tags(SHARED_DATA / "jamendo" / f"autotagging_genre-{part}.tsv")]
        counts[part] = len(rows)
        artists[part] = {row["artist_id"] for row in rows}
        genres[part] = {genre for row in rows for genre in row["genres"]}
        assert all(row["genres"] for row in rows)
    assert counts == {"train": 32572, "validation": 11043, "test": 11479}
    assert {part: len(found) for part, found in artists.items()} == {"train": 2131, "validation": 705, "test": 710}
    assert not artists["train"] & artists["test"]
    assert genres["train"] == genres["validation"] == genres["test"] and len(genres["train"]) == 87

import csv
import re
import shutil

import pytest

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.config import compose
from genrelab.datasets.fma import fma, read_tracks
from genrelab.datasets.fma_exclusions import MISCUT, UNREADABLE, excluded_tracks
from genrelab.datasets.splits.predefined import official
from genrelab.engine import build
from genrelab.utils.errors import ConfigError, GenrelabError
from naming import naming
from paths import SHARED_DATA

GENRES = (
    "genre_id,#tracks,parent,title,top_level\n12,3,0,Rock,12\n25,2,12,Punk,12\n15,3,0,Electronic,15\n4,1,0,Jazz,4\n"
)
# id, artist, album, split, subset, genre_top, genres_all
TRACKS = [
    (2, 1, 1, "training", "small", "Rock", "[25, 12]"),
    (5, 1, 1, "training", "small", "Electronic", "[15]"),
    (10, 6, 6, "validation", "small", "Rock", "[12]"),
    (134, 7, 7, "validation", "medium", "Electronic", "[15]"),
    (148, 8, 8, "test", "small", "Electronic", "[15]"),
    (149, 9, 9, "test", "large", "", "[25, 12, 15]"),
    (98565, 8, 8, "test", "small", "Rock", "[12]"),
    (200, 11, 11, "test", "medium", "Rock", "[25, 12]"),
    (201, 12, 12, "test", "small", "Rock", "[12]"),
]


@pytest.fixture
def root(tmp_path):
    """The published layout: a header of three lines, columns in groups, lists as Python writes them."""
    tables = tmp_path / "fma_metadata"
    tables.mkdir()
    (tables / "genres.csv").write_text(GENRES)
    header = [
        ("", "album", "album", "artist", "set", "set", "track", "track", "track"),
        ("", "id", "title", "id", "split", "subset", "genre_top", "genres_all", "title"),
        ("track_id", *[""] * 8),
    ]
    with (tables / "tracks.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerows(header)
        for track, artist, album, part, subset, top, genres in TRACKS:
            writer.writerow((track, album, "A title, with a comma\nand a line", artist, part, subset, top, genres, "x"))
    for track, *_ in TRACKS:
        if track != 201:  # was never unpacked
            path = tmp_path / "fma_large" / f"{track:06d}"[:3] / f"{track:06d}.mp3"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return tmp_path


def test_small_is_read_with_its_split(root):
    dataset_index = fma(str(root))
    assert dataset_index.tracks["track_id"].tolist() == ["000002", "000005", "000010", "000148"]
    assert dataset_index.tracks["path"][0].endswith("fma_large/000/000002.mp3")
    assert dataset_index.tracks["genre"].tolist() == ["Rock", "Electronic", "Rock", "Electronic"]
    assert dataset_index.tracks["official_split"].tolist() == ["train", "train", "val", "test"]
    assert dict(dataset_index.rejected) == {
        str(root / "fma_large/098/098565.mp3"): excluded_tracks("small", ())[98565],
        str(root / "fma_large/000/000201.mp3"): NO_SUCH_FILE,
    }
    assert official(dataset_index).artists == "apart"


def test_subsets_hold_each_other(root):
    assert len(fma(str(root), "medium")) == 6
    large = fma(str(root), "large")
    assert len(large) == 6 and str(root / "fma_large/000/000149.mp3") in dict(large.rejected)
    assert len(fma(str(root), "large", multi_label=True)) == 7


@pytest.mark.parametrize(("first_genre", "genre"), [("listed", "Rock"), ("rarest", "Electronic"), ("single", None)])
def test_one_of_several_top_genres_is_chosen(root, first_genre, genre):
    dataset_index = fma(str(root), "large", first_genre=first_genre, exclude=[5])  # a track of Electronic
    assert dataset_index.genre_of.get("000149") == genre
    assert len(dataset_index) == (5 if genre is None else 6)
    assert any(f"first_genre={first_genre}: 1 of 6 tracks" in note for note in dataset_index.notes)


def test_several_genres_hold_their_ancestors_the_rarest_first(root):
    dataset_index = fma(str(root), "large", multi_label=True)
    assert dataset_index.genres_of["000002"] == ("Punk", "Rock") and dataset_index.genre_of["000149"] == "Punk"
    assert set(dataset_index.genres_of["000149"]) == {"Punk", "Rock", "Electronic"}
    assert fma(str(root), "large", min_tracks=4, multi_label=True).genres == ("Electronic", "Rock")


def test_further_tracks_are_left_out_by_id(root):
    dataset_index = fma(str(root), exclude=[2])
    assert "000002" not in dataset_index.genre_of and "dataset.exclude" in dict(dataset_index.rejected).values()


def test_further_tracks_are_left_out_by_a_file(root):
    (root / "faults.txt").write_text("# mine\n2\n\nfma_large/000/000010.mp3  # noise\n134,\n")
    dataset_index = fma(str(root), "medium", exclude=str(root / "faults.txt"))
    assert dataset_index.tracks["track_id"].tolist() == ["000005", "000148", "000200"]
    assert any(re.search(r"\b3 tracks .*dataset\.exclude", note) for note in dataset_index.notes)
    config = compose(["dataset=fma_medium", f"dataset.root={root}", f"dataset.exclude={root / 'faults.txt'}"])
    assert len(build.read_dataset_index(config)) == 3
    (root / "faults.txt").write_text("2\nnoise\n")
    with pytest.raises(GenrelabError, match=r"faults\.txt line 2: 'noise' "):
        fma(str(root), exclude=str(root / "faults.txt"))
    with pytest.raises(GenrelabError, match=r"exclude: nowhere\.txt: .*\[2, 5\]"):
        fma(str(root), exclude="nowhere.txt")


def test_what_was_reported_unreadable_is_left_out_of_large_alone():
    assert (len(MISCUT), len(UNREADABLE)) == (21, 147) and not MISCUT & UNREADABLE
    large, medium = excluded_tracks("large", ()), excluded_tracks("medium", ())
    assert large[2624] == large[155051] != large[1486] == medium[1486]
    assert set(medium) == MISCUT and set(large) == MISCUT | UNREADABLE


def test_names_become_places_in_its_tree(root):
    config = compose(["dataset=fma_large", f"dataset.root={root}", "target=multi_label", "data.find_duplicates=false"])
    dataset = build.read_dataset(config)
    assert dataset.taxonomy.genres == ("12", "25", "15") and dataset.taxonomy.titles == ("Rock", "Punk", "Electronic")
    assert dataset.index.genres_of["000002"] == ("25", "12")
    assert build.make_split(config, dataset.index).artists == "apart"


def test_the_clips_may_lie_in_root_itself(root):
    for folder in (root / "fma_large").iterdir():
        shutil.move(folder, root / folder.name)
    (root / "fma_large").rmdir()
    assert len(fma(str(root))) == 4


def test_what_is_missing_is_told(root):
    with pytest.raises(ConfigError, match=r"dataset\.download=true"):
        fma()
    with pytest.raises(GenrelabError, match=r"genres\.csv: .*https://.*fma_metadata\.zip"):
        fma(str(root), metadata=str(root))
    shutil.rmtree(root / "fma_large")
    with pytest.raises(GenrelabError, match=r"\bfma_small\b.*\b000\b.*https://.*fma_small\.zip"):
        fma(str(root))
    (root / "fma_metadata" / "tracks.csv").write_text("track_id,title\n2,x\n3,y\n4,z\n")
    with pytest.raises(GenrelabError, match=r"tracks\.csv"):
        read_tracks(root / "fma_metadata" / "tracks.csv")


def test_a_list_that_is_none_names_its_track(root):
    path = root / "fma_metadata" / "tracks.csv"
    path.write_text(path.read_text().replace('"[25, 12, 15]"', "25 12"))
    with pytest.raises(GenrelabError, match=naming("tracks.csv", "genres_all", 149, "'25 12'")):
        fma(str(root), "large", multi_label=True)


@pytest.mark.shared
def test_the_published_genres_are_a_tree_with_names_of_their_own():
    config = compose(["taxonomy=fma", f"taxonomy.file={SHARED_DATA / 'fma_metadata' / 'genres.csv'}"])
    taxonomy = build.read_taxonomy(config, ())
    assert len(taxonomy) == 163 and len(taxonomy.supergenres) == 16 and len(set(taxonomy.titles)) == 163

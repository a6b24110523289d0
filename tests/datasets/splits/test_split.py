from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_indexes import counts, make_dataset_index
from genrelab.datasets import DatasetIndex
from genrelab.datasets.gtzan import published_tracks
from genrelab.datasets.registry import DATASETS
from genrelab.datasets.splits import Split, SplitError, crossing_artists, read_split, split_folds
from genrelab.datasets.splits.registry import SPLITS
from genrelab.datasets.splits.split import check_apart
from genrelab.utils.errors import ConfigError, GenrelabError
from naming import naming
from paths import SHARED_DATA


def gtzan():
    lines = [
        {"track_id": clip, "genre": clip.split(".")[0], "path": clip, "artist_id": artist, "official_split": part}
        for clip, (part, artist) in published_tracks().items()
    ]
    return DatasetIndex("gtzan", pd.DataFrame(lines))


@st.composite
def dataset_indexes(draw):
    """Genres of 3 to 12 artists with 1 to 6 tracks each; some artists play two genres, some tracks have none."""
    rows = []
    for genre in range(draw(st.integers(1, 5))):
        rows += [(f"g{genre}", f"own {genre}/{n}") for n in range(3)]  # three groups of its own keep the rule possible
        for artist in range(draw(st.integers(0, 9))):
            name = draw(st.sampled_from([f"a{genre}/{artist}", f"shared {artist}", None]))
            rows += [(f"g{genre}", name)] * draw(st.integers(1, 6))
    return make_dataset_index(rows)


@settings(max_examples=60, deadline=None)
@given(dataset_indexes(), st.integers(0, 5), st.sampled_from(["grouped", "stratified"]))
def test_splits_by_rule_hold_what_they_promise(dataset_index, seed, kind):
    params = {"seed": seed} | ({"folds": 3, "fold": seed % 3} if kind == "stratified" else {})
    split = SPLITS.build(kind, params, dataset_index=dataset_index)
    assert set(split.assignment) == set(dataset_index.tracks["track_id"])  # every track is somewhere, in one part
    artists = defaultdict(set)
    for track, artist in zip(dataset_index.tracks["track_id"], dataset_index.tracks["artist_id"], strict=True):
        if artist is not None:
            artists[artist].add(split.assignment[track])
    assert all(len(parts) == 1 for parts in artists.values())
    assert all(len(parts) == 3 for parts in counts(split, dataset_index).values())
    assert split.artists == "apart"
    assert not split.artist_leak
    again = SPLITS.build(
        kind, params, dataset_index=DatasetIndex("d", dataset_index.tracks.sample(frac=1, random_state=1))
    )
    assert again.hash == split.hash
    assert Split.from_dict(split.to_dict()) == split


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(10, 80), min_size=1, max_size=6), st.integers(0, 9))
def test_by_track_the_ratios_are_met_within_one(sizes, seed):
    dataset_index = make_dataset_index([(f"g{genre}", None) for genre, size in enumerate(sizes) for _ in range(size)])
    split = SPLITS.build("grouped", {"seed": seed}, dataset_index=dataset_index)
    assert split.artists == "unknown"
    table = counts(split, dataset_index)
    for genre, size in enumerate(sizes):
        for part, ratio in (("train", 0.7), ("val", 0.2), ("test", 0.1)):
            assert abs(table[f"g{genre}"][part] - ratio * size) <= 1


def test_seeds_give_different_splits():
    splits = {SPLITS.build("grouped", {"seed": seed}, dataset_index=gtzan()).hash for seed in range(4)}
    assert len(splits) == 4


def test_ratios_are_near_with_the_artists_of_gtzan():
    table = counts(SPLITS.build("grouped", {}, dataset_index=gtzan()), gtzan())
    for genre in table.values():
        assert abs(genre["train"] - 70) <= 5
        assert abs(genre["test"] - 10) <= 3


def test_folds_test_every_track_once():
    dataset_index = gtzan()
    assert split_folds({"kind": "stratified", "folds": 5, "fold": None}) == [0, 1, 2, 3, 4]
    assert split_folds({"folds": 5, "fold": 2}) == [2]
    assert split_folds({"kind": "grouped"}) == []
    splits = [SPLITS.build("stratified", {"fold": fold}, dataset_index=dataset_index) for fold in range(5)]
    tested = [track for split in splits for track in split.tracks("test")]
    assert sorted(tested) == sorted(dataset_index.tracks["track_id"])
    assert splits[0].tracks("val") == splits[1].tracks("test")
    assert (splits[3].fold, splits[3].folds) == (3, 5)


@pytest.mark.parametrize("seed", range(5))
def test_largest_artists_are_spread_over_the_folds(seed):
    """82 tracks of ten genres, three artists each: every genre's largest in the first fold would be 39, 22 and 21."""
    artists = [[4, 2, 2]] * 8 + [[4, 3, 3], [3, 3, 2]]
    rows = [
        (f"g{g}", f"{g}/{a}") for g, sizes in enumerate(artists) for a, size in enumerate(sizes) for _ in range(size)
    ]
    dataset_index = make_dataset_index(rows)
    splits = [
        SPLITS.build("stratified", {"folds": 3, "fold": fold, "seed": seed}, dataset_index=dataset_index)
        for fold in range(3)
    ]
    sizes = [len(split.tracks("test")) for split in splits]
    assert sum(sizes) == 82 and max(sizes) - min(sizes) <= 2
    assert all(len(of) == 3 for of in counts(splits[0], dataset_index).values())


def test_what_is_left_of_each_genre_is_spread_over_the_folds():
    dataset_index = make_dataset_index([(f"g{i % 8}", None) for i in range(88)])  # 11 of each genre
    splits = [SPLITS.build("stratified", {"fold": fold}, dataset_index=dataset_index) for fold in range(5)]
    assert sorted(len(split.tracks("test")) for split in splits) == [17, 17, 18, 18, 18]


def test_equal_choices_go_where_most_tracks_lack():
    """Twelve genres of eight artists with five tracks: 28, 8, 4 tracks are wanted of each, 25 or 30 go to train."""
    dataset_index = make_dataset_index([(f"g{g}", f"{g}/{a}") for g in range(12) for a in range(8) for _ in range(5)])
    split = SPLITS.build("grouped", {}, dataset_index=dataset_index)
    assert [len(split.tracks(part)) for part in ("train", "val", "test")] == [330, 90, 60]  # wanted 336, 96, 48


def test_where_nothing_is_equal_a_split_is_as_it_was():
    """Pinned, since older runs name it."""
    dataset_index = make_dataset_index([(f"g{g}", f"{g}/{a}") for g in range(10) for a in range(12) for _ in range(3)])
    split = SPLITS.build("grouped", {"ratios": [0.6, 0.15, 0.25]}, dataset_index=dataset_index)
    assert split.hash == "ea0a3e1b39b00365"


def test_albums_and_joint_artists_tie_tracks_together():
    rows = [("g", f"a{i}") for i in range(8)] + [("g", "A; B"), ("g", "B"), ("g", None, "LP"), ("g", "b", "lp")]
    split = SPLITS.build("grouped", {}, dataset_index=make_dataset_index(rows))
    assert len({split.assignment[f"t{i:04d}"] for i in range(8, 12)}) == 1


def test_too_few_artists_name_genres_and_remedies():
    dataset_index = make_dataset_index([("blues", "Hooker")] * 10 + [("rock", f"a{i}") for i in range(10)])
    with pytest.raises(SplitError, match=r"\bartists\b.* blues \(1\): .*split\.group_by=null"):
        SPLITS.build("grouped", {}, dataset_index=dataset_index)
    split = SPLITS.build("grouped", {"group_by": None}, dataset_index=dataset_index)
    assert (split.artists, split.artist_leak, split.crossing) == ("ignored", True, 1)
    assert counts(split, dataset_index)["blues"] == {"train": 7, "val": 2, "test": 1}


def test_too_few_tracks_name_genres_and_counts():
    dataset_index = make_dataset_index([("rare", None)] * 2 + [("rock", None)] * 10)
    with pytest.raises(SplitError, match=r"\btracks\b.* 3 .* rare \(2\)"):
        SPLITS.build("grouped", {}, dataset_index=dataset_index)
    with pytest.raises(SplitError, match=r"\btracks\b.* 5 folds .* rare \(2\)"):
        SPLITS.build("stratified", {"fold": 0, "group_by": None}, dataset_index=dataset_index)


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("grouped", {"ratios": [0.5, 0.5]}, r"split\.ratios: \[0\.5, 0\.5\]"),
        ("grouped", {"ratios": [0.7, 0.3, 0.0]}, r"split\.ratios: \[0\.7, 0\.3, 0\.0\]"),
        ("stratified", {"folds": 2, "fold": 0}, r"split\.folds: 2"),
        ("stratified", {"fold": 5}, r"split\.fold: 5; .* 0 to 4"),
        ("stratified", {}, r"split\.fold: None"),
        ("grouped", {"groupby": "artist"}, r"split\.groupby: .*'group_by'"),
    ],
)
def test_bad_parameters(kind, params, message):
    with pytest.raises(ConfigError, match=message):
        SPLITS.build(kind, params, dataset_index=gtzan())


def test_a_planted_leak_raises(tmp_path):
    with pytest.raises(SplitError, match=r"'b' .*\btrain\b.*\btest\b"):
        Split.from_tracks(["a", "b"], ["c"], ["b"], kind="mine")
    split = Split.from_tracks(["a"], ["b"], ["c"], kind="mine")
    split.save(tmp_path / "split.json")
    assert read_split(tmp_path / "split.json") == split
    text = (tmp_path / "split.json").read_text()
    (tmp_path / "leak.json").write_text(text.replace('"c"', '"a"'))
    with pytest.raises(SplitError, match=r"'a' .*\btrain\b.*\btest\b"):
        read_split(tmp_path / "leak.json")
    (tmp_path / "other.json").write_text(text.replace('"c"', '"d"'))
    with pytest.raises(SplitError, match="hash differs"):
        read_split(tmp_path / "other.json")
    (tmp_path / "bad.json").write_text("[]")
    with pytest.raises(GenrelabError, match=r"bad\.json: "):
        read_split(tmp_path / "bad.json")


def test_a_planted_artist_or_album_leak_raises():
    dataset_index = make_dataset_index([("g", "A", "one"), ("g", "B", "two"), ("g", "C", "two"), ("g", "A", None)])
    parts = {"t0000": "train", "t0001": "train", "t0002": "train", "t0003": "test"}
    assert crossing_artists(parts, dataset_index) == ["a"]
    with pytest.raises(SplitError, match=r"artist 'a' .*\btrain\b.*\btest\b"):
        check_apart(parts, dataset_index)
    with pytest.raises(SplitError, match=r"album 'two' .*\btrain\b.*\bval\b"):
        check_apart({**parts, "t0003": "train", "t0002": "val"}, dataset_index)
    with pytest.raises(SplitError, match="'apart'"):
        Split({"a": "train", "b": "val", "c": "test"}, "mine", artists="apart", crossing=1)


def test_parts_are_named_and_filled():
    with pytest.raises(SplitError, match=r"\bval\b.*\btest\b"):
        Split({"a": "train"}, "mine")
    with pytest.raises(SplitError, match=r"'dev' .*train"):
        Split({"a": "train", "b": "dev", "c": "test"}, "mine")


def test_fault_filtered_marks_its_leak():
    split = SPLITS.build("fault_filtered", {}, dataset_index=gtzan())
    assert [len(split.tracks(part)) for part in ("train", "val", "test")] == [443, 197, 290]
    assert (split.artists, split.artist_leak) == ("ignored", True)
    assert split.crossing == len(crossing_artists(split.assignment, gtzan())) > 6
    assert split.hash == SPLITS.build("official", {}, dataset_index=gtzan()).hash
    with pytest.raises(SplitError, match=naming("artist", "split.group_by=null")):
        SPLITS.build("fault_filtered", {"group_by": "artist"}, dataset_index=gtzan())
    with pytest.raises(SplitError, match=naming("split=fault_filtered", "GTZAN", "d")):
        SPLITS.build("fault_filtered", {}, dataset_index=make_dataset_index([("g", None)]))


def test_fault_filtered_knows_clips_by_file_name():
    tracks = gtzan().tracks.assign(track_id=lambda table: "x/" + table["track_id"] + ".wav")
    assert len(SPLITS.build("fault_filtered", {}, dataset_index=DatasetIndex("images", tracks)).assignment) == 930


def test_official_lists():
    rows = [("g", f"a{i}", None, part) for i, part in enumerate(["train", "val", "test", None])]
    split = SPLITS.build("official", {}, dataset_index=make_dataset_index(rows))
    assert (split.artists, split.artist_leak) == ("apart", False)
    assert [note.split()[-1] for note in split.notes] == ["1"]
    with pytest.raises(SplitError, match="split=grouped"):
        SPLITS.build("official", {}, dataset_index=make_dataset_index([("g", "a")]))
    with pytest.raises(SplitError, match=r"\btrain\b.* h\b"):
        SPLITS.build("official", {}, dataset_index=make_dataset_index([*rows, ("h", "z", None, "test")]))


@pytest.mark.shared
@pytest.mark.skipif(not SHARED_DATA.exists(), reason="development data absent")
def test_the_hundred_real_clips():
    dataset_index = DATASETS.build("gtzan", {"root": str(SHARED_DATA / "gtzan_mini")})
    with pytest.raises(SplitError, match=r"blues \(1\)"):
        SPLITS.build("stratified", {"fold": 0}, dataset_index=dataset_index)
    for fold in range(5):
        split = SPLITS.build("stratified", {"fold": fold, "group_by": None}, dataset_index=dataset_index)
        assert split.artist_leak
        table = np.array(
            [[n[part] for part in ("train", "val", "test")] for n in counts(split, dataset_index).values()]
        )
        assert (table == [6, 2, 2]).all()

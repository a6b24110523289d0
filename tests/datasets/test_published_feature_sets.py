"""ARFF and .cls files in the published formats, their traps included."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from genrelab.datasets.arff import read_arff
from genrelab.datasets.published_feature_sets import gtzan_arff, read_cls, top_magd
from genrelab.datasets.splits.registry import SPLITS
from genrelab.features.cache import PrecomputedFeatureCache
from genrelab.utils.errors import GenrelabError
from paths import SHARED_DATA

HEAD = "@RELATION ssd\n@ATTRIBUTE a NUMERIC\n@attribute 'b c' real\n@ATTRIBUTE trackid STRING\n@DATA\n"


def msd(folder: Path, rows: str, name: str = "ssd.arff") -> str:
    text = (HEAD + rows).encode()
    (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return str(folder / name)


@pytest.fixture
def labels(tmp_path) -> str:
    lines = ["% from somewhere", *(f"TR{i}\t{genre}" for i, genre in enumerate(["New Age", "Rap"] * 15))]
    (tmp_path / "genres.cls").write_text("\n".join(lines) + "\n")
    return str(tmp_path / "genres.cls")


def test_comments_quotes_and_trailing_commas(tmp_path):
    found = read_arff(Path(msd(tmp_path, "% a comment\n1, 2.5, 'TR0'\n3,4,'TR1',\n")))
    assert found.columns == ("a", "b c") and found.names.tolist() == ["TR0", "TR1"]
    assert found.values.tolist() == [[1, 2.5], [3, 4]] and found.values.dtype == np.float32


def test_a_cached_file_is_mapped_and_parsed_anew_when_it_changes(tmp_path):
    path = Path(msd(tmp_path, "1,2,'TR0'\n3,4,'TR1'\n"))
    first = read_arff(path, tmp_path / "cache", {"TR1"})
    assert isinstance(first.values, np.memmap) and first.values.tolist() == [[3, 4]]
    assert read_arff(path, tmp_path / "cache", {"TR0", "TR1"}).names.tolist() == ["TR0", "TR1"]
    msd(tmp_path, "9,9,'TR1'\n9,9,'TR2'\n9,9,'TR3'\n")
    assert read_arff(path, tmp_path / "cache", {"TR1"}).values.tolist() == [[9, 9]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no header\n", "no @data line"),
        (HEAD + "1,x,'TR0'\n", r"\b2 numbers"),
        (HEAD + "1,?,'TR0'\n", r"\brow 1\b"),
        ("@attribute a numeric\n@data\n1\n", "0 text columns"),
    ],
)
def test_what_is_no_arff_is_told(tmp_path, text, message):
    (tmp_path / "x.arff").write_text(text)
    with pytest.raises(GenrelabError, match=message):
        read_arff(tmp_path / "x.arff")


def test_the_million_song_datasets_files(tmp_path, labels):
    rows = "".join(f"{i},{i % 2},'TR{29 - i}'\n" for i in range(30))
    ssd = msd(tmp_path, rows + "5,5,'UNLABELLED'\n", "ssd.arff.gz")
    rh = msd(tmp_path, "".join(f"{i},7,'TR{i}'\n" for i in range(1, 30)), "rh.arff")
    parts = "".join(f"TR{i}\t{'TRAIN' if i < 24 else 'TEST'}\n" for i in range(30))
    (tmp_path / "partition.cls").write_text(parts)
    dataset_index = top_magd(tmp_path / "cache", [ssd, rh], labels, str(tmp_path / "partition.cls"))
    assert len(dataset_index) == 29 and dataset_index.genres == ("New Age", "Rap"), "TR0 lacks one of the sets"
    feature_cache = PrecomputedFeatureCache(dataset_index.precomputed)
    ssd_values, rh_values = feature_cache.load(feature_cache.rows(["TR5"]))
    assert [spec.name for spec in feature_cache.specs] == ["ssd", "rh"]
    assert ssd_values.tolist() == [[24, 0]] and rh_values.tolist() == [[5, 7]]
    split = SPLITS.build("official", {"val_share": 0.25}, dataset_index=dataset_index)
    assert [len(split.tracks(part)) for part in ("train", "val", "test")] == [17, 6, 6]
    assert re.search(r"\bval\b", split.notes[-1])


def test_a_second_label_is_a_second_genre(tmp_path):
    (tmp_path / "two.cls").write_text("TR0\tNew Age\tRap\nTR1\tRap\nTR2\tRap\tRap\nTR3\tBlues\t\n")
    ssd = msd(tmp_path, "".join(f"{i},0,'TR{i}'\n" for i in range(4)), "ssd.arff")
    dataset_index = top_magd(tmp_path / "cache", [ssd], str(tmp_path / "two.cls"), multi_label=True)
    assert [dataset_index.genres_of[f"TR{i}"] for i in range(4)] == [("New Age", "Rap"), ("Rap",), ("Rap",), ("Blues",)]
    assert not top_magd(tmp_path / "cache", [ssd], str(tmp_path / "two.cls")).multi_label


def test_labels_are_split_at_tabs_only(tmp_path, labels):
    assert read_cls(Path(labels))["TR0"] == ("New Age",)
    (tmp_path / "two.cls").write_text("TR0\tRock\tPop\n")
    assert read_cls(tmp_path / "two.cls") == {"TR0": ("Rock", "Pop")}
    (tmp_path / "bad.cls").write_text("TR0 Rock\n")
    with pytest.raises(GenrelabError, match="line 1: no TAB"):
        read_cls(tmp_path / "bad.cls")


@pytest.mark.shared
def test_gtzans_sets():
    root = str(SHARED_DATA / "gtzan_tuwien_arff")
    dataset_index = gtzan_arff(root, ["ssd", "rh"])
    assert len(dataset_index) == 1000 and [f.values.shape[1] for f in dataset_index.precomputed.features] == [168, 60]
    marsyas = gtzan_arff(root, ["timbral"])
    assert len(marsyas) == 900 and "100 of disco" in marsyas.notes[1]
    with pytest.raises(GenrelabError, match=r"gtzan_sdd\.arff: .*\bssd"):
        gtzan_arff(root, ["sdd"])


@pytest.mark.shared
def test_tagtraums_labels():
    found = read_cls(SHARED_DATA / "msd" / "msd_tagtraum_cd1.cls")
    assert len(found) == 133_676 and sum(len(fields) > 1 for fields in found.values()) == 35_527

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genrelab.datasets.gtzan import GENRES, clip_name, published_tracks
from genrelab.datasets.registry import DATASETS
from genrelab.utils.errors import GenrelabError
from paths import SHARED_DATA


def make(root, *clips):
    for name in clips:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, np.zeros(100, np.float32), 22_050)
    return DATASETS.build("gtzan", {"root": str(root)})


def test_the_lists_have_their_published_sizes():
    parts = Counter(part for part, _ in published_tracks().values())
    assert parts == {"train": 443, "val": 197, "test": 290, None: 70}
    assert len(published_tracks()) == 1000
    assert sum(artist is None for _, artist in published_tracks().values()) == 17
    assert {clip.split(".")[0] for clip in published_tracks()} == set(GENRES)
    assert published_tracks()["jazz.00054"][0] == "train"


@pytest.mark.shared
@pytest.mark.skipif(not SHARED_DATA.exists(), reason="development data absent")
def test_the_lists_are_those_published():
    for part, name in (("train", "train"), ("val", "valid"), ("test", "test")):
        published = (SHARED_DATA / "gtzan_index" / f"{name}_filtered.txt").read_text().split()
        ours = {clip for clip, (its, _) in published_tracks().items() if its == part}
        assert ours == {Path(line).stem for line in published}


@pytest.mark.parametrize("place", ["genres_original", "genres", "Data/genres_original", "."])
def test_layouts(tmp_path, place):
    dataset_index = make(
        tmp_path, f"{place}/blues/blues.00000.wav", f"{place}/jazz/jazz.00001.au", f"{place}/pop/pop.00099.flac"
    )
    assert list(dataset_index.tracks["track_id"]) == ["blues.00000", "jazz.00001", "pop.00099"]
    assert list(dataset_index.tracks["genre"]) == ["blues", "jazz", "pop"]
    assert dataset_index.tracks["artist_id"][0] == "John Lee Hooker"


def test_spellings_and_strangers(tmp_path):
    assert clip_name("hip-hop.00001") == "hiphop.00001"
    assert clip_name("blues00007") == "blues.00007"
    dataset_index = make(
        tmp_path, "genres/hip-hop/hip-hop.00001.wav", "genres/blues/mine.wav", "genres/blues/blues.00003.wav"
    )
    assert list(dataset_index.tracks["genre"]) == ["blues", "hiphop"]
    assert [Path(file).name for file, _ in dataset_index.rejected] == ["mine.wav"]


def test_the_bad_clip_is_rejected_only_where_it_is_bad(tmp_path):
    (tmp_path / "bad/jazz").mkdir(parents=True)
    (tmp_path / "bad/jazz/jazz.00054.wav").write_bytes(b"nonsense")
    bad = make(tmp_path / "bad", "jazz/jazz.00001.wav")
    assert len(bad) == 1
    assert [Path(file).name for file, _ in bad.rejected] == ["jazz.00054.wav"]
    assert any("442 of its 443" in note for note in bad.notes)
    assert len(make(tmp_path / "good", "jazz/jazz.00054.wav")) == 1


def test_a_folder_without_clips(tmp_path):
    with pytest.raises(GenrelabError, match=re.escape(str(tmp_path))):
        DATASETS.build("gtzan", {"root": str(tmp_path)})


@pytest.mark.shared
@pytest.mark.skipif(not SHARED_DATA.exists(), reason="development data absent")
def test_real_clips():
    dataset_index = DATASETS.build("gtzan", {"root": str(SHARED_DATA / "gtzan_mini")})
    assert len(dataset_index) == 100
    assert dataset_index.genres == tuple(sorted(GENRES))
    assert dataset_index.artists == "some"

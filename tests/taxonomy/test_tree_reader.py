"""Trees: steps between genres, several parents, roots named or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genrelab.taxonomy.tree_reader import depth_of, tree
from genrelab.utils.errors import GenrelabError
from naming import naming
from paths import SHARED_DATA


def written(tmp_path, text: str) -> str:
    (tmp_path / "tree.csv").write_text(text)
    return str(tmp_path / "tree.csv")


def test_distance_counts_steps_through_the_tree(tmp_path):
    file = written(tmp_path, "name,parent\nRock,Music\nPunk,Rock\nMetal,Rock\nJazz,Music\nBebop,Jazz\nDoom,Metal\n")
    found = tree(file)
    assert found.genres == ("Rock", "Punk", "Metal", "Jazz", "Bebop", "Doom")
    assert found.supergenre_of == ("Rock", "Rock", "Rock", "Jazz", "Jazz", "Rock")
    d = found.distances()
    steps = {("Rock", "Punk"): 1, ("Punk", "Metal"): 2, ("Punk", "Bebop"): 4, ("Doom", "Bebop"): 5, ("Rock", "Jazz"): 2}
    for (a, b), value in steps.items():
        assert d[found.index(a), found.index(b)] == value
    assert found.path("Punk", "Jazz") == ["Punk", "Rock", "Music", "Jazz"]
    assert depth_of(Path(file)) == {"Rock": 1, "Jazz": 1, "Punk": 2, "Metal": 2, "Bebop": 2, "Doom": 3}


def test_a_genre_with_two_parents_is_near_both(tmp_path):
    found = tree(written(tmp_path, "name,parent\nHip hop,Music\nVocal,Music\nBeatbox,Hip hop\nBeatbox,Vocal\n"))
    assert found.genres == ("Hip hop", "Vocal", "Beatbox") and found.supergenre_of[2] == "Hip hop"
    assert found.distances()[2].tolist() == [1, 1, 0]


def test_descriptions_come_from_their_column(tmp_path):
    path = written(tmp_path, "name,parent,about\nA,,Loud.\nB,A,\nB,A,Later rows count where the first says nothing.\n")
    found = tree(path, description="about").descriptions
    assert found == {"A": "Loud.", "B": "Later rows count where the first says nothing."}
    assert tree(path).descriptions == {}
    with pytest.raises(GenrelabError, match=naming(path, "'text'", "name, parent, about")):
        tree(path, description="text")


def test_codes_with_titles_and_no_named_root(tmp_path):
    found = tree(
        written(tmp_path, "genre_id,parent,title\n1,38,Avant-Garde\n38,0,Experimental\n2,0,World\n"),
        "genre_id",
        title="title",
    )
    assert found.titles == ("Avant-Garde", "Experimental", "World") and found.supergenre_of == ("38", "38", "2")
    assert found.distances()[0].tolist() == [0, 1, 3]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("name,parent\nA,B\nB,A\n", ["'A'", "A < B < A"]),
        ("name,parent\nA,X\nB,Y\n", ["X, Y"]),
        ("name,above\nA,X\n", ["'parent'", "name, above"]),
        ("name,parent\n,X\n", ["line 2", "name"]),
        ("name,parent\n", ["line 2", "'name'"]),
    ],
)
def test_what_is_no_tree_is_told(tmp_path, text, data):
    path = written(tmp_path, text)
    with pytest.raises(GenrelabError, match=naming(path, *data)):
        tree(path)


@pytest.mark.shared
def test_the_published_trees():
    audioset = tree(str(SHARED_DATA / "audioset_genre" / "hierarchy.csv"))
    assert len(audioset) == 65 and np.isfinite(audioset.distances()).all()
    fma = tree(str(SHARED_DATA / "fma_metadata" / "genres.csv"), "genre_id", title="title")
    assert len(fma) == 163 and len(fma.supergenres) == 16

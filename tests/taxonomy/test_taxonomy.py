"""The Musicmap's distances, and what must hold of any taxonomy's."""

import hashlib
import itertools
import json

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genrelab.audio.spec import fingerprint
from genrelab.taxonomy import EdgeWeights, Link, Taxonomy, UnknownGenre
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.utils.errors import ConfigError, GenrelabError
from naming import naming

PUBLISHED = "8bc5cdb84fd255b348c63693b2b15789df57202238c00db3ce79dafc444b08ac"


@pytest.fixture(scope="module")
def musicmap() -> Taxonomy:
    return TAXONOMIES.build("musicmap", {})


def test_the_musicmap_is_whole(musicmap):
    kinds = [link.kind for link in musicmap.links]
    assert (len(musicmap), len(musicmap.supergenres), len(musicmap.clusters), len(kinds)) == (248, 29, 9, 782)
    assert [kinds.count(kind) for kind in ("primary", "secondary", "backlash")] == [473, 252, 57]


def test_the_musicmaps_distances_are_the_published_ones(musicmap):
    distances = musicmap.distances()
    assert distances.dtype == np.float32 and distances.max() == 11 and distances.sum(dtype=np.int64) == 289_950
    assert hashlib.sha256(distances.astype(np.uint8).tobytes()).hexdigest() == PUBLISHED
    assert (distances == distances.T).all() and (np.diag(distances) == 0).all()


def test_distances_equal_networkx_on_a_sample(musicmap):
    distances, graph = musicmap.distances(), musicmap.graph()
    for code in musicmap.genres[::40]:
        lengths = nx.single_source_dijkstra_path_length(graph, code)
        assert np.array_equal(distances[musicmap.index(code)], [lengths[other] for other in musicmap.genres])


def test_a_subset_keeps_the_whole_graphs_distances(musicmap):
    codes = ["tec01", "jaz07", "class", "blu06"]
    part = musicmap.subset(codes)
    assert part.genres == ("blu06", "class", "jaz07", "tec01"), "in the taxonomy's order"
    at = [musicmap.index(code) for code in part.genres]
    assert np.array_equal(part.distances(), musicmap.distances()[np.ix_(at, at)])
    assert part.hash != musicmap.hash == TAXONOMIES.build("musicmap", {}).hash
    with pytest.raises(UnknownGenre, match="jaz99"):
        musicmap.subset(["jaz99"])


def test_a_path_is_as_long_as_the_distance(musicmap):
    graph = musicmap.graph()
    for a, b in (("jaz07", "tec01"), ("met11", "class"), ("cou03", "cou03")):
        path = musicmap.path(a, b)
        length = sum(graph.edges[edge]["weight"] for edge in itertools.pairwise(path))
        assert (path[0], path[-1], length) == (a, b, musicmap.distances()[musicmap.index(a), musicmap.index(b)])
    assert musicmap.node_title("supergenre:jaz") == "Jazz (supergenre)"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("jaz06", "jaz06"),
        ("Bebop", "jaz06"),
        ("bebop", "jaz06"),
        ("cool jazz", "jaz07"),
        ("reggaeton", "jam11"),
        ("JAZ06", "jaz06"),
    ],
)
def test_genres_are_found_by_code_or_title(musicmap, text, code):
    assert musicmap.resolve(text) == code


def test_unknown_and_ambiguous_names_are_answered(musicmap):
    with pytest.raises(UnknownGenre, match=naming("'Bebob'", "'Bebop'")):
        musicmap.resolve("Bebob")
    with pytest.raises(UnknownGenre) as caught:
        musicmap.resolve("qqqq")
    assert len(str(caught.value)) < 20, "248 names would be no help"


def test_plain_round_trip(musicmap):
    part = musicmap.subset(["jaz07", "tec01"])
    again = Taxonomy.from_dict(json.loads(json.dumps(part.to_dict())))
    assert again.genres == part.genres and again.hash == part.hash
    assert np.array_equal(again.distances(), part.distances())
    with pytest.raises(GenrelabError, match=naming("'titles'")):
        Taxonomy.from_dict({"genres": []})


def test_descriptions_travel_and_change_no_hash(musicmap):
    part = musicmap.subset(["jaz06", "tec01"])
    assert "Charlie Parker" in part.descriptions["jaz06"]
    assert Taxonomy.from_dict(json.loads(json.dumps(part.to_dict()))).descriptions == part.descriptions
    before = {name: value for name, value in part.to_dict().items() if name != "descriptions"}
    old = Taxonomy.from_dict(before)  # of a checkpoint without any
    assert old.descriptions == {} and old.hash == part.hash and old.fingerprint == part.fingerprint
    assert old.fingerprint == fingerprint(before), "what runs before descriptions kept"
    assert part.subset(["jaz06"]).fingerprint != part.fingerprint


def test_weights_change_distances_and_are_checked(musicmap):
    longer = TAXONOMIES.build("musicmap", {"weights": {"primary": 2.0}})
    assert longer.distances().sum() > musicmap.distances().sum()
    with pytest.raises(ConfigError, match=naming("taxonomy.weights.primry", "'primary'")):
        TAXONOMIES.build("musicmap", {"weights": {"primry": 2.0}})
    with pytest.raises(ConfigError, match=naming("taxonomy.weights.primary", "0.0")):
        TAXONOMIES.build("musicmap", {"weights": {"primary": 0.0}})


def make_random(codes: list[str], ends: list[tuple[int, int, float]]) -> Taxonomy:
    links = tuple(Link(codes[a % len(codes)], codes[b % len(codes)], "x", w) for a, b, w in ends)
    alone = tuple(codes)  # every genre its own supergenre: only links join
    return Taxonomy("random", "-", alone, alone, alone, {code: code for code in codes}, {}, links)


@given(
    st.integers(2, 9),
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.floats(0.1, 5)), max_size=20),
)
@settings(max_examples=40, deadline=None)
def test_distances_are_a_metric(n, ends):
    d = make_random([f"g{i}" for i in range(n)], ends).distances().astype(np.float64)
    assert (np.diag(d) == 0).all() and np.array_equal(d, d.T)
    with np.errstate(invalid="ignore"):
        assert (d[:, None, :] <= d[:, :, None] + d[None, :, :].transpose(0, 1, 2) + 1e-5).all()


def test_unreachable_is_infinite_and_twice_linked_takes_the_shortest():
    taxonomy = make_random(["a", "b", "c"], [(0, 1, 3.0), (1, 0, 1.5)])
    assert taxonomy.distances()[0].tolist() == [0, 1.5, np.inf]
    with pytest.raises(GenrelabError, match=naming("random", "a", "c")):
        taxonomy.path("a", "c")


def test_codes_stand_once_and_supergenres_are_listed():
    with pytest.raises(GenrelabError, match=naming("random", "'a'")):
        make_random(["a", "a"], [])
    with pytest.raises(GenrelabError, match=naming("taxonomy x", "'s'")):
        Taxonomy("x", "-", ("a",), ("a",), ("s",), {})


def test_edge_weights_for_world_and_utility_are_off_by_default(musicmap):
    world = musicmap.distances(EdgeWeights(world_supergenre=1.0, utility_genre=2.0))
    assert not np.array_equal(world, musicmap.distances())

"""Statistics and neighbors, against networkx and by hand."""

import json

import networkx as nx
import pytest

from genrelab.taxonomy import Link, Taxonomy, UnknownGenre
from genrelab.taxonomy.graph_statistics import graph_statistics, link_counts, nearest_genres
from genrelab.taxonomy.registry import TAXONOMIES
from naming import naming


def line() -> Taxonomy:
    """a -1- b -2- c, and d alone; every genre its own supergenre."""
    codes = ("a", "b", "c", "d")
    links = (Link("a", "b"), Link("b", "c", "secondary"), Link("b", "a", "backlash"))
    return Taxonomy("line", "-", codes, codes, codes, {code: code for code in codes}, {}, links)


def test_a_line_by_hand():
    found = graph_statistics(line())
    assert found["links"] == {"primary": 1, "secondary": 1, "backlash": 1}
    assert found["edges"] == {"primary": 1, "secondary": 1, "supergenre": 4}, "the shorter of two edges counts"
    assert (found["components"], found["unreachable_pairs"]) == (2, 3)
    assert (found["diameter"], found["farthest"], found["mean_distance"]) == (3, ["a", "c"], 2)
    assert found["medoid"] == {"code": "b", "title": "b", "mean_distance": 1.5}
    assert found["remotest"]["code"] == "c", "d reaches nobody and has no mean"
    assert [(hub["code"], hub["links"]) for hub in found["hubs"]] == [("b", 2), ("a", 1), ("c", 1)]
    assert found["constant_answer"] is None and found["random_answer"] is None, "d is infinitely wrong"
    assert nearest_genres(line(), "a") == [("b", 1.0), ("c", 3.0)]


def test_the_musicmaps_statistics_equal_networkx():
    musicmap = TAXONOMIES.build("musicmap", {})
    found = json.loads(json.dumps(graph_statistics(musicmap), allow_nan=False))
    assert (found["genres"], found["supergenres"], found["clusters"], found["nodes"]) == (248, 29, 9, 289)
    assert found["components"] == nx.number_connected_components(musicmap.graph())
    assert found["diameter"] == 11 and found["mean_distance"] == pytest.approx(289_950 / 248 / 247)
    lengths = nx.single_source_dijkstra_path_length(musicmap.graph(), found["medoid"]["code"])
    assert found["medoid"]["mean_distance"] == pytest.approx(sum(lengths[code] for code in musicmap.genres) / 247)
    assert found["constant_answer"] == pytest.approx(sum(lengths[code] for code in musicmap.genres) / 248)
    assert found["random_answer"] == pytest.approx(289_950 / 248 / 248)
    counts = link_counts(musicmap)
    assert found["hubs"][0]["links"] == max(counts[code] for code in musicmap.genres if code in counts)


def test_neighbors_come_nearest_first_and_by_title():
    musicmap = TAXONOMIES.build("musicmap", {})
    near = nearest_genres(musicmap, "cool jazz", k=6)
    assert len(near) == 6 and [d for _, d in near] == sorted(d for _, d in near)
    assert "jaz06" in {code for code, d in near if d == 1}
    with pytest.raises(UnknownGenre, match=naming("'cool jaz'", "'Cool Jazz & West Coast Jazz'")):
        nearest_genres(musicmap, "cool jaz")


@pytest.mark.parametrize("codes", [["a"], ["c", "d"]])
def test_nothing_to_measure_is_null(codes):
    part = line().subset(codes)
    found = graph_statistics(part)
    assert found["diameter"] is None and found["medoid"] is None and found["mean_distance"] is None
    assert found["genres"] == len(codes)


def test_a_constant_answer_is_right_at_times():
    found = graph_statistics(line().subset(["a", "b", "c"]))  # 0 1 3, 1 0 2, 3 2 0
    assert found["constant_answer"] == pytest.approx(1) and found["random_answer"] == pytest.approx(12 / 9)

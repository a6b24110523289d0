"""Mistakes as flows: every edge carries the mistakes whose shortest path takes it."""

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from genrelab.evaluation.report.error_flow import (
    compute_error_flows,
    confused_pair_sentences,
    error_flow_plot,
    undirected_edge,
)
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.taxonomy import Taxonomy

GENRES = ("jaz03", "jaz06", "jam02", "blu02", "tec05", "hou07")


@pytest.fixture(scope="module")
def run():
    taxonomy = TAXONOMIES.build("musicmap", {}, genres=()).subset(GENRES)
    return SimpleNamespace(taxonomy=taxonomy, distances=taxonomy.distances())


def confusion(*mistakes):
    found = np.eye(6, dtype=int) * 5
    for truth, answer, count in mistakes:
        found[truth, answer] = count
    return found


def test_flows_add_up_to_the_distance_of_the_mistakes(run):
    """Each mistake passes edges whose lengths sum to its distance, so all flows weigh what all mistakes do."""
    generator = np.random.default_rng(0)
    counts = generator.integers(0, 4, (6, 6))
    found = compute_error_flows(run, counts)
    graph = run.taxonomy.graph()
    wrong = counts - np.diag(np.diagonal(counts))
    assert sum(graph.edges[edge]["weight"] * count for edge, count in found.edges.items()) == pytest.approx(
        (wrong * run.distances).sum()
    )


def test_one_confusion_flows_along_its_path_both_ways(run):
    found = compute_error_flows(run, confusion((0, 4, 3), (4, 0, 1)))
    ends = run.taxonomy.genres[0], run.taxonomy.genres[4]
    path = run.taxonomy.path(*ends)
    assert len(found.edges) == len(path) - 1 and set(found.edges.values()) == {4}
    pair = found.pairs[0]
    assert (pair.genres, pair.count, pair.reverse_count) == (ends, 3, 1)
    assert {undirected_edge(*step) for step in pairwise(pair.path)} == set(found.edges)
    assert set(found.nodes) == {*GENRES, *pair.path}


def test_the_most_confused_pairs_are_told_and_drawn(run):
    counts = confusion((4, 5, 7), (5, 4, 2), (0, 1, 1))
    titles = run.taxonomy.titles
    [sentence] = confused_pair_sentences(run, counts)
    assert re.search(rf"{re.escape(titles[4])} .*{re.escape(titles[5])}.*\b7 tracks.*\b2\b", sentence)
    picture = str(error_flow_plot(run, counts))
    assert picture.count("stroke-dasharray:7 4") == 1
    assert "5 of 14 right" not in picture and "5 of 12 right" in picture
    assert picture == str(error_flow_plot(run, counts))


def test_nothing_wrong_and_flat_taxonomies_draw_nothing(run):
    assert error_flow_plot(run, confusion()) is None
    flat = Taxonomy("flat", "", ("a", "b"), ("A", "B"), ("all", "all"), {"all": "All"}, flat=True)
    assert (
        error_flow_plot(SimpleNamespace(taxonomy=flat, distances=flat.distances()), np.array([[1, 2], [0, 3]])) is None
    )


def test_what_no_path_joins_is_counted_apart():
    parts = Taxonomy("two", "", ("a", "b"), ("A", "B"), ("x", "y"), {"x": "X", "y": "Y"})
    distances = np.array([[0, np.inf], [np.inf, 0]])
    found = compute_error_flows(SimpleNamespace(taxonomy=parts, distances=distances), np.array([[1, 2], [0, 3]]))
    assert found.n_unreachable == 2 and not found.edges


def test_titles_are_escaped():
    made = Taxonomy("x", "", ("a", "b"), ("<b>A", "B & C"), ("x", "x"), {"x": "X"}, clusters={"all": ("x",)})
    run = SimpleNamespace(taxonomy=made, distances=made.distances())
    picture = str(error_flow_plot(run, np.array([[1, 2], [0, 3]])))
    assert "<b>" not in picture and "&lt;b&gt;A" in picture

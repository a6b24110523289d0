"""Layout, PNG and page: everything drawn once, nothing overlaps, nothing fetched."""

import json
import re
from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest
from rich.console import Console

from genrelab.taxonomy import Link, Taxonomy, UnknownGenre
from genrelab.taxonomy.export_figures import page_data, write_html
from genrelab.taxonomy.graph_layout import LABEL, make_layout, oklch, shorten_title
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.summary import show_graph
from naming import naming


def small(title: str = "A") -> Taxonomy:
    codes = ("a", "b", "c", "d", "e")
    titles = (title, "B", "C", "D", "E")
    links = (Link("a", "b"), Link("b", "c", "secondary"), Link("place", "c", "backlash"), Link("d", "d"))
    return Taxonomy("small", "-", codes, titles, ("x", "x", "x", "x", "y"), {"x": "Ex", "y": "Why"}, {}, links)


def test_labels_do_not_overlap():
    gtzan = TAXONOMIES.build("gtzan", {})
    layout = make_layout(gtzan)
    assert set(layout.nodes) == set(gtzan.genres) | set(gtzan.members) | {"sta01", "sta02", "sta03"}
    boxes = np.array([[max(len(label), 2) * 5.6 + 8, 24.0] for label in layout.labels])
    gap = np.abs(layout.xy[:, None] - layout.xy[None]) - (boxes[:, None] + boxes[None]) / 2
    hit = (gap < -1).all(axis=-1) & ~np.eye(len(boxes), dtype=bool)
    assert not hit.any()


def test_the_layout_is_the_same_each_time():
    layout, again = make_layout(small()), make_layout(small())
    assert np.array_equal(layout.xy, again.xy) and layout.colors == again.colors


def test_near_genres_are_drawn_near():
    musicmap = TAXONOMIES.build("musicmap", {})
    layout = make_layout(musicmap)
    at = [layout.nodes.index(code) for code in musicmap.genres]
    drawn = np.linalg.norm(layout.xy[at][:, None] - layout.xy[at][None], axis=-1)
    pairs = np.triu_indices(len(at), 1)
    assert np.corrcoef(drawn[pairs], musicmap.distances()[pairs])[0, 1] > 0.55


@pytest.mark.parametrize("genres", [["a"], ["a", "b"], [f"g{i}" for i in range(7)]])
def test_any_number_of_genres_has_finite_places(genres):
    layout = make_layout(TAXONOMIES.build("flat", {}, genres=genres))
    assert np.isfinite(layout.xy).all() and len(np.unique(layout.xy, axis=0)) == len(genres)


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("Bebop", "Bebop"),
        ("Country Blues / Folk Blues", "Country Blues"),
        ("UK Garage (2-Step & Speed Garage)", "UK Garage"),
        ("(Electric) Texas Blues", "(Electric) Texas Blues"),
        ("A" * 20 + " " + "B" * 20, "A" * 20 + "…"),
    ],
)
def test_long_titles_are_cut_at_a_name(title, label):
    assert shorten_title(title) == label and len(label) <= LABEL


def test_oklch_is_srgb():
    assert oklch(1, 0, 0) == "#ffffff" and oklch(0, 0, 0) == "#000000"
    assert oklch(0.62796, 0.25768, 29.234) == "#ff0000"


def test_the_page_holds_everything_and_asks_no_network(tmp_path):
    taxonomy = small("</script><b>&@DATA@")
    write_html(taxonomy, tmp_path / "g.html")
    page = (tmp_path / "g.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=|@import|url\(|fetch\(|XMLHttp|import\(", page)
    assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"https?://[^\s\"'<>]+", page))
    held = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    data = json.loads(held.group(1))
    assert data == json.loads(json.dumps(page_data(taxonomy, make_layout(taxonomy))))
    assert data["nodes"][0]["title"] == taxonomy.titles[0]
    assert [node["id"] for node in data["nodes"]] == ["a", "b", "c", "d", "e", "place"]
    edges = {(a, b): (weight, kind) for a, b, weight, kind in data["edges"]}
    assert edges[("place", "c")] == (3.0, "backlash"), "in the link's direction"
    known = {node["id"] for node in data["nodes"] + data["hidden"]}
    assert {end for edge in edges for end in edge} <= known


def test_show_prints_and_writes(tmp_path):
    console = Console(record=True, width=100)
    files = show_graph(small("A [bold]"), "b", tmp_path / "out", console=console)
    text = console.export_text()
    assert "B (b)" in text and "A [bold]" in text and "small" in text
    assert [path.name for path in files] == ["graph.html", "graph.png", "graph.json", "distances.csv"]
    assert matplotlib.image.imread(files[1]).std() > 0.01
    kept = json.loads(files[2].read_text())
    assert Taxonomy.from_dict(kept["taxonomy"]).genres == small().genres and kept["statistics"]["genres"] == 5
    rows = [line.split(",") for line in files[3].read_text().splitlines()]
    assert rows[0] == ["code", "a", "b", "c", "d", "e"] and rows[1] == ["a", "0", "1", "3", "8", "inf"]


def test_descriptions_are_printed_and_on_the_page(tmp_path):
    taxonomy = replace(small(), descriptions={"b": "Loud [red]& fast</script>."})
    console = Console(record=True, width=100)
    show_graph(taxonomy, "b", tmp_path, console=console)
    assert re.search(naming("B: Loud [red]& fast</script>.\n", "B (b)"), console.export_text())
    texts = {node["id"]: node["text"] for node in page_data(taxonomy, make_layout(taxonomy))["nodes"]}
    assert texts == {"a": "", "b": "Loud [red]& fast</script>.", "c": "", "d": "", "e": "", "place": ""}
    assert "fast</script>" not in (tmp_path / "graph.html").read_text(encoding="utf-8")


def test_show_refuses_an_unknown_genre_before_writing(tmp_path):
    with pytest.raises(UnknownGenre, match=naming("small", "'zzz'")):
        show_graph(small(), "zzz", tmp_path / "out", console=Console(quiet=True))
    assert not (tmp_path / "out").exists()

"""Readers: flat, GTZAN's genres, YAML, CSV, a saved page; and what they say of bad files."""

import re

import numpy as np
import pytest

from genrelab.datasets.synthesis.genre_rules import BY_CODE
from genrelab.taxonomy import EdgeWeights
from genrelab.taxonomy.gtzan_mapping import GTZAN, STEP
from genrelab.taxonomy.musicmap_html_reader import rename
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.utils.errors import GenrelabError
from naming import naming
from paths import REPOSITORY


def test_flat_knows_no_distances():
    flat = TAXONOMIES.build("flat", {}, genres=["b", "a", "b"])
    assert flat.genres == ("a", "b") and flat.distances().tolist() == [[0, 1], [1, 0]]


def test_gtzans_genres_lie_sensibly_on_the_musicmap():
    gtzan = TAXONOMIES.build("gtzan", {})
    assert gtzan.genres == tuple(sorted(GTZAN))
    d = gtzan.distances()
    assert np.isfinite(d).all() and (d[~np.eye(10, dtype=bool)] >= 2).all()
    at = gtzan.index
    assert d[at("blues"), at("jazz")] < d[at("blues"), at("hiphop")]
    assert d[at("metal"), at("rock")] < d[at("metal"), at("reggae")]
    assert d[at("disco"), at("pop")] < d[at("disco"), at("classical")]


YAML = """
name: mine
supergenres:
  jazz: {title: Jazz, genres: {bop: Bebop, cool: Cool Jazz}}
  tech: {title: Techno, genres: {dt: Detroit}}
clusters: {all: [jazz, tech]}
links:
  primary: {bop: [cool]}
  backlash: {bop: dt}
"""


def test_yaml_of_ones_own(tmp_path):
    (tmp_path / "mine.yaml").write_text(YAML)
    mine = TAXONOMIES.build("yaml", {"file": str(tmp_path / "mine.yaml")})
    assert mine.genres == ("bop", "cool", "dt")
    assert mine.distances().tolist() == [[0, 1, 3], [1, 0, 4], [3, 4, 0]]


@pytest.mark.parametrize("name", ["musicmap", "gtzan"])
def test_descriptions_of_our_own(name):
    """The demo's genres and GTZAN's have a sentence or two each."""
    found = TAXONOMIES.build(name, {}).descriptions
    described = [*BY_CODE, *(GTZAN if name == "gtzan" else ())]
    assert sorted(found) == sorted(described)
    assert all(60 < len(text) < 260 and text[0].isupper() and text.endswith(".") for text in found.values())
    assert len(set(found.values())) == len(found)


def test_descriptions_are_read_from_yaml_and_csv(tmp_path):
    (tmp_path / "mine.yaml").write_text(YAML + "descriptions:\n  bop: >\n    Fast,\n    and angular.\n")
    assert TAXONOMIES.build("yaml", {"file": str(tmp_path / "mine.yaml")}).descriptions == {"bop": "Fast, and angular."}
    (tmp_path / "g.csv").write_text('code,description\na,"Slow, and sad."\nb,\n')
    assert TAXONOMIES.build("csv", {"file": str(tmp_path / "g.csv")}).descriptions == {"a": "Slow, and sad."}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (YAML + "descriptions: {bob: Fast.}", ["descriptions.bob", "'bop'"]),
        (YAML + "descriptions: [Fast.]", ["'descriptions'", "genre: text"]),
        (YAML + "descriptions: {bop: 3}", ["'descriptions'", "genre: text"]),
        ("a: [", ["YAML", "line"]),
        ("name: x", ["'supergenres'", "code: {title, genres: {code: title}}"]),
        ("supergenres: {jazz: [a]}", ["supergenres.jazz", "'genres'"]),
        ("supergenres: {a: {genres: {x: X}}, b: {genres: {x: X}}}", ["x", "a", "b"]),
        (YAML.replace("[jazz, tech]", "[jaz, tech]"), ["clusters.all", "'jaz'", "'jazz'"]),
        (YAML.replace("primary", "primry"), ["links.primry", "primary, secondary, backlash"]),
        (YAML.replace("backlash: {bop: dt}", "backlash: {bop: dtt}"), ["links.backlash.bop", "'dtt'", "'dt'"]),
        (YAML.replace("{all: [jazz, tech]}", "[jazz]"), ["'clusters'", "cluster: [code, ...]"]),
        (YAML.replace("{bop: [cool]}", "[bop, cool]"), ["links.primary", "genre: [genre, ...]"]),
        (YAML.replace("primary", "-1"), ["links.-1", "primary, secondary, backlash"]),
        (YAML.replace("clusters", "cluster"), ["'cluster'", "'clusters'"]),
    ],
)
def test_bad_yaml_is_named(tmp_path, text, data):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(GenrelabError, match=naming(path, *data)):
        TAXONOMIES.build("yaml", {"file": str(path)})


def test_csv_of_ones_own(tmp_path):
    (tmp_path / "g.csv").write_bytes("\ufeffcode,title,supergenre\na,Ä,x\nb,B,x\nc,C,y\n".encode())
    (tmp_path / "l.csv").write_text("a,b,kind,weight\na,b,,0.5\nb,c,secondary,\n")
    params = {"file": str(tmp_path / "g.csv"), "links": str(tmp_path / "l.csv")}
    assert TAXONOMIES.build("csv", params).distances()[0].tolist() == [0, 0.5, 2.5]
    (tmp_path / "l.csv").write_text("a,b\na,z\n")
    with pytest.raises(GenrelabError, match=naming("l.csv, line 2", "'z'")):
        TAXONOMIES.build("csv", params)
    with pytest.raises(GenrelabError, match=naming("l.csv", "'code'", "a, b")):
        TAXONOMIES.build("csv", {"file": str(tmp_path / "l.csv")})


HTML = """<html><svg><g class="lines primary"><path class="jaz01 blu01"/><path class="static1 jaz01"/>
<path class="worldA9 class"/></g><g class="secondary"><path class="inl02 util3" d="M0"/></g>
<g class="backlash"><path class="folk jaz01"></path></g><path class="no link"/></svg></html>"""
CSV = """\ufeffCode,Label,Type,Supergenre
jaz01,New Orleans,genre,jaz
blu01,Country Blues,genre,blu
inl02,Early Industrial,genre,inl
woA09,Salsa,genre,woA
uti03,Musicals,static-genre,uti
cla,Classical,super-genre,
jaz,Jazz,super-genre,
sta01,Somewhere,static,
"""


def test_a_saved_page_with_its_table(tmp_path):
    (tmp_path / "Musicmap.html").write_text(HTML)
    (tmp_path / "genres.csv").write_text(CSV, encoding="utf-8")
    params = {"html": str(tmp_path / "Musicmap.html"), "csv": str(tmp_path / "genres.csv")}
    taxonomy = TAXONOMIES.build("musicmap_html", params)
    assert taxonomy.genres == ("blu01", "class", "folk", "ind02", "jaz01", "uti03", "woA09")
    assert taxonomy.supergenre_of[3] == "ind"
    kinds = {(link.a, link.b): link.kind for link in taxonomy.links}
    assert kinds[("sta01", "jaz01")] == "primary" and kinds[("ind02", "uti03")] == "secondary"
    assert kinds[("woA09", "class")] == "primary" and len(kinds) == 5
    (tmp_path / "genres.csv").write_text(CSV.replace("blu01", "blu99"), encoding="utf-8")
    with pytest.raises(GenrelabError, match=naming("Musicmap.html", 1, "blu01")):
        TAXONOMIES.build("musicmap_html", params)
    (tmp_path / "Musicmap.html").write_text("<html></html>")
    with pytest.raises(GenrelabError, match=naming("Musicmap.html", "<g class=primary>")):
        TAXONOMIES.build("musicmap_html", params)


@pytest.mark.parametrize(
    ("code", "renamed"),
    [
        ("static1", "sta01"),
        ("worldA9", "woA09"),
        ("worldC14", "woC14"),
        ("util3", "uti03"),
        ("inl02", "ind02"),
        ("inr11", "ind11"),
        ("cla", "class"),
        ("fol", "folk"),
        ("class", "class"),
        ("woA9", "woA09"),
        ("jaz07", "jaz07"),
        ("industrial", "industrial"),
    ],
)
def test_codes_of_the_page_become_the_tables(code, renamed):
    assert rename(code) == renamed


@pytest.mark.parametrize(
    ("table", "data"),
    [
        (CSV.replace("super-genre,", "supergenre,"), ["line 7", "'supergenre'", "super-genre"]),
        (CSV + ",No Code,genre,jaz\n", ["line 10", "code"]),
        (CSV + "jaz01,Other,genre,jaz\n", ["line 10", "jaz01", "'New Orleans'", "'Other'"]),
        ("\ufeffCode,Label,Type,Supergenre\n", ["line 2", "'Type'", "'genre'"]),
        (CSV.replace("Code,", "code,"), ["'Code'", "code, Label"]),
    ],
)
def test_a_bad_table_is_named(tmp_path, table, data):
    (tmp_path / "Musicmap.html").write_text(HTML)
    (tmp_path / "genres.csv").write_text(table, encoding="utf-8")
    params = {"html": str(tmp_path / "Musicmap.html"), "csv": str(tmp_path / "genres.csv")}
    with pytest.raises(GenrelabError, match=naming("genres.csv", *data)):
        TAXONOMIES.build("musicmap_html", params)


def test_the_musicmap_written_as_page_and_table_reads_back_the_same(tmp_path):
    musicmap = TAXONOMIES.build("musicmap", {})
    groups = "".join(
        f'<g class="{kind}">'
        + "".join(f'<path class="{link.a} {link.b}"/>' for link in musicmap.links if link.kind == kind)
        + "</g>"
        for kind in ("primary", "secondary", "backlash")
    )
    (tmp_path / "Musicmap.html").write_text(f"<svg>{groups}</svg>")
    rows = [
        f'{c},"{t}",genre,{s}' for c, t, s in zip(musicmap.genres, musicmap.titles, musicmap.supergenre_of, strict=True)
    ]
    (tmp_path / "g.csv").write_text("\n".join(["\ufeffCode,Label,Type,Supergenre", *rows]), encoding="utf-8")
    params = {"html": str(tmp_path / "Musicmap.html"), "csv": str(tmp_path / "g.csv")}
    again = TAXONOMIES.build("musicmap_html", params)
    assert (again.genres, again.titles) == (musicmap.genres, musicmap.titles)
    assert np.array_equal(again.distances(), musicmap.distances())
    assert again.descriptions == musicmap.descriptions


def test_gtzans_classes_are_as_far_as_their_nearest_genres():
    """No class is a short cut between two others, so each distance can be told from the Musicmap's own."""
    gtzan, musicmap = TAXONOMIES.build("gtzan", {}), TAXONOMIES.build("musicmap", {})
    d = musicmap.distances()
    at = {code: [musicmap.index(genre) for genre in place.genres] for code, place in GTZAN.items()}
    nearest = [[0.0 if a == b else d[np.ix_(at[a], at[b])].min() + 2 * STEP for b in at] for a in at]
    assert np.array_equal(gtzan.distances(), nearest)
    assert gtzan.path("metal", "rock") == ["metal", "met01", "gld04", "rock"]


def test_yaml_links_may_carry_a_length_and_pass_through_places(tmp_path):
    text = YAML.replace("links:", "places: [bridge]\nlinks:\n  0.25: {cool: [bridge], dt: bridge}")
    (tmp_path / "mine.yaml").write_text(text)
    mine = TAXONOMIES.build("yaml", {"file": str(tmp_path / "mine.yaml")})
    assert mine.distances().tolist() == [[0, 1, 1.5], [1, 0, 0.5], [1.5, 0.5, 0]]
    assert mine.path("bop", "dt") == ["bop", "cool", "bridge", "dt"]


@pytest.mark.parametrize(
    ("genres", "links", "data"),
    [
        ("code\na\na\n", "a,b\n", ["g.csv, line 3", "'a'"]),
        ("code,title\na,A\n,B\n", "a,b\n", ["g.csv, line 3", "code"]),
        ("code\n", "a,b\n", ["g.csv, line 2", "'code'"]),
        (
            "code\na\nb\n",
            "a,b,kind\na,b,primray\n",
            ["l.csv, line 2", "'primray'", "primary, secondary, backlash"],
        ),
        ("code\na\nb\n", "a,b,weight\na,b,-1\n", ["l.csv, line 2", "weight", "-1.0"]),
        ("code\na\nb\n", "a,b,weight\na,b,near\n", ["l.csv, line 2", "weight", "'near'"]),
    ],
)
def test_bad_csv_is_named_by_line(tmp_path, genres, links, data):
    (tmp_path / "g.csv").write_text(genres)
    (tmp_path / "l.csv").write_text(links)
    with pytest.raises(GenrelabError, match=naming(*data)) as caught:
        TAXONOMIES.build("csv", {"file": str(tmp_path / "g.csv"), "links": str(tmp_path / "l.csv")})
    assert "\n" not in str(caught.value)


def test_every_reader_has_its_option_with_every_weight():
    """A key that the option lacks cannot be set from the command line."""
    import inspect

    import yaml

    conf = REPOSITORY / "conf" / "taxonomy"
    assert {path.stem for path in conf.glob("*.yaml")} >= {"musicmap", "gtzan", "flat", "csv", "yaml", "musicmap_html"}
    for path in conf.glob("*.yaml"):
        option = yaml.safe_load(path.read_text())
        option = option.get("taxonomy", option)  # one that chooses the loss too is a package of its own
        wanted = set(inspect.signature(TAXONOMIES.get(option.pop("kind"))).parameters) - {"genres"}
        assert set(option) == wanted, path.name
        if "weights" in option:
            assert EdgeWeights(**option["weights"]) == EdgeWeights(), path.name


DOCS = REPOSITORY / "docs" / "taxonomy.md"


def test_the_guides_table_is_the_placing():
    rows = re.findall(r"^\| (\w+) \| (`\w+` .*) \| (.*) \|$", DOCS.read_text(encoding="utf-8"), re.M)
    titles = TAXONOMIES.build("musicmap", {}).node_titles
    assert [row[0] for row in rows] == list(GTZAN)
    for code, genres, artists in rows:
        assert genres == "; ".join(f"`{genre}` {titles[genre]}" for genre in GTZAN[code].genres)
        assert artists == "; ".join(GTZAN[code].genres.values())


def test_the_guides_yaml_can_be_read(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        re.search(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S).group(1)
    )
    mine = TAXONOMIES.build("yaml", {"file": str(tmp_path / "mine.yaml")})
    assert mine.path("bop", "ambient") == ["bop", "paris", "ambient"] and mine.distances().max() == 4

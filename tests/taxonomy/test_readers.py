"""Readers: flat, GTZAN's genres, YAML, CSV, a saved page; and what they say of bad files."""

import numpy as np
import pytest

from genrelab.errors import GenrelabError
from genrelab.registry import TAXONOMIES
from genrelab.taxonomy.gtzan import GTZAN


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("name: x", "needs the key 'supergenres'"),
        ("supergenres: {jazz: [a]}", "supergenres.jazz needs 'genres'"),
        ("supergenres: {a: {genres: {x: X}}, b: {genres: {x: X}}}", "stands under a and b"),
        (YAML.replace("[jazz, tech]", "[jaz, tech]"), "clusters.all names no supergenre: 'jaz'; did you mean 'jazz'"),
        (YAML.replace("primary", "primry"), "links.primry is none of"),
    ],
)
def test_bad_yaml_is_named(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(GenrelabError, match="bad") as caught:
        TAXONOMIES.build("yaml", {"file": str(path)})
    assert message in str(caught.value)


def test_csv_of_ones_own(tmp_path):
    (tmp_path / "g.csv").write_bytes("\ufeffcode,title,supergenre\na,Ä,x\nb,B,x\nc,C,y\n".encode())
    (tmp_path / "l.csv").write_text("a,b,kind,weight\na,b,,0.5\nb,c,secondary,\n")
    params = {"file": str(tmp_path / "g.csv"), "links": str(tmp_path / "l.csv")}
    assert TAXONOMIES.build("csv", params).distances()[0].tolist() == [0, 0.5, 2.5]
    (tmp_path / "l.csv").write_text("a,b\na,z\n")
    with pytest.raises(GenrelabError, match=r"l.csv, line 2: no genre 'z'"):
        TAXONOMIES.build("csv", params)
    with pytest.raises(GenrelabError, match="lacks the column 'code'"):
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
    with pytest.raises(GenrelabError, match="1 linked codes have no row in the table: blu01"):
        TAXONOMIES.build("musicmap_html", params)
    (tmp_path / "Musicmap.html").write_text("<html></html>")
    with pytest.raises(GenrelabError, match="no links found"):
        TAXONOMIES.build("musicmap_html", params)

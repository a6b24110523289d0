"""Reader of a saved `Musicmap.html` beside the genre table that goes with it (system A, rows A01-A03)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from genrelab.taxonomy.readers import Weights, make_weights, musicmap, read_rows
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.taxonomy import Link, Taxonomy
from genrelab.utils.errors import GenrelabError

KINDS = ("primary", "secondary", "backlash")
RENAMED = (  # how the picture writes codes, and how the table does
    (re.compile(r"^static(\d)$"), r"sta0\1"),
    (re.compile(r"^world([A-Z])(\d+)$"), r"wo\1\2"),
    (re.compile(r"^util(\d)$"), r"uti0\1"),
    (re.compile(r"^in[lr](\d+)$"), r"ind\1"),
    (re.compile(r"^cla$"), "class"),
    (re.compile(r"^fol$"), "folk"),
)
SUPERGENRES = {"inl": "ind", "inr": "ind", "cla": "class", "fol": "folk"}
GENRES = {"genre", "static-genre"}
TYPES = {*GENRES, "super-genre", "static", "same-color_cluster", "cross-color_cluster"}


class _Paths(HTMLParser):
    """Collects `<path class="a b">` inside `<g class="primary|secondary|backlash">`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Link] = []
        self._groups: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = (dict(attrs).get("class") or "").split()
        if tag == "g":
            self._groups.append(next((name for name in names if name in KINDS), None))
        elif tag == "path" and len(names) == 2:
            kind = next((name for name in reversed(self._groups) if name), None)
            if kind:
                self.found.append(Link(rename(names[0]), rename(names[1]), kind))

    def handle_endtag(self, tag: str) -> None:
        if tag == "g" and self._groups:
            self._groups.pop()


def rename(code: str) -> str:
    """A code of the picture as the table writes it: static1 is sta01, worldA9 woA09, util3 uti03, inl02 ind02."""
    for pattern, replacement in RENAMED:
        if pattern.match(code):
            code = pattern.sub(replacement, code)
            break
    if match := re.match(r"^(wo[A-Z])(\d)$", code):
        code = f"{match.group(1)}0{match.group(2)}"
    return code


@TAXONOMIES.register("musicmap_html")
def musicmap_html(html: str, csv: str, weights: Weights | None = None) -> Taxonomy:
    """Links from the saved page, genres from the table (columns `Code`, `Label`, `Type`, `Supergenre`).

    Clusters are the Musicmap's, which neither file holds.

    Args:
        html: the saved page, an SVG with links as paths.
        csv: the table, with or without a byte order mark.
        weights: lengths of edges that differ from `EdgeWeights`.

    Raises:
        GenrelabError: a file is missing, holds no links, or a link names a code that the table lacks.
    """
    page, table = Path(html).expanduser(), Path(csv).expanduser()
    parser = _Paths()
    try:
        parser.feed(page.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise GenrelabError(f"{page}: no such file; save musicmap.info's page and give taxonomy.html=PATH") from error
    if not parser.found:
        raise GenrelabError(f"{page}: no links found; it needs <g class=primary> groups of <path class='a b'>")
    genres, supergenres, places = _read_table(table)
    return _joined(page, genres, supergenres, places, parser.found, weights)


def _read_table(table: Path) -> tuple[dict[str, tuple[str, str]], dict[str, str], set[str]]:
    """Genres (label and supergenre by code), supergenres (label by code) and places that are no genres."""
    genres: dict[str, tuple[str, str]] = {}
    supergenres: dict[str, str] = {}
    places: set[str] = set()
    for line, row in read_rows(table, ("Code", "Label", "Type", "Supergenre")):
        code, kind = rename(row["Code"]), row["Type"].lower()
        if not code:
            raise GenrelabError(f"{table}, line {line}: no code; every row needs one")
        if kind not in TYPES:
            raise GenrelabError(f"{table}, line {line}: the type {row['Type']!r} is none of {', '.join(sorted(TYPES))}")
        above = SUPERGENRES.get(row["Supergenre"], row["Supergenre"])
        if kind in GENRES:
            made = (row["Label"] or code, above or code[:3])
            # inl and inr are one supergenre drawn in two halves, so a genre may have a row in each.
            if genres.setdefault(code, made) != made:
                raise GenrelabError(
                    f"{table}, line {line}: {code} stands twice, as {genres[code][0]!r} and {made[0]!r}"
                )
        elif kind == "super-genre":
            supergenres[SUPERGENRES.get(code, code)] = row["Label"] or code
        elif kind == "static":
            places.add(code)
    if not genres:
        raise GenrelabError(f"{table}, line 2: no row whose 'Type' is 'genre'; is this the Musicmap's table?")
    return genres, supergenres, places


def _joined(
    page: Path,
    genres: dict[str, tuple[str, str]],
    supergenres: dict[str, str],
    places: set[str],
    links: list[Link],
    weights: Weights | None,
) -> Taxonomy:
    known = musicmap()
    ends = {end for link in links for end in (link.a, link.b)}
    for code in ("class", "folk"):  # the picture links them, and the table has no genre row for them
        if code in ends and code not in genres:
            genres[code] = (known.node_titles[code], code)
    for _, above in genres.values():
        supergenres.setdefault(above, known.supergenres.get(above, above))
    unknown = sorted(ends - set(genres) - places - {"sta01", "sta02", "sta03"})
    if unknown:
        raise GenrelabError(f"{page}: {len(unknown)} linked codes have no row in the table: {', '.join(unknown[:8])}")
    codes = sorted(genres)
    clusters = {name: tuple(s for s in members if s in supergenres) for name, members in known.clusters.items()}
    return Taxonomy(
        name="musicmap_html",
        source=str(page),
        genres=tuple(codes),
        titles=tuple(genres[code][0] for code in codes),
        supergenre_of=tuple(genres[code][1] for code in codes),
        supergenres=supergenres,
        clusters=clusters,
        links=tuple(links),
        weights=make_weights(weights),
        descriptions={code: text for code, text in known.descriptions.items() if code in genres},
    )

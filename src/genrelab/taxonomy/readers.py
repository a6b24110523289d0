"""Readers of taxonomies: the Musicmap, flat, YAML and CSV of one's own."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.taxonomy import EdgeWeights, Link, Taxonomy
from genrelab.utils.errors import ConfigError, GenrelabError, suggest

MUSICMAP = Path(__file__).parent / "musicmap.yaml"
KINDS = ("primary", "secondary", "backlash")  # of links whose length is `EdgeWeights`'s
KEYS = ("name", "source", "supergenres", "clusters", "places", "links", "descriptions")  # of the YAML format
Weights = Mapping[str, float | None]


@TAXONOMIES.register("musicmap")
def musicmap(weights: Weights | None = None) -> Taxonomy:
    """The Musicmap: 248 genres, 29 supergenres, 9 clusters, 782 links; at most 11 steps between two genres (A03-A05).

    Args:
        weights: lengths of edges that differ from `EdgeWeights`.
    """
    return replace(read_yaml(MUSICMAP), weights=make_weights(weights))


@TAXONOMIES.register("flat")
def flat(genres: Sequence[str]) -> Taxonomy:
    """No graph: every two genres lie at distance 1.

    Args:
        genres: names of the classes, supplied by code from the dataset.
    """
    names = tuple(sorted(set(genres)))
    return Taxonomy("flat", "no graph", names, names, names, {name: name for name in names}, flat=True)


@TAXONOMIES.register("yaml")
def from_yaml(file: str, weights: Weights | None = None) -> Taxonomy:
    """A YAML file of one's own, in the format of docs/taxonomy.md.

    Args:
        file: its path.
        weights: lengths of edges that differ from `EdgeWeights`.
    """
    return replace(read_yaml(Path(file).expanduser()), weights=make_weights(weights))


@TAXONOMIES.register("csv")
def from_csv(file: str, links: str | None = None, weights: Weights | None = None) -> Taxonomy:
    """Two CSV files of one's own.

    Args:
        file: columns `code`, and if there are any `title`, `supergenre` and `description`.
        links: columns `a`, `b`, and `kind` (primary, secondary, backlash) or `weight`; without it genres are
            near where they share a supergenre.
        weights: lengths of edges that differ from `EdgeWeights`.

    Raises:
        GenrelabError: a file is missing or a row does not fit; the message names file and line.
    """
    path = Path(file).expanduser()
    rows = read_rows(path, ("code",))
    genres, titles, supergenre_of = [], [], []
    for line, row in rows:
        if not row["code"]:
            raise GenrelabError(f"{path}, line {line}: no code; every genre needs one")
        if row["code"] in genres:
            raise GenrelabError(f"{path}, line {line}: the code {row['code']!r} stands twice; codes are unique")
        genres.append(row["code"])
        titles.append(row.get("title") or row["code"])
        supergenre_of.append(row.get("supergenre") or "all")
    if not genres:
        raise GenrelabError(f"{path}, line 2: no genre; give each a row with its 'code'")
    supergenres = {code: code for code in dict.fromkeys(supergenre_of)}
    found = _csv_links(Path(links).expanduser(), set(genres)) if links else ()
    clusters = {"all": tuple(supergenres)}
    return Taxonomy(
        path.stem,
        str(path),
        tuple(genres),
        tuple(titles),
        tuple(supergenre_of),
        supergenres,
        clusters,
        found,
        make_weights(weights),
        descriptions={row["code"]: row["description"] for _, row in rows if row.get("description")},
    )


def read_yaml(path: Path) -> Taxonomy:
    """Read genrelab's own format: supergenres with their genres, clusters, links.

    Raises:
        GenrelabError: missing, no YAML, or a code that is not known; the message names file and key.
    """
    try:
        # The compiled loader reads the Musicmap in a tenth of the time, where PyYAML was built with it.
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise GenrelabError(f"{path}: no such taxonomy file; give taxonomy.file=PATH") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise GenrelabError(f"{path}: not YAML ({' '.join(str(error).split())[:160]})") from error
    if not isinstance(data, dict) or not isinstance(data.get("supergenres"), dict):
        raise GenrelabError(
            f"{path}: needs the key 'supergenres' (code: {{title, genres: {{code: title}}}}); see docs/taxonomy.md"
        )
    members: dict[str, str] = {}
    node_titles: dict[str, str] = {}
    supergenres: dict[str, str] = {}
    for code, entry in data["supergenres"].items():
        if not isinstance(entry, dict) or not isinstance(entry.get("genres"), dict):
            raise GenrelabError(f"{path}: supergenres.{code} needs 'genres' (code: title)")
        supergenres[str(code)] = str(entry.get("title", code))
        for genre, title in entry["genres"].items():
            if str(genre) in members:
                raise GenrelabError(
                    f"{path}: the genre {genre} stands under {members[str(genre)]} and {code}; codes are unique"
                )
            members[str(genre)], node_titles[str(genre)] = str(code), str(title or genre)
    unknown = sorted(str(key) for key in data if str(key) not in KEYS)
    if unknown:
        raise GenrelabError(f"{path}: no key {unknown[0]!r}{suggest(unknown[0], KEYS)}")
    clusters = _clusters(path, data.get("clusters") or {}, supergenres)
    places = {str(code) for code in data.get("places") or ()}
    return Taxonomy(
        name=str(data.get("name", path.stem)),
        source=str(data.get("source", path)),
        genres=tuple(members),
        titles=tuple(node_titles.values()),
        supergenre_of=tuple(members.values()),
        supergenres=supergenres,
        clusters=clusters,
        links=_yaml_links(path, data.get("links") or {}, set(members) | places),
        descriptions=_descriptions(path, data.get("descriptions") or {}, members),
    )


def make_weights(given: Weights | None, at: str = "taxonomy") -> EdgeWeights:
    """`EdgeWeights` with some values replaced; `at` is the group of the configuration that they stand in.

    Raises:
        ConfigError: an unknown name, or a weight not above 0.
    """
    names = list(EdgeWeights.__dataclass_fields__)
    unknown = [name for name in given or {} if name not in names]
    if unknown:
        raise ConfigError([f"{at}.weights.{name}: no such kind of edge{suggest(name, names)}" for name in unknown])
    values: dict[str, Any] = dict(given or {})
    try:
        return EdgeWeights(**values)
    except ConfigError as error:
        problems = [problem.replace("taxonomy.", f"{at}.", 1) for problem in error.problems]
        raise ConfigError(problems) from None


def read_rows(path: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV (a byte order mark is fine), each with its line number, values stripped.

    Raises:
        GenrelabError: the file or a needed column is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise GenrelabError(
                    f"{path}: lacks the column {missing[0]!r}; it has {', '.join(reader.fieldnames or ())}"
                )
            return [(reader.line_num, {k: (v or "").strip() for k, v in row.items() if k}) for row in reader]
    except OSError as error:
        raise GenrelabError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise GenrelabError(f"{path}: not UTF-8; save it as such") from error


def _clusters(path: Path, given: Any, supergenres: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(given, dict) or not all(isinstance(codes, list) for codes in given.values()):
        raise GenrelabError(f"{path}: 'clusters' needs lists of supergenres (cluster: [code, ...])")
    for cluster, codes in given.items():
        for code in codes:
            if str(code) not in supergenres:
                raise GenrelabError(
                    f"{path}: clusters.{cluster} names no supergenre: {str(code)!r}{suggest(str(code), supergenres)}"
                )
    return {str(cluster): tuple(str(code) for code in codes) for cluster, codes in given.items()}


def _descriptions(path: Path, given: Any, genres: Collection[str]) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise GenrelabError(f"{path}: 'descriptions' needs a text by genre (genre: text)")
    for code in map(str, given):
        if code not in genres:
            raise GenrelabError(f"{path}: descriptions.{code} is of no genre{_near(code, genres)}")
    return {str(code): " ".join(text.split()) for code, text in given.items() if text.strip()}


def _yaml_links(path: Path, given: Any, nodes: set[str]) -> tuple[Link, ...]:
    if not isinstance(given, dict):
        raise GenrelabError(f"{path}: 'links' needs kinds (primary: {{genre: [genre, ...]}})")
    links = []
    for kind, by_node in given.items():
        weight = float(kind) if isinstance(kind, int | float) and not isinstance(kind, bool) and kind > 0 else None
        if weight is None and kind not in KINDS:
            raise GenrelabError(f"{path}: links.{kind} is none of {', '.join(KINDS)}, nor a length above 0")
        if not isinstance(by_node, dict):
            raise GenrelabError(f"{path}: links.{kind} needs genres (genre: [genre, ...])")
        for a, ends in by_node.items():
            for end in (str(a), *map(str, ends if isinstance(ends, list) else [ends])):
                if end not in nodes:
                    raise GenrelabError(f"{path}: links.{kind}.{a} names no genre: {end!r}{_near(end, nodes)}")
            name = str(kind) if weight is None else "given"
            links += [Link(str(a), str(b), name, weight) for b in (ends if isinstance(ends, list) else [ends])]
    return tuple(links)


def _csv_links(path: Path, genres: set[str]) -> tuple[Link, ...]:
    links = []
    for line, row in read_rows(path, ("a", "b")):
        for end in (row["a"], row["b"]):
            if end not in genres:
                raise GenrelabError(f"{path}, line {line}: no genre {end!r}{_near(end, genres)}")
        try:
            weight = float(row["weight"]) if row.get("weight") else None
        except ValueError as error:
            raise GenrelabError(f"{path}, line {line}: the weight {row['weight']!r} is no number") from error
        if weight is not None and not weight > 0:
            raise GenrelabError(f"{path}, line {line}: the weight {weight} is not above 0")
        kind = row.get("kind") or ("primary" if weight is None else "given")
        if weight is None and kind not in KINDS:
            raise GenrelabError(
                f"{path}, line {line}: the kind {kind!r} is none of {', '.join(KINDS)}; or give a weight"
            )
        links.append(Link(row["a"], row["b"], kind, weight))
    return tuple(links)


def _near(wrong: str, known: Collection[str]) -> str:
    """A suggestion out of many codes: one, or none rather than the whole list."""
    near = difflib.get_close_matches(wrong, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""

"""The groups of genres as numbers: supergenres, and clusters of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genrelab.taxonomy.taxonomy import Taxonomy, UnknownGenre
from genrelab.utils.errors import GenrelabError

SUPERGENRE = "supergenre:"  # before a supergenre's code: its node in the graph


def supergenre_index(taxonomy: Taxonomy) -> np.ndarray:
    """`[C]` number of each genre's supergenre, by first appearance."""
    return _numbered(taxonomy.supergenre_of)


def cluster_index(taxonomy: Taxonomy) -> np.ndarray:
    """`[C]` number of each genre's cluster; 0 for all where there are none, a supergenre outside them is its own."""
    if not taxonomy.clusters:
        return np.zeros(len(taxonomy), dtype=np.int64)
    cluster_of = {code: f"cluster:{name}" for name, codes in taxonomy.clusters.items() for code in codes}
    return _numbered([cluster_of.get(code, code) for code in taxonomy.supergenre_of])


def to_supergenres(taxonomy: Taxonomy) -> Taxonomy:
    """The taxonomy with its classes' supergenres for classes (target=supergenre, row A20); the graph stays whole.

    A class is called by its node, `supergenre:<code>`, so that distances are those among supergenres: in Musicmap by
    way of their clusters, or of genres.

    Raises:
        GenrelabError: fewer than two supergenres, or none but the genres themselves.
    """
    codes = tuple(code for code in taxonomy.supergenres if code in set(taxonomy.supergenre_of))
    if taxonomy.flat or not 1 < len(codes) < max(len(taxonomy), len(taxonomy.members)):
        raise GenrelabError(f"target=supergenre: taxonomy={taxonomy.name} groups these genres in no supergenres")
    return replace(
        taxonomy,
        genres=tuple(SUPERGENRE + code for code in codes),
        titles=tuple(taxonomy.supergenres[code] for code in codes),
        supergenre_of=codes,
    )


def resolve_class(taxonomy: Taxonomy, text: str) -> str:
    """Code of the class that a genre's name belongs to: `resolve`, and the supergenre where these are the classes.

    Raises:
        UnknownGenre: none.
    """
    try:
        return taxonomy.resolve(text)
    except UnknownGenre:
        if not all(code.startswith(SUPERGENRE) for code in taxonomy.genres):
            raise
    whole = replace(
        taxonomy,
        genres=tuple(taxonomy.members),
        titles=tuple(taxonomy.node_titles.get(code, code) for code in taxonomy.members),
        supergenre_of=tuple(taxonomy.members.values()),
    )
    found = SUPERGENRE + taxonomy.members[whole.resolve(text)]
    taxonomy.index(found)
    return found


def ancestor_pairs(taxonomy: Taxonomy) -> np.ndarray:
    """`[P, 2]` indices of every two genres of which the first stands above the second in a tree; none elsewhere.

    Links of the kind "tree" lead from a genre to those right below; what lies between need not be among the classes.
    """
    below: dict[str, list[str]] = {}
    for link in taxonomy.links:
        if link.kind == "tree":
            below.setdefault(link.a, []).append(link.b)
    place = {code: number for number, code in enumerate(taxonomy.genres)}
    pairs = []
    for code, number in place.items():
        waiting, seen = list(below.get(code, ())), {code}
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += below.get(node, ())
        pairs += [(number, place[node]) for node in seen - {code} if node in place]
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _numbered(names: tuple[str, ...] | list[str]) -> np.ndarray:
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], dtype=np.int64)

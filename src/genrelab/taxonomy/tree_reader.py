"""Trees of genres: a table of names and parents, as FMA and AudioSet publish theirs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from genrelab.taxonomy.readers import read_rows
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.taxonomy import EdgeWeights, Link, Taxonomy
from genrelab.utils.errors import GenrelabError, suggest

NO_PARENT = {"", "0", "nan", "none", "null"}


@TAXONOMIES.register("tree")
def tree(
    file: str, code: str = "name", parent: str = "parent", title: str | None = None, description: str | None = None
) -> Taxonomy:
    """A CSV with a row for each genre and the genre above it; distance counts the steps from one to the other.

    Every row is a genre, also those that others descend from. Supergenres are the genres at the top; a parent that has
    no row of its own ("Music genre"), or none at all, is the root above them. A genre may stand in several rows with
    several parents; the first counts as its supergenre's.

    Args:
        file: the CSV.
        code: column that tells genres apart.
        parent: column with the code of the genre above.
        title: column with the name that people read; None: the code.
        description: column with a sentence on the genre; None: without.

    Raises:
        GenrelabError: a file or column is missing, a row has no code, genres descend from themselves.
    """
    path = Path(file).expanduser()
    titles: dict[str, str] = {}
    parents: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for line, row in read_rows(path, [code, parent, *filter(None, (title, description))]):
        name = row[code]
        if not name:
            raise GenrelabError(f"{path}, line {line}: no {code}; every genre needs one")
        titles.setdefault(name, row[title] if title else name)
        parents.setdefault(name, []).append(row[parent])
        if description and row[description]:
            texts.setdefault(name, row[description])
    if not titles:
        raise GenrelabError(f"{path}, line 2: no genre; give each a row with its {code!r}")
    root = _root(path, titles, parents)
    above = {name: [p if p in titles else root for p in given] for name, given in parents.items()}
    tops = {name: _top(path, name, above, root) for name in titles}
    links = tuple(Link(p, name, "tree", 1.0) for name, given in above.items() for p in given)
    supergenres = {top: titles[top] for top in dict.fromkeys(tops.values())}
    return Taxonomy(
        path.stem,
        str(path),
        tuple(titles),
        tuple(titles.values()),
        tuple(tops.values()),
        supergenres,
        {},
        links,
        # Longer than any way through the tree, which alone shall count.
        EdgeWeights(supergenre=float(len(titles))),
        descriptions=texts,
    )


def _root(path: Path, titles: Mapping[str, str], parents: Mapping[str, list[str]]) -> str:
    """The node above the top genres: the one parent without a row, or one of our own."""
    outside = {p for given in parents.values() for p in given if p not in titles and p.lower() not in NO_PARENT}
    if len(outside) > 1:
        some = ", ".join(sorted(outside)[:3])
        wrong = min(outside)
        raise GenrelabError(
            f"{path}: the parents {some} have no rows of their own{suggest(wrong, titles) if len(titles) < 40 else ''}"
        )
    return next(iter(outside), "root")


def _top(path: Path, name: str, above: Mapping[str, list[str]], root: str) -> str:
    """The genre right under the root that `name` descends from."""
    seen = [name]
    while above[seen[-1]][0] != root:
        seen.append(above[seen[-1]][0])
        if seen[-1] in seen[:-1]:
            raise GenrelabError(f"{path}: {seen[-1]!r} descends from itself ({' < '.join(seen)})")
    return seen[-1]


def depth_of(taxonomy_file: Path, code: str = "name", parent: str = "parent") -> dict[str, int]:
    """How deep each genre of such a table lies; the tops at 1, the deepest way where there are several."""
    parents: dict[str, list[str]] = {}
    for _, row in read_rows(taxonomy_file, [code, parent]):
        parents.setdefault(row[code], []).append(row[parent])
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in parents:
            return 0
        if name not in depths:
            depths[name] = 0  # a circle is the taxonomy's to tell
            depths[name] = 1 + max(depth(p) for p in parents[name])
        return depths[name]

    for name in parents:
        depth(name)
    return depths

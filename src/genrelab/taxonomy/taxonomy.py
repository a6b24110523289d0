"""`Taxonomy`: ordered genres, their supergenres and clusters, typed links, and the distances they make."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from genrelab.audio.spec import fingerprint
from genrelab.taxonomy.name_matching import fold, key, names_of, nearest, spellings
from genrelab.utils.errors import ConfigError, GenrelabError, suggest
from genrelab.utils.io import is_one_line, printable

if TYPE_CHECKING:
    import networkx as nx


FEW = 40  # genres that a message still lists


def is_length(value: object) -> bool:
    """Whether an edge may have this length: distances along edges of 0, less, or no number are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


class UnknownGenre(GenrelabError):
    """A genre name that a taxonomy does not have."""


@dataclass(frozen=True)
class EdgeWeights:
    """Lengths of the graph's edges by kind (system A's, row A03).

    Three of the published eight weights (world supergenre, world cluster, utility) belong to rules that never
    fire there; the two that can mean something stand here, and are off by default, so that the distances are
    the published ones.

    Args:
        primary: a genre that descends from another.
        secondary: a weaker influence.
        backlash: a genre that turned against another.
        supergenre: between a genre and its supergenre.
        cluster: between a supergenre and each cluster it belongs to.
        world_supergenre: in place of `supergenre` for supergenres that begin with "wo"; None: as others.
        utility_genre: in place of its kind for a link that touches a genre of supergenre "uti"; None: as others.
    """

    primary: float = 1.0
    secondary: float = 2.0
    backlash: float = 3.0
    supergenre: float = 4.0
    cluster: float = 1.0
    world_supergenre: float | None = None
    utility_genre: float | None = None

    def __post_init__(self) -> None:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        bad = [
            f"taxonomy.weights.{name}: {w} is not a finite number above 0"
            for name, w in given.items()
            if w is not None and not is_length(w)
        ]
        if bad:
            raise ConfigError(bad)


@dataclass(frozen=True)
class Link:
    """An undirected edge between two nodes.

    Args:
        a: a genre's code, or a node that is no genre.
        b: the other end.
        kind: "primary", "secondary" or "backlash", or any name where `weight` is given.
        weight: the edge's own length; None takes the kind's.
    """

    a: str
    b: str
    kind: str = "primary"
    weight: float | None = None

    def __post_init__(self) -> None:
        if self.weight is not None and not is_length(self.weight):
            raise GenrelabError(
                f"taxonomy: the link {self.a}-{self.b} has the length {self.weight!r} (use a finite number above 0)"
            )


@dataclass(frozen=True)
class Taxonomy:
    """Genres as places on a graph.

    The graph's nodes are genres (by code), other places that links name, supergenres (`supergenre:<code>`) and
    clusters (`cluster:<name>`). `subset` takes genres away from the classes, never from the graph.

    Args:
        name: "musicmap".
        source: where the facts come from, for reports.
        genres: codes of the classes, ordered.
        titles: their names, in the same order.
        supergenre_of: their supergenres' codes, in the same order.
        supergenres: title by code, ordered.
        clusters: codes of supergenres by cluster.
        links: of the whole graph.
        weights: lengths of edges, where no others are asked for.
        members: supergenre by genre code, over the whole graph.
        node_titles: name by genre code, over the whole graph.
        flat: every two genres lie at distance 1, whatever the links.
        descriptions: a sentence or two by genre code, over the whole graph; not every genre has one.

    Raises:
        GenrelabError: codes stand twice, or lists of different lengths.
    """

    name: str
    source: str
    genres: tuple[str, ...]
    titles: tuple[str, ...]
    supergenre_of: tuple[str, ...]
    supergenres: Mapping[str, str]
    clusters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    weights: EdgeWeights = field(default_factory=EdgeWeights)
    members: Mapping[str, str] = field(default_factory=dict)
    node_titles: Mapping[str, str] = field(default_factory=dict)
    flat: bool = False
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = (self.name, *self.genres, *self.titles, *self.supergenres, *self.supergenres.values(), *self.clusters)
        if odd := [name for name in (*names, *self.node_titles.values()) if not is_one_line(name)]:
            raise GenrelabError(
                f"taxonomy {printable(str(self.name))}: the name {odd[0]!r} is not one line of text "
                "(take out line breaks and control characters)"
            )
        if len(set(self.genres)) < len(self.genres):
            twice = next(code for code in self.genres if self.genres.count(code) > 1)
            raise GenrelabError(f"taxonomy {self.name}: the genre {twice!r} stands twice; codes are unique")
        if not len(self.genres) == len(self.titles) == len(self.supergenre_of):
            raise GenrelabError(f"taxonomy {self.name}: {len(self.genres)} genres, but {len(self.titles)} titles")
        if missing := sorted(set(self.supergenre_of) - set(self.supergenres)):
            hint = suggest(missing[0], self.supergenres)
            raise GenrelabError(f"taxonomy {self.name}: the supergenre {missing[0]!r} is not listed{hint}")
        if not self.members:
            object.__setattr__(self, "members", dict(zip(self.genres, self.supergenre_of, strict=True)))
        if not self.node_titles:
            object.__setattr__(self, "node_titles", dict(zip(self.genres, self.titles, strict=True)))

    def __len__(self) -> int:
        return len(self.genres)

    @property
    def hash(self) -> str:
        """Hash of the ordered genre codes, which store, checkpoint and run record compare on loading."""
        return fingerprint(list(self.genres))

    @property
    def fingerprint(self) -> str:
        """Hash of all that a run depends on, which it compares before it is resumed: not what only people read."""
        return fingerprint({name: value for name, value in self.to_dict().items() if name != "descriptions"})

    def index(self, code: str) -> int:
        """Place of a genre among the classes. Raises UnknownGenre."""
        try:
            return self.genres.index(code)
        except ValueError:
            raise UnknownGenre(f"{code!r} is no genre of {self.name}{suggest(code, self.genres)}") from None

    def resolve(self, text: str) -> str:
        """Code of a genre named by code, title, or one of the names that its title joins.

        Case, accents, punctuation and spaces do not count, nor does how "and" is written; brackets of titles are
        optional. A surer match hides the less sure: see `names_of`.

        Raises:
            UnknownGenre: no genre, or more than one, is so named; the message suggests.
        """
        if text in self.genres:
            return text
        wanted = key(text)
        tiers = [
            (frozenset({key(code)}), *names_of(title)) for code, title in zip(self.genres, self.titles, strict=True)
        ]
        for tier in zip(*tiers, strict=True):
            found = [code for code, names in zip(self.genres, tier, strict=True) if wanted in names]
            if len(found) == 1:
                return found[0]
            if found:
                raise UnknownGenre(f"{text!r} (that names {', '.join(found)} of {self.name}; use the code)")
        for supergenre, title in self.supergenres.items():
            inside = [t for t, s in zip(self.titles, self.supergenre_of, strict=True) if s == supergenre]
            if inside and wanted in (key(supergenre), key(title)):
                some = ", ".join(repr(name) for name in inside[:3])
                raise UnknownGenre(f"{text!r} (a supergenre; name one of its {len(inside)} genres, such as {some})")
        names = {fold(code): code for code in self.genres}
        names |= {name: title for title in self.titles for name in spellings(title)}
        hint = nearest(fold(text), names)
        if not hint and len(self) <= FEW:
            hint = f"; there is: {', '.join(self.titles)}"
        raise UnknownGenre(f"{text!r}{hint}")

    def subset(self, codes: Collection[str]) -> Taxonomy:
        """Fewer classes, in this taxonomy's order; the graph stays whole. Raises UnknownGenre."""
        for code in codes:
            self.index(code)
        keep = [number for number, code in enumerate(self.genres) if code in set(codes)]
        return replace(
            self,
            genres=tuple(self.genres[i] for i in keep),
            titles=tuple(self.titles[i] for i in keep),
            supergenre_of=tuple(self.supergenre_of[i] for i in keep),
        )

    def edges(self, weights: EdgeWeights | None = None) -> dict[tuple[str, str], tuple[float, str]]:
        """Length and kind of the whole graph's edges, each once; between two nodes the shortest counts."""
        weights = weights or self.weights
        found: dict[tuple[str, str], tuple[float, str]] = {}

        def add(a: str, b: str, weight: float, kind: str) -> None:
            ends = (b, a) if (b, a) in found else (a, b)
            if a != b and (ends not in found or weight < found[ends][0]):
                found[ends] = (float(weight), kind)

        if self.flat:  # a star: 0.5 to the middle and 0.5 on
            for code in self.members:
                add(code, "cluster:all", 0.5, "flat")
            return found
        for link in self.links:
            add(link.a, link.b, self._length(link, weights), link.kind)
        for code, supergenre in self.members.items():
            world = weights.world_supergenre if supergenre.startswith("wo") else None
            add(code, f"supergenre:{supergenre}", world or weights.supergenre, "supergenre")
        for cluster, codes in self.clusters.items():
            for supergenre in codes:
                add(f"supergenre:{supergenre}", f"cluster:{cluster}", weights.cluster, "cluster")
        return found

    def graph(self, weights: EdgeWeights | None = None) -> nx.Graph[str]:
        """The whole graph; each edge has `weight` and `kind`."""
        import networkx as nx

        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from(self.members)
        for (a, b), (weight, kind) in self.edges(weights).items():
            graph.add_edge(a, b, weight=weight, kind=kind)
        return graph

    def distances(self, weights: EdgeWeights | None = None) -> np.ndarray:
        """Shortest paths between the classes over the whole graph.

        Args:
            weights: lengths of edges; the taxonomy's own by default.

        Returns:
            `[C, C]` float32 in edge units, symmetric, zero on the diagonal, inf where there is no path.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import dijkstra

        edges = self.edges(weights)
        nodes = {node: n for n, node in enumerate(dict.fromkeys((*self.members, *(e for ends in edges for e in ends))))}
        rows, columns = ([nodes[ends[side]] for ends in edges] for side in (0, 1))
        lengths = [weight for weight, _ in edges.values()]
        matrix = csr_array((lengths, (rows, columns)), shape=(len(nodes), len(nodes)), dtype=np.float64)
        wanted = [nodes[code] for code in self.genres]
        found: np.ndarray = dijkstra(matrix, directed=False, indices=wanted)[:, wanted].astype(np.float32)
        return found

    def path(self, a: str, b: str, weights: EdgeWeights | None = None) -> list[str]:
        """Nodes of a shortest path between two genres, both included. Raises GenrelabError where there is none."""
        import networkx as nx

        self.index(a), self.index(b)
        try:
            return [str(node) for node in nx.shortest_path(self.graph(weights), a, b, weight="weight")]
        except nx.NetworkXNoPath:
            raise GenrelabError(f"taxonomy {self.name}: no path leads from {a} to {b}") from None

    def node_title(self, node: str) -> str:
        """What people read for a node of the graph."""
        kind, _, code = node.rpartition(":")
        if kind == "supergenre":
            return f"{self.supergenres.get(code, code)} (supergenre)"
        if kind == "cluster":
            return f"{code.replace('_', ' ')} (cluster)"
        return self.node_titles.get(node, node)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for checkpoint and run folder."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        lists = {name: list(plain[name]) for name in ("genres", "titles", "supergenre_of")}
        maps = {name: dict(plain[name]) for name in ("supergenres", "members", "node_titles", "descriptions")}
        return (plain | lists | maps) | {
            "clusters": {name: list(codes) for name, codes in self.clusters.items()},
            "links": [[link.a, link.b, link.kind, link.weight] for link in self.links],
            "weights": asdict(self.weights),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Taxonomy:
        """Inverse of `to_dict`. Raises GenrelabError where it is not such data."""
        try:
            made = dict(data) | {
                **{name: tuple(data[name]) for name in ("genres", "titles", "supergenre_of")},
                "clusters": {name: tuple(codes) for name, codes in data["clusters"].items()},
                "links": tuple(Link(*link) for link in data["links"]),
                "weights": EdgeWeights(**data["weights"]),
            }
            return cls(**made)
        except (KeyError, TypeError, AttributeError) as error:
            raise GenrelabError(f"not a taxonomy's data ({error})") from error

    def _length(self, link: Link, weights: EdgeWeights) -> float:
        if link.weight is not None:
            return link.weight
        if weights.utility_genre is not None and "uti" in (self.members.get(link.a), self.members.get(link.b)):
            return weights.utility_genre
        if link.kind not in ("primary", "secondary", "backlash"):
            raise GenrelabError(
                f"taxonomy {self.name}: the link {link.a}-{link.b} of kind {link.kind!r} needs a weight"
            )
        return float(getattr(weights, link.kind))

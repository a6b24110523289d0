"""Mistakes as flows along the genre graph: each takes the shortest path from the truth to the answer."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup, escape

from genrelab.evaluation.report.svg import svg_document, text
from genrelab.runs.run_dir import RunDir
from genrelab.taxonomy.graph_layout import separate_labels, shorten_title, stress_layout

Edge = tuple[str, str]
PAIRS = 5  # most confused, highlighted
HALO = ' style="paint-order:stroke;stroke:var(--paper);stroke-width:3px"'  # keeps text apart from edges
LABELLED = 70  # genres, at most; of more those with the most mistakes


@dataclass(frozen=True)
class ConfusedPair:
    """Two genres taken for one another: codes, tracks there and back, the path between them."""

    genres: Edge
    count: int
    reverse_count: int
    path: tuple[str, ...]


@dataclass(frozen=True)
class ErrorFlows:
    """Mistakes on the graph.

    Args:
        edges: undirected edge -> mistakes whose path takes it.
        pairs: most confused first, those confused more than once alone.
        nodes: genres, then the places between them that mistakes pass.
        n_unreachable: mistakes between genres that no path joins.
    """

    edges: dict[Edge, int]
    pairs: tuple[ConfusedPair, ...]
    nodes: tuple[str, ...]
    n_unreachable: int


def compute_error_flows(run: RunDir, confusion: np.ndarray) -> ErrorFlows:
    """Send the mistakes of a confusion matrix `[C, C]` (rows the truth) along shortest paths.

    Of several shortest paths one is taken, the same there and back.
    """
    import networkx as nx

    graph, genres = run.taxonomy.graph(), run.taxonomy.genres
    edges: Counter[Edge] = Counter()
    pairs, n_unreachable = [], 0
    for a, b in zip(*np.nonzero(np.triu(confusion + confusion.T, 1)), strict=True):
        there, back = int(confusion[a, b]), int(confusion[b, a])
        if not np.isfinite(run.distances[a, b]):
            n_unreachable += there + back
            continue
        first, last = (a, b) if there >= back else (b, a)
        path = tuple(nx.shortest_path(graph, genres[first], genres[last], weight="weight"))
        edges.update({undirected_edge(*step): there + back for step in pairwise(path)})
        pairs.append(ConfusedPair((genres[first], genres[last]), max(there, back), min(there, back), path))
    pairs.sort(key=lambda pair: -(pair.count + pair.reverse_count))
    between = sorted({node for edge in edges for node in edge} - set(genres))
    often = tuple(pair for pair in pairs if pair.count + pair.reverse_count > 1)
    return ErrorFlows(dict(edges), often, (*genres, *between), n_unreachable)


def undirected_edge(a: str, b: str) -> Edge:
    """An edge without direction."""
    return (a, b) if a < b else (b, a)


def error_flow_plot(run: RunDir, confusion: np.ndarray) -> Markup | None:
    """The graph of the genres with its mistakes; None where nothing is wrong, or all genres are equally far apart."""
    found = compute_error_flows(run, confusion)
    if run.taxonomy.flat or not found.edges:
        return None
    at = _places(run, found, confusion)
    width = max(x for x, _ in at.values()) + 90
    height = max(y for _, y in at.values()) + 34
    parts = [*_lines(run, found, at), *_highlights(run, found, at), *_nodes(run, found, confusion, at)]
    return svg_document(width, height, parts, "mistakes along the genre graph", least=min(int(width), 720))


def _places(run: RunDir, found: ErrorFlows, confusion: np.ndarray) -> dict[str, tuple[float, float]]:
    """Node -> x, y in a picture that its labels fit."""
    import networkx as nx
    from scipy.sparse.csgraph import dijkstra

    graph = run.taxonomy.graph()
    order = {node: number for number, node in enumerate(graph)}
    index = [order[node] for node in found.nodes]
    sparse = nx.to_scipy_sparse_array(graph, format="csr")
    xy = stress_layout(dijkstra(sparse, directed=False, indices=index)[:, index])
    labels = [_label(run, node) for node in found.nodes]
    boxes = np.array([[7.2 * max(len(label), 4) + 12, 40.0] for label in labels])  # of strong text
    xy = separate_labels(xy, boxes)
    xy -= xy.min(axis=0) - [90, 24]
    return {node: (float(x), float(y)) for node, (x, y) in zip(found.nodes, xy, strict=True)}


def _label(run: RunDir, node: str) -> str:
    return shorten_title(run.taxonomy.node_title(node).removesuffix(" (supergenre)").removesuffix(" (cluster)"))


def _lines(run: RunDir, found: ErrorFlows, at: dict[str, tuple[float, float]]) -> list[str]:
    """Edges between what is drawn, faint; above them the flows, as wide as their share of the mistakes."""
    faint = [
        f'<path d="{_route((a, b), at)}" class="line"/>'
        for a, b in run.taxonomy.edges()
        if a in at and b in at and undirected_edge(a, b) not in found.edges
    ]
    most = max(found.edges.values())
    flows = []
    for (a, b), count in sorted(found.edges.items(), key=lambda item: item[1]):
        tip = f"{_label(run, a)} to {_label(run, b)}: {count} mistake{'s' if count > 1 else ''} pass"
        style = f"stroke-width:{1 + 11 * math.sqrt(count / most):.1f};opacity:{0.25 + 0.35 * count / most:.2f}"
        flows.append(
            f'<path d="{_route((a, b), at)}" class="curve accent" style="{style}"><title>{escape(tip)}</title></path>'
        )
    return [*faint, *flows]


def _highlights(run: RunDir, found: ErrorFlows, at: dict[str, tuple[float, float]]) -> list[str]:
    """The most confused pairs, their paths dashed and numbered at the genres that were taken for others."""
    parts = []
    for number, pair in enumerate(found.pairs[:PAIRS], start=1):
        a, b = (_label(run, genre) for genre in pair.genres)
        tip = f"{number}. {a} taken for {b}: {pair.count}" + (
            f", and back: {pair.reverse_count}" if pair.reverse_count else ""
        )
        route = _route(pair.path, at)
        style = "stroke-width:2.4;stroke-dasharray:7 4"
        parts.append(f'<path d="{route}" class="curve second" style="{style}"><title>{escape(tip)}</title></path>')
    return parts


def _route(nodes: tuple[str, ...], at: dict[str, tuple[float, float]]) -> str:
    return "M" + "L".join(f"{at[node][0]:.1f} {at[node][1]:.1f}" for node in nodes)


def _nodes(run: RunDir, found: ErrorFlows, confusion: np.ndarray, at: dict[str, tuple[float, float]]) -> list[str]:
    """Genres as discs as large as their tracks, filled as far as they are right; places between them as rings."""
    tracks, right = confusion.sum(axis=1), np.diagonal(confusion)
    wrong = tracks - right + confusion.sum(axis=0) - right
    named = set(np.argsort(-wrong, kind="stable")[:LABELLED])
    strong = {genre for pair in found.pairs[:PAIRS] for genre in pair.genres}
    most = max(int(tracks.max()), 1)
    parts = []
    for number, genre in enumerate(run.taxonomy.genres):
        (x, y), radius = at[genre], 3 + 7 * math.sqrt(tracks[number] / most)
        share = right[number] / tracks[number] if tracks[number] else 0.0
        tip = f"{run.taxonomy.titles[number]}: {right[number]} of {tracks[number]} right"
        disc = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
        inner = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius * math.sqrt(share):.1f}" class="right through"/>'
        parts.append(f'{disc} class="wrong"><title>{escape(tip)}</title></circle>{inner}')
        if number in named:
            style = "ink strong" if genre in strong else "ink"
            parts.append(text(x, y + radius + 12, _label(run, genre), style, "middle", HALO))
    for node in found.nodes[len(run.taxonomy.genres) :]:
        x, y = at[node]
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="dot quiet"/>')
        parts.append(text(x, y + 15, _label(run, node), "muted", "middle", HALO))
    return parts


def confused_pair_sentences(run: RunDir, confusion: np.ndarray) -> list[str]:
    """The highlighted pairs in words: "Cool Jazz taken for Bebop 7 times, 2 times the other way round"."""
    sentences = []
    for pair in compute_error_flows(run, confusion).pairs[:PAIRS]:
        a, b = (run.taxonomy.node_title(genre) for genre in pair.genres)
        back = f", {pair.reverse_count} the other way round" if pair.reverse_count else ""
        sentences.append(f"{a} taken for {b}: {pair.count} track{'s' if pair.count > 1 else ''}{back}")
    return sentences

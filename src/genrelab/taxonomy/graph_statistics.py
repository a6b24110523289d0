"""What a taxonomy's distances look like: counts, extent, middle, hubs, nearest neighbors."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from genrelab.taxonomy.taxonomy import EdgeWeights, Taxonomy


def graph_statistics(taxonomy: Taxonomy, weights: EdgeWeights | None = None, hubs: int = 8) -> dict[str, Any]:
    """Statistics of classes, graph and distances as plain JSON data.

    The medoid is the class with the smallest mean distance to the others it can reach, among those that reach
    the most. Hubs are the classes with the most links (supergenre and cluster edges aside).

    Args:
        taxonomy: any; its classes may be fewer than its graph's genres.
        weights: lengths of edges; the taxonomy's own by default.
        hubs: how many hubs to name.

    Returns:
        `genres`, `supergenres`, `clusters`, `nodes`, `links` (by kind), `edges` (by kind, after joining doubles),
        `components`, `unreachable_pairs`, `diameter`, `farthest`, `mean_distance`, `medoid`, `remotest`, `hubs`,
        and what answering without listening costs where all genres are equally frequent, in mean distance to the
        true genre, right answers included: `constant_answer` (always the best one), `random_answer`. Distances
        are in edge units, null where no pair is joined; the last two where any pair is not.
    """
    import networkx as nx

    graph = taxonomy.graph(weights)
    distances = taxonomy.distances(weights)
    n = len(taxonomy)
    pairs = np.triu_indices(n, 1)
    between = distances[pairs]
    joined = np.isfinite(between)
    found: dict[str, Any] = {
        "name": taxonomy.name,
        "source": taxonomy.source,
        "hash": taxonomy.hash,
        "genres": n,
        "supergenres": len(set(taxonomy.supergenre_of)),
        "clusters": len(taxonomy.clusters),
        "nodes": graph.number_of_nodes(),
        "links": dict(Counter(link.kind for link in taxonomy.links)),
        "edges": dict(Counter(str(edge["kind"]) for _, _, edge in graph.edges(data=True))),
        "components": nx.number_connected_components(graph),
        "unreachable_pairs": int((~joined).sum()),
        "diameter": None,
        "farthest": None,
        "mean_distance": None,
        "hubs": _hubs(taxonomy, hubs),
        "constant_answer": None,
        "random_answer": None,
    }
    if joined.all() and n:
        found["constant_answer"] = float(distances.mean(axis=1, dtype=np.float64).min())
        found["random_answer"] = float(distances.mean(dtype=np.float64))
    if joined.any():
        far = int(np.argmax(np.where(joined, between, -1)))
        found["diameter"] = float(between[far])
        found["farthest"] = [taxonomy.genres[pairs[0][far]], taxonomy.genres[pairs[1][far]]]
        found["mean_distance"] = float(between[joined].mean(dtype=np.float64))
    return found | _middle(taxonomy, distances)


def nearest_genres(
    taxonomy: Taxonomy, genre: str, k: int = 10, weights: EdgeWeights | None = None
) -> list[tuple[str, float]]:
    """The `k` classes nearest to a genre, nearest first, in the taxonomy's order where equally near.

    Args:
        taxonomy: any.
        genre: a code or title.
        k: how many at most; classes that cannot be reached are left out.
        weights: lengths of edges; the taxonomy's own by default.

    Returns:
        Codes with their distances.

    Raises:
        UnknownGenre: no such genre.
    """
    code = taxonomy.resolve(genre)
    here = taxonomy.index(code)
    row = taxonomy.distances(weights)[here]
    order = [i for i in np.argsort(row, kind="stable") if i != here and np.isfinite(row[i])]
    return [(taxonomy.genres[i], float(row[i])) for i in order[:k]]


def link_counts(taxonomy: Taxonomy) -> dict[str, int]:
    """Number of distinct nodes that each node of the graph is linked with; nodes without links are left out."""
    ends: dict[str, set[str]] = {}
    for link in taxonomy.links:
        if link.a != link.b:
            ends.setdefault(link.a, set()).add(link.b)
            ends.setdefault(link.b, set()).add(link.a)
    return {node: len(others) for node, others in ends.items()}


def _hubs(taxonomy: Taxonomy, count: int) -> list[dict[str, Any]]:
    links = link_counts(taxonomy)
    most = sorted((code for code in taxonomy.genres if links.get(code)), key=lambda code: -links[code])
    return [{"code": code, "title": taxonomy.node_title(code), "links": links[code]} for code in most[:count]]


def _middle(taxonomy: Taxonomy, distances: np.ndarray) -> dict[str, Any]:
    others = np.isfinite(distances) & ~np.eye(len(taxonomy), dtype=bool)
    reach = others.sum(axis=1)
    if not reach.any():
        return {"medoid": None, "remotest": None}
    sums = np.where(others, distances, 0).sum(axis=1, dtype=np.float64)
    means = np.where(reach == reach.max(), sums / np.maximum(reach, 1), np.nan)

    def entry(i: int) -> dict[str, Any]:
        return {"code": taxonomy.genres[i], "title": taxonomy.titles[i], "mean_distance": float(means[i])}

    return {"medoid": entry(int(np.nanargmin(means))), "remotest": entry(int(np.nanargmax(means)))}

"""Where a taxonomy's nodes lie in a picture, and in which colors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genrelab.taxonomy.taxonomy import Taxonomy

LABEL = 30  # characters of a title in the picture, at most
_WIDTH, _HEIGHT = 5.6, 24.0  # of a character and of a label with its dot, in picture units
_TOGETHER = 0.45  # how much nearer than their distance two genres of one supergenre are drawn


@dataclass(frozen=True)
class Layout:
    """A drawn taxonomy.

    Args:
        nodes: codes of genres and of other places that links name.
        xy: `[N, 2]` centers in picture units, y downwards.
        labels: short titles, in the same order.
        colors: "#rrggbb" by supergenre code.
        groups: where to write a supergenre's title, by code; none for one of less than four genres.
    """

    nodes: tuple[str, ...]
    xy: np.ndarray
    labels: tuple[str, ...]
    colors: dict[str, str]
    groups: dict[str, tuple[float, float]]


def make_layout(taxonomy: Taxonomy) -> Layout:
    """Place all genres so that distances in the picture follow distances on the graph, then part their labels.

    Stress majorisation (SMACOF, de Leeuw 1977) from classical scaling, weighted by the inverse square of the
    distance; genres of one supergenre are drawn together. Deterministic.
    """
    drawn = dict.fromkeys((*taxonomy.genres, *taxonomy.members))
    drawn |= dict.fromkeys(end for link in taxonomy.links for end in (link.a, link.b) if ":" not in end)
    nodes = tuple(drawn)
    labels = tuple(shorten_title(taxonomy.node_titles.get(node, "")) for node in nodes)
    wanted = _wanted(taxonomy, nodes)
    xy = stress_layout(wanted)
    xy = separate_labels(xy, np.array([[max(len(label), 2) * _WIDTH + 8, _HEIGHT] for label in labels]))
    members: dict[str, list[int]] = {}
    for number, node in enumerate(nodes):
        if group := group_of(taxonomy, node):
            members.setdefault(group, []).append(number)
    middles = {group: np.median(xy[at], axis=0) for group, at in members.items()}
    return Layout(nodes, xy, labels, _colors(middles), _title_places(taxonomy, members, middles))


def stress_layout(wanted: np.ndarray) -> np.ndarray:
    """`[N, 2]` points whose distances follow `wanted` `[N, N]`; what is unreachable lies just beyond the farthest."""
    finite = wanted[np.isfinite(wanted)]
    return _draw_in(_stress(np.where(np.isfinite(wanted), wanted, 1.3 * max(float(finite.max()), 1.0))))


def shorten_title(title: str) -> str:
    """The first name of a title that joins several, cut to `LABEL` characters at a word."""
    for mark in (" (", " / ", " & ", ", ", "/"):
        if len(title) > LABEL - 8 and title.find(mark) > 3:
            title = title[: title.find(mark)]
    if len(title) > LABEL:
        title = title[:LABEL].rsplit(" ", 1)[0] + "…"
    return title.rstrip(" &/,")


def group_of(taxonomy: Taxonomy, node: str) -> str:
    """A node's supergenre code; "" for places that are no genres."""
    if node in taxonomy.genres:
        return taxonomy.supergenre_of[taxonomy.genres.index(node)]
    return taxonomy.members.get(node, "")


def _wanted(taxonomy: Taxonomy, nodes: tuple[str, ...]) -> np.ndarray:
    """Distances between all drawn nodes, infinite where there is no path, supergenres drawn together."""
    import networkx as nx
    from scipy.sparse.csgraph import dijkstra

    graph = taxonomy.graph()
    graph.add_nodes_from(nodes)
    place = {node: number for number, node in enumerate(graph)}
    at = [place[node] for node in nodes]
    wanted: np.ndarray = dijkstra(nx.to_scipy_sparse_array(graph, format="csr"), directed=False, indices=at)[:, at]
    groups = np.array([group_of(taxonomy, node) or f":{node}" for node in nodes])
    wanted[groups[:, None] == groups[None, :]] *= _TOGETHER
    return wanted


def _stress(wanted: np.ndarray, steps: int = 150) -> np.ndarray:
    n = len(wanted)
    if n == 1:
        return np.zeros((1, 2))
    middle = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * middle @ wanted**2 @ middle)
    xy: np.ndarray = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 1e-6))
    # Coinciding points would never part; a golden spiral tells them apart, the same in every run.
    angle = np.arange(n) * math.pi * (3 - math.sqrt(5))
    xy = xy + 0.05 * np.sqrt(np.arange(n) / n)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pull = 1 / np.maximum(wanted, 0.3) ** 2
    np.fill_diagonal(pull, 0)
    inverse: np.ndarray = np.linalg.pinv(np.diag(pull.sum(axis=1)) - pull)
    for _ in range(steps):
        gaps = np.hypot(*(xy.T[:, :, None] - xy.T[:, None, :]))
        b = -pull * wanted / np.maximum(gaps, 1e-9)
        np.fill_diagonal(b, 0)
        np.fill_diagonal(b, -b.sum(axis=1))
        xy = inverse @ (b @ xy)
    centered: np.ndarray = xy - xy.mean(axis=0)
    return centered


def _draw_in(xy: np.ndarray) -> np.ndarray:
    """Bring far-off points nearer, so that a few of them do not shrink the rest of the picture."""
    radius = np.linalg.norm(xy, axis=1, keepdims=True)
    near = np.quantile(radius, 0.85)
    drawn_in = np.minimum(radius, near + 0.4 * (radius - near)) if near > 0 else radius
    placed: np.ndarray = xy * (drawn_in / np.maximum(radius, 1e-9))
    return placed


def separate_labels(xy: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Scale to the labels' size, part overlapping labels, and put the middle at the origin."""
    area = math.sqrt(boxes.prod(axis=1).sum())
    xy = _push(xy * (np.array([1.45, 1.0]) * area * 0.3 / (xy.std(axis=0) + 1e-9)), boxes)
    centered: np.ndarray = xy - (xy.min(axis=0) + xy.max(axis=0)) / 2
    return centered


def _push(xy: np.ndarray, boxes: np.ndarray, steps: int = 800) -> np.ndarray:
    """Push overlapping boxes apart, each time along the shorter way; spread all a little where it stays tight."""
    xy = xy.copy()
    first, second = np.triu_indices(len(xy), 1)
    need = (boxes[first] + boxes[second]) / 2
    for step in range(1, steps + 1):
        delta = xy[first] - xy[second]
        over = need - np.abs(delta)
        hit = np.flatnonzero((over > 0.01).all(axis=1))
        if not len(hit):
            break
        axis = np.argmin(over[hit], axis=1)
        away = np.where(delta[hit, axis] < 0, -1.0, 1.0) * (0.35 * over[hit, axis] + 0.1)
        np.add.at(xy, (first[hit], axis), away)
        np.add.at(xy, (second[hit], axis), -away)
        if step % 50 == 0:
            xy *= 1.03
    return xy


def _title_places(
    taxonomy: Taxonomy, members: dict[str, list[int]], middles: dict[str, np.ndarray]
) -> dict[str, tuple[float, float]]:
    codes = [code for code, at in members.items() if len(at) > 3]
    if not codes:
        return {}
    boxes = np.array([[19.0 * len(taxonomy.supergenres.get(code, code)), 38.0] for code in codes])
    xy = _push(np.stack([middles[code] for code in codes]), boxes)
    return {code: (float(x), float(y)) for code, (x, y) in zip(codes, xy, strict=True)}


def _colors(middles: dict[str, np.ndarray]) -> dict[str, str]:
    """A hue for each supergenre by its direction from the middle; neighbors differ in lightness."""
    turn = sorted(middles, key=lambda group: math.atan2(middles[group][1], middles[group][0]))
    tones = ((0.62, 0.16), (0.52, 0.13), (0.72, 0.14))
    return {group: oklch(*tones[i % 3], 360 * i / len(turn)) for i, group in enumerate(turn)}


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """sRGB "#rrggbb" of a color in OKLCH (Ottosson 2020), `hue` in degrees; what sRGB lacks is clipped."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    brief = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * brief,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * brief,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * brief,
    )
    clipped = [min(max(v, 0.0), 1.0) for v in linear]
    coded = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in clipped]
    return "#" + "".join(f"{round(255 * v):02x}" for v in coded)

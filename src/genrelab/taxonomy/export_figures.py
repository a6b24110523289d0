"""A taxonomy as a PNG and as a page to walk about in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genrelab.taxonomy.graph_layout import Layout, group_of, make_layout
from genrelab.taxonomy.graph_statistics import link_counts
from genrelab.taxonomy.taxonomy import Taxonomy
from genrelab.utils.io import atomic_path, write_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = Path(__file__).parent / "figure.html"
DASHES = {"secondary": (0, (5, 3)), "backlash": (0, (1.2, 2))}
_INK, _FAINT = "#22262e", "#8a909c"


def write_png(taxonomy: Taxonomy, path: str | os.PathLike[str], layout: Layout | None = None) -> None:
    """Draw genres, links and supergenres as one large picture.

    Args:
        taxonomy: any; genres of the graph that are no classes are drawn faintly.
        path: the PNG, replaced in one step.
        layout: of this taxonomy, to be drawn alike elsewhere; made here by default.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    layout = layout or make_layout(taxonomy)
    span = np.ptp(layout.xy, axis=0) + np.array([260.0, 130.0])
    size = np.maximum(span / 95, [5.5, 4.0])
    figure = Figure(figsize=(float(size[0]), float(size[1] + 0.7)))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    middle = (layout.xy.min(axis=0) + layout.xy.max(axis=0)) / 2
    axes.set_xlim(middle[0] - span[0] / 2, middle[0] + span[0] / 2)
    axes.set_ylim(middle[1] + span[1] / 2, middle[1] - span[1] / 2 - 67)
    axes.axis("off")
    _draw_links(axes, taxonomy, layout)
    _draw_groups(axes, taxonomy, layout)
    _draw_genres(axes, taxonomy, layout)
    _draw_head(axes, taxonomy)
    _draw_legend(axes, taxonomy)
    with atomic_path(path) as part:
        figure.savefig(part, dpi=120, facecolor="white")


def _draw_links(axes: Axes, taxonomy: Taxonomy, layout: Layout) -> None:
    from matplotlib.collections import LineCollection

    at = dict(zip(layout.nodes, layout.xy - [0, 4], strict=True))  # dots lie above their labels
    for kind in dict.fromkeys(link.kind for link in taxonomy.links):
        ends = [link for link in taxonomy.links if link.kind == kind and link.a in at and link.b in at]
        lines = [np.stack([at[link.a], at[link.b]]) for link in ends]
        colors = [layout.colors.get(group_of(taxonomy, link.a), _FAINT) for link in ends]
        placed = kind == "placed"
        axes.add_collection(
            LineCollection(
                lines,
                colors=_INK if placed else "#c8323c" if kind == "backlash" else colors,
                linewidths=1.6 if placed else {"primary": 1.1}.get(kind, 0.8),
                linestyles=DASHES.get(kind, "solid"),
                alpha=0.7 if placed else 0.38,
                zorder=1,
            )
        )


def _draw_groups(axes: Axes, taxonomy: Taxonomy, layout: Layout) -> None:
    for code, place in layout.groups.items():
        axes.text(
            *place, taxonomy.supergenres.get(code, code).upper(), color=layout.colors[code], alpha=0.3,
            fontsize=21, weight="bold", ha="center", va="center", zorder=2,
        )  # fmt: skip


def _draw_genres(axes: Axes, taxonomy: Taxonomy, layout: Layout) -> None:
    from matplotlib.patheffects import withStroke

    classes, links = set(taxonomy.genres), link_counts(taxonomy)
    fewer = len(classes) < len(layout.nodes) - 3
    for node, label, (x, y) in zip(layout.nodes, layout.labels, layout.xy, strict=True):
        group = group_of(taxonomy, node)
        color = layout.colors.get(group, _FAINT)
        strong = node in classes
        size = 22 + 5 * min(links.get(node, 0), 24) + (120 if strong and fewer else 0)
        axes.scatter(
            x, y - 4, s=size if group else 14, color=color, marker="o" if group else "D",
            edgecolors="white", linewidths=0.8, alpha=1 if strong else 0.55, zorder=3,
        )  # fmt: skip
        axes.text(
            x, y + 2 + 0.35 * size**0.5, label, fontsize=11 if strong and fewer else 7.4, ha="center", va="top",
            color=_INK if strong else _FAINT, weight="bold" if strong and fewer else "normal",
            zorder=5 if strong and fewer else 4, path_effects=[withStroke(linewidth=1.8, foreground="white")],
        )  # fmt: skip


def _draw_head(axes: Axes, taxonomy: Taxonomy) -> None:
    kinds = [link.kind for link in taxonomy.links]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    lines = {
        -16: (f"{taxonomy.name}: {len(taxonomy)} genres", 17, _INK),
        -42: (taxonomy.source, 9, _FAINT),
        -55: (f"links: {counted or 'none'}", 9, _FAINT),
    }
    for down, (text, size, color) in lines.items():
        axes.annotate(
            text, (0, 1), (18, down), xycoords="axes fraction", textcoords="offset points",
            fontsize=size, color=color, va="top",
        )  # fmt: skip


def _draw_legend(axes: Axes, taxonomy: Taxonomy) -> None:
    """What lines and dots mean."""
    from matplotlib.lines import Line2D

    def line(kind: str) -> Line2D:
        color = _INK if kind == "placed" else "#c8323c" if kind == "backlash" else _FAINT
        return Line2D([], [], color=color, linestyle=DASHES.get(kind, "solid"), linewidth=1.8, label=f"{kind} link")

    kinds = dict.fromkeys(link.kind for link in taxonomy.links)
    dot = Line2D([], [], color=_FAINT, marker="o", linestyle="", markersize=9, label="genre: larger with more links")
    axes.legend(handles=[*map(line, kinds), dot], loc="lower left", frameon=False, fontsize=11, labelcolor=_INK)


def write_html(taxonomy: Taxonomy, path: str | os.PathLike[str], layout: Layout | None = None) -> None:
    """Write a self-contained page: pan, zoom, search, neighbors, paths and distances. It asks no network.

    Args:
        taxonomy: any; genres of the graph that are no classes are drawn faintly.
        path: the page, replaced in one step.
        layout: of this taxonomy; made here by default.
    """
    write_text(path, page_text(taxonomy, layout))


def page_text(taxonomy: Taxonomy, layout: Layout | None = None) -> str:
    """The page of `write_html`."""
    data = json.dumps(page_data(taxonomy, layout or make_layout(taxonomy)), ensure_ascii=False, allow_nan=False)
    page = PAGE.read_text(encoding="utf-8")
    title = taxonomy.name.replace("&", "&amp;").replace("<", "&lt;")
    # "</" inside a script would end it, whatever the string it stands in.
    return page.replace("@TITLE@", title).replace("@DATA@", data.replace("</", "<\\/"))


def page_data(taxonomy: Taxonomy, layout: Layout) -> dict[str, Any]:
    """What the page knows: drawn nodes, every edge of the graph (the page finds shortest paths by itself), colors."""
    classes, links = set(taxonomy.genres), link_counts(taxonomy)
    nodes = [
        {
            "id": node,
            "title": taxonomy.node_title(node),
            "text": taxonomy.descriptions.get(node, ""),
            "label": label,
            "x": round(float(x), 1),
            "y": round(float(y), 1),
            "group": group_of(taxonomy, node),
            "genre": node in classes,
            "links": links.get(node, 0),
        }
        for node, label, (x, y) in zip(layout.nodes, layout.labels, layout.xy, strict=True)
    ]
    graph = taxonomy.graph()
    hidden = [{"id": node, "title": taxonomy.node_title(node)} for node in graph if node not in set(layout.nodes)]
    kinds = {(link.a, link.b) for link in taxonomy.links}
    return {
        "name": taxonomy.name,
        "source": taxonomy.source,
        "nodes": nodes,
        "hidden": hidden,
        # Links first as they are directed: from the older genre to the younger.
        "edges": [
            [*((a, b) if (a, b) in kinds else (b, a)), edge["weight"], edge["kind"]]
            for a, b, edge in graph.edges(data=True)
        ],
        "groups": [
            {
                "code": code,
                "title": taxonomy.supergenres.get(code, code),
                "color": color,
                "xy": [round(v, 1) for v in layout.groups[code]] if code in layout.groups else None,
            }
            for code, color in layout.colors.items()
        ],
    }

"""What `genrelab tools plot-taxonomy` prints and writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrelab.taxonomy.export_figures import write_html, write_png
from genrelab.taxonomy.graph_layout import make_layout
from genrelab.taxonomy.graph_statistics import graph_statistics, nearest_genres
from genrelab.taxonomy.taxonomy import Taxonomy, UnknownGenre
from genrelab.utils.io import atomic_path, write_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show_graph(
    taxonomy: Taxonomy, genre: str | None, out: Path | str, k: int = 10, console: Console | None = None
) -> list[Path]:
    """Print a taxonomy's statistics and a genre's nearest neighbors; write pictures and distances.

    Args:
        taxonomy: any.
        genre: code or title of the genre whose neighbors are shown; None: the medoid's.
        out: folder; gets graph.html, graph.png, graph.json (statistics and the taxonomy's plain data) and
            distances.csv (`[C, C]` with codes as row and column names; "inf" where there is no path).
        k: how many neighbors.
        console: where to print; standard output by default.

    Returns:
        The files written.

    Raises:
        UnknownGenre: before anything is written; the message suggests.
    """
    from rich.console import Console

    console = console or Console()
    found = graph_statistics(taxonomy)
    middle = found["medoid"]["code"] if found["medoid"] else taxonomy.genres[0] if taxonomy.genres else None
    code = _resolved(taxonomy, genre) if genre is not None else middle
    console.print(_statistics_table(found))
    if code is not None:
        if text := taxonomy.descriptions.get(code):
            console.print(_plain(f"{taxonomy.node_title(code)}: {text}"), highlight=False)
        console.print(_neighbors_table(taxonomy, code, k))
    files = write_graph(taxonomy, out, found)
    for path in files:
        console.print(f"wrote {path}", soft_wrap=True, highlight=False, markup=False)
    return files


def _resolved(taxonomy: Taxonomy, genre: str) -> str:
    try:
        return taxonomy.resolve(genre)
    except UnknownGenre as error:
        raise UnknownGenre(f"taxonomy {taxonomy.name} has no genre {error}") from error


def write_graph(taxonomy: Taxonomy, out: Path | str, found: dict[str, Any] | None = None) -> list[Path]:
    """Write graph.html, graph.png, graph.json and distances.csv into the folder `out`; returns their paths."""
    out = Path(out)
    layout = make_layout(taxonomy)
    write_html(taxonomy, out / "graph.html", layout)
    write_png(taxonomy, out / "graph.png", layout)
    write_json(out / "graph.json", {"statistics": found or graph_statistics(taxonomy), "taxonomy": taxonomy.to_dict()})
    write_distances(taxonomy, out / "distances.csv")
    return [out / name for name in ("graph.html", "graph.png", "graph.json", "distances.csv")]


def write_distances(taxonomy: Taxonomy, path: str | os.PathLike[str]) -> None:
    """Write the distances between classes as CSV: a row and a column for each, named by code."""
    import pandas as pd

    names = list(taxonomy.genres)
    with atomic_path(path) as part:
        frame = pd.DataFrame(taxonomy.distances(), index=pd.Index(names, name="code"), columns=names)
        frame.to_csv(part, float_format="%g", na_rep="", lineterminator="\n")


def _statistics_table(found: dict[str, Any]) -> Table:
    from rich.table import Table

    def counted(noun: str, counts: dict[str, int]) -> str:
        inside = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        return f"{sum(counts.values())} {noun}".strip() + (f": {inside}" if inside else "")

    def near(entry: dict[str, Any] | None) -> str:
        return f"{entry['title']} ({entry['code']}), {entry['mean_distance']:.2f} on average" if entry else "-"

    table = Table(title=f"{found['name']}: {found['source']}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    far = "" if found["farthest"] is None else f" ({' to '.join(found['farthest'])})"
    best, chance = found["constant_answer"], found["random_answer"]
    rows = {
        "genres": f"{found['genres']} in {found['supergenres']} supergenres, {found['clusters']} clusters",
        "links": counted("", found["links"]),
        "graph": f"{found['nodes']} nodes, {counted('edges', found['edges'])}",
        "components": str(found["components"])
        + (f"; {found['unreachable_pairs']} pairs have no path" if found["unreachable_pairs"] else ""),
        "greatest distance": "-" if found["diameter"] is None else f"{found['diameter']:g}{far}",
        "mean distance": "-" if found["mean_distance"] is None else f"{found['mean_distance']:.3f}",
        "without listening": "-" if best is None else f"{best:.2f} off by a constant answer, {chance:.2f} by chance",
        "in the middle": near(found["medoid"]),
        "at the edge": near(found["remotest"]),
        "most links": ", ".join(f"{hub['title']} {hub['links']}" for hub in found["hubs"]) or "-",
    }
    for name, text in rows.items():
        table.add_row(name, _plain(text))
    return table


def _neighbors_table(taxonomy: Taxonomy, code: str, k: int) -> Table:
    from rich.table import Table

    table = Table(title=f"nearest to {_plain(taxonomy.node_title(code))} ({code})", title_justify="left")
    table.add_column("distance", justify="right")
    table.add_column("genre")
    table.add_column("code")
    table.add_column("way")
    for other, distance in nearest_genres(taxonomy, code, k):
        way = " > ".join(taxonomy.node_title(node) for node in taxonomy.path(code, other)[1:-1])
        table.add_row(f"{distance:g}", _plain(taxonomy.node_title(other)), other, _plain(f"over {way}" if way else ""))
    return table


def _plain(text: str) -> str:
    """Titles may hold brackets, which rich would take for markup."""
    from rich.markup import escape

    return escape(text)

"""What a fitted model sees, drawn in a plane (C12), and its clusters, if it makes any (C04, C05)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from genrelab.evaluation.report import svg
from genrelab.metrics.clustering import adjusted_rand, chance_information, mutual_information
from genrelab.runs.run_dir import RunDir
from genrelab.utils.errors import GenrelabError

FILE = "plane.parquet"
COLUMNS = ("split", "track_id", "segment_id", "target", "x", "y", "cluster")
MOST_POINTS = 1500  # that are drawn
MOST_COLORS = 16  # more genres than that are drawn as supergenres


@dataclass(frozen=True)
class PcaProjection:
    """The segments of the headline part in a plane.

    Args:
        points: `[N, 2]` first two principal components of what the model sees.
        target: `[N]` genre.
        prediction: `[N]` genre that was answered.
        cluster: `[N]`; -1 where there are none.
        explained: shares of train's variance along both axes.
    """

    points: np.ndarray
    target: np.ndarray
    prediction: np.ndarray
    cluster: np.ndarray
    explained: tuple[float, float]


def read_projection_table(run: RunDir) -> pd.DataFrame | None:
    """The run's `plane.parquet`; None where it has none.

    Raises:
        GenrelabError: it is damaged.
    """
    path = run.path / FILE
    if not path.exists():
        return None
    try:
        return pd.read_parquet(path, columns=list(COLUMNS))
    except (OSError, ValueError, KeyError) as error:
        raise GenrelabError(f"{path}: unreadable ({str(error).splitlines()[0]})") from error


def load_pca_projection(run: RunDir) -> PcaProjection | None:
    """What is drawn, at most `MOST_POINTS` segments; None where the run has no plane."""
    table = read_projection_table(run)
    if table is None:
        return None
    only = run.predictions.only(run.primary_split)
    predictions = pd.DataFrame(
        {"track_id": only.track_id, "segment_id": only.segment_id, "answer": only.logits.argmax(axis=1)}
    )
    table = table[table["split"] == run.primary_split].merge(predictions, on=["track_id", "segment_id"])
    if len(table) > MOST_POINTS:
        table = table.sample(MOST_POINTS, random_state=0)
    first, second = (run.record.get("plane") or {}).get("explained") or (0.0, 0.0)
    target, prediction, cluster = (table[name].to_numpy() for name in ("target", "answer", "cluster"))
    return PcaProjection(table[["x", "y"]].to_numpy(), target, prediction, cluster, (float(first), float(second)))


def clustering_scores(run: RunDir) -> dict[str, Any] | None:
    """Clusters against genres, plain, for `metrics.json`; None where the run makes no clusters.

    Of a k-fold run they are means over the folds, which have clusters of their own.

    Returns:
        `clusters`, `matching`, `folds`, of each part `segments`, `ari`, `nmi`, `nmi_by_chance`; `table`, empty over
        folds: of each cluster its genre (code), and of the headline's segments how many it has, how many of them are
        of that genre, and its commonest genres.
    """
    if folds := sorted(run.path.glob("fold-*/plane.parquet")):
        return _over_folds([clustering_scores(RunDir.read(path.parent)) for path in folds])
    fitted = (run.record.get("model") or {}).get("fitted") or {}
    table = read_projection_table(run)
    if table is None or "genre_of_cluster" not in fitted:
        return None
    found: dict[str, Any] = {"clusters": fitted["clusters"], "matching": fitted["matching"], "folds": 1}
    for split, rows in table.groupby("split", sort=False):
        cluster, target = rows["cluster"].to_numpy(), rows["target"].to_numpy()
        found[str(split)] = {
            "segments": len(rows),
            "ari": adjusted_rand(cluster, target),
            "nmi": mutual_information(cluster, target),
            "nmi_by_chance": chance_information(cluster, target),
        }
    shown = table[table["split"] == run.primary_split]
    found["table"] = [
        _row(run, number, genre, shown) for number, genre in enumerate(map(int, fitted["genre_of_cluster"]))
    ]
    return found


def _over_folds(folds: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    known = [one for one in folds if one]
    if not known:
        return None
    found = {**{name: known[0][name] for name in ("clusters", "matching")}, "folds": len(known), "table": []}
    for split in ("train", "val", "test"):
        of_part = [one[split] for one in known if split in one]
        means = {name: float(np.mean([one[name] for one in of_part])) for name in ("ari", "nmi", "nmi_by_chance")}
        found[split] = {"segments": sum(one["segments"] for one in of_part), **means}
    return found


def _row(run: RunDir, number: int, genre: int, table: pd.DataFrame) -> dict[str, Any]:
    inside = table.loc[table["cluster"] == number, "target"]
    counts = np.bincount(inside, minlength=len(run.taxonomy.genres))
    commonest = [place for place in np.argsort(-counts, kind="stable")[:3] if counts[place]]
    return {
        "cluster": number,
        "genre": run.taxonomy.genres[genre],
        "segments": len(inside),
        "right": int((inside == genre).sum()),
        "commonest": [[run.taxonomy.genres[place], int(counts[place])] for place in commonest],
    }


@dataclass(frozen=True)
class Legend:
    """Names by color, and which color each genre has."""

    names: tuple[str, ...]
    color_index: np.ndarray

    def color(self, number: int) -> str:
        """A CSS color that reads on light and dark paper; neighbors in the legend lie far apart."""
        hue = 360 * number / len(self.names)
        return f"hsl({hue:.0f} {(70, 48)[number % 2]}% {(46, 58)[number % 2]}%)"


def build_legend(run: RunDir) -> Legend:
    """Genres, or supergenres where there are too many of them to tell by color."""
    if len(run.taxonomy.genres) <= MOST_COLORS:
        return Legend(run.taxonomy.titles, np.arange(len(run.taxonomy.genres)))
    titles = tuple(run.taxonomy.supergenres[code] for code in run.supergenre_codes)
    return Legend(titles, run.supergenres)


def pca_plots(run: RunDir, projection: PcaProjection) -> list[Markup]:
    """The plane by truth and by answer."""
    legend = build_legend(run)
    panels = (
        ("The truth", projection.target, False),
        ("The answers", projection.prediction, bool((projection.cluster >= 0).any())),
    )
    return [_panel(title, projection, legend.color_index[colors], legend, named) for title, colors, named in panels]


def _panel(title: str, projection: PcaProjection, colors: np.ndarray, legend: Legend, clusters: bool) -> Markup:
    """One scatter with its legend; clusters are numbered at their middles."""
    width, side, top, columns = 520.0, 400.0, 30.0, 4
    low, high = projection.points.min(axis=0), projection.points.max(axis=0)
    scale = (np.array([width - 20, side - 20])) / np.maximum(high - low, 1e-9)
    at = (projection.points - low) * scale * [1, -1] + [10, top + side - 10]
    parts = [svg.text(0, 14, title, "ink strong")]
    parts.append(f'<rect x="0" y="{top:.0f}" width="{width:.0f}" height="{side:.0f}" class="field"/>')
    parts += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{legend.color(int(number))}" fill-opacity="0.75"/>'
        for (x, y), number in zip(at, colors, strict=True)
    ]
    if clusters:
        for number in np.unique(projection.cluster):
            x, y = np.median(at[projection.cluster == number], axis=0)
            halo = ' style="paint-order:stroke;stroke:var(--paper);stroke-width:4px"'
            parts.append(svg.text(x, y + 4, f"{number}", "ink strong", "middle", halo))
    rows = -(-len(legend.names) // columns)
    for number, name in enumerate(legend.names):
        u, v = width / columns * (number // rows), top + side + 18 + 17 * (number % rows)
        parts.append(f'<circle cx="{u + 5:.1f}" cy="{v - 4:.1f}" r="4.5" fill="{legend.color(number)}"/>')
        parts.append(svg.text(u + 15, v, name if len(name) <= 17 else f"{name[:16]}…"))
    return svg.svg_document(
        width, top + side + 22 + 17 * rows, parts, f"{title} in the plane of two principal components"
    )


def clustering_sentences(found: dict[str, Any], splits: Sequence[str]) -> list[str]:
    """What a reader must know of the clusters."""
    split = next(one for one in splits if one in found)
    one = found[split]
    rule = {
        "Hungarian": "each genre has one, so that most train segments fall right (the Hungarian method)",
        "majority": "each stands for the genre that most of its train segments have",
    }[found["matching"]]
    over = f", mean over {found['folds']} folds" if found["folds"] > 1 else ""
    return [
        f"{found['clusters']} clusters, found without genres; {rule}.",
        f"Against the genres of {one['segments']} {split} segments: ARI {one['ari']:.3f} (0 by chance), "
        f"NMI {one['nmi']:.3f} ({one['nmi_by_chance']:.3f} by chance){over}.",
    ]

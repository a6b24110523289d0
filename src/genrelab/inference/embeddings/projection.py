"""A library's vectors as points on a plane, colored by genre."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

METHODS = ("pca", "tsne")
MAX_COLORS = 19  # more cannot be distinguished; rarer names are gray


def project(vectors: np.ndarray, method: str, seed: int = 0) -> np.ndarray:
    """Points `[N, 2]` of vectors `[N, D]`, each number on the scale of its own spread.

    Args:
        vectors: of three tracks or more.
        method: "pca" keeps large distances, "tsne" neighborhoods (scikit-learn).
        seed: of t-SNE.

    Raises:
        GenrelabError: too few tracks.
    """
    if len(vectors) < 3:
        raise GenrelabError(f"{len(vectors)} tracks make no map; 3 or more")
    from sklearn.decomposition import PCA

    scaled = (vectors - vectors.mean(axis=0)) / np.maximum(vectors.std(axis=0), 1e-6)
    if method == "pca":
        return np.asarray(PCA(2, random_state=seed).fit_transform(scaled))
    from sklearn.manifold import TSNE

    few = PCA(min(50, *scaled.shape), random_state=seed).fit_transform(scaled)
    perplexity = min(30.0, (len(few) - 1) / 3)
    return np.asarray(TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(few))


def plot_projection(vectors: np.ndarray, names: Sequence[str], out: Path, method: str = "pca") -> Path:
    """Draw tracks as points, colored by name; the names stand beside, commonest first. Returns `out`."""
    points = project(vectors, method)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    labels = np.array([name or "no name" for name in names], dtype=object)
    commonest = [name for name, _ in Counter(labels.tolist()).most_common()]
    figure = Figure(figsize=(10, 6.5), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colors = _colors(min(len(commonest), MAX_COLORS))
    rest = np.isin(labels, commonest[MAX_COLORS:])
    size = float(np.clip(3000 / len(points), 6, 60))
    if rest.any():
        told = f"{len(commonest) - MAX_COLORS} others ({rest.sum()})"
        axes.scatter(points[rest, 0], points[rest, 1], s=size, color="0.8", linewidths=0, label=told)
    for name, color in zip(commonest, colors, strict=False):
        at = labels == name
        axes.scatter(
            points[at, 0], points[at, 1], s=size, color=color, linewidths=0, alpha=0.85, label=f"{name} ({at.sum()})"
        )
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color("0.85")
    axes.set_title(f"{len(points)} tracks, {'t-SNE' if method == 'tsne' else 'first two principal components'}")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    with atomic_path(out, durable=False) as part:
        figure.savefig(part)
    return out


def _colors(count: int) -> list[tuple[float, float, float]]:
    """Colors that differ, also by lightness."""
    import colorsys

    turns = [(0.02 + number / max(count, 1)) % 1 for number in range(count)]
    return [colorsys.hls_to_rgb(turn, (0.40, 0.58)[number % 2], 0.75) for number, turn in enumerate(turns)]

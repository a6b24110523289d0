"""Tables of a report: confusion, per genre, mistakes with their paths, distances of mistakes, hubs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd

from genrelab.metrics import fill_unreachable, top_k_classes
from genrelab.runs.run_dir import Level, RunDir


@dataclass(frozen=True)
class PathStep:
    """One edge of a path, and the node it leads to.

    Args:
        kind: of the edge ("primary", "secondary", "backlash", "supergenre", "cluster").
        length: of the edge.
        title: of the node.
    """

    kind: str
    length: float
    title: str


@dataclass(frozen=True)
class Confusion:
    """Two genres that were taken for one another.

    Args:
        truth: title.
        prediction: title.
        count: tracks of `truth` that were answered with `prediction`.
        share: of the tracks of `truth`.
        back: tracks the other way round.
        distance: between the two; None where no path leads from one to the other.
        path: from `truth` to `prediction`, edge by edge; empty where the taxonomy has no edges.
    """

    truth: str
    prediction: str
    count: int
    share: float
    back: int
    distance: float | None
    path: tuple[PathStep, ...]


def confusion_matrix(rows: Level, classes: int) -> np.ndarray:
    """`[C, C]` counts, rows the truth and columns the answer."""
    prediction = top_k_classes(rows.logits, 1)[:, 0]
    return np.bincount(rows.target * classes + prediction, minlength=classes**2).reshape(classes, classes)


def row_percent(confusion: np.ndarray) -> np.ndarray:
    """`[C, C]` per cent of each row; a row without answers is 0."""
    total = confusion.sum(axis=1, keepdims=True)
    return np.asarray(100 * confusion / np.maximum(total, 1))


def supergenre_confusion(confusion: np.ndarray, supergenres: np.ndarray) -> np.ndarray:
    """`[S, S]` counts of supergenres, from `[C, C]` of genres."""
    member = np.eye(supergenres.max() + 1, dtype=np.int64)[supergenres]
    return np.asarray(member.T @ confusion @ member)


def per_genre_table(run: RunDir, confusion: np.ndarray) -> pd.DataFrame:
    """One row a genre, in the taxonomy's order: counts, recall, precision, F1, mean distance, commonest mistake.

    What has no meaning (recall of a genre without tracks) is NaN.
    """
    taxonomy = run.taxonomy
    finite = fill_unreachable(run.distances)
    support, predicted, correct = confusion.sum(axis=1), confusion.sum(axis=0), np.diagonal(confusion)
    wrong = confusion - np.diag(correct)
    worst = wrong.argmax(axis=1)
    titles = np.array(taxonomy.titles, dtype=object)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(
            {
                "genre": taxonomy.genres,
                "title": titles,
                "supergenre": [taxonomy.supergenres[code] for code in taxonomy.supergenre_of],
                "train_tracks": run.train_counts,
                "tracks": support,
                "answers": predicted,
                "recall": correct / support,
                "precision": correct / predicted,
                "f1": 2 * correct / (support + predicted),
                "distance": (confusion * finite).sum(axis=1) / support,
                "mistaken_for": np.where(wrong.max(axis=1) > 0, titles[worst], ""),
                "mistaken_count": wrong.max(axis=1),
            }
        )


def mistakes_table(run: RunDir, rows: Level) -> pd.DataFrame:
    """Every track whose answer is wrong, farthest first: truth, answer, its probability, their distance."""
    top = top_k_classes(rows.logits, 3)
    prediction = top[:, 0]
    probability = np.exp(rows.logits - rows.logits.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    genres = np.array(run.taxonomy.genres, dtype=object)
    row = np.arange(len(rows))
    table = pd.DataFrame(
        {
            "track_id": rows.track,
            "genre": genres[rows.target],
            "answer": genres[prediction],
            "probability": probability[row, prediction].round(4),
            "probability_of_genre": probability[row, rows.target].round(4),
            "distance": run.distances[rows.target, prediction],
            "same_supergenre": run.supergenres[rows.target] == run.supergenres[prediction],
            "in_top3": (top == rows.target[:, None]).any(axis=1),
        }
    )
    wrong: pd.DataFrame = table.loc[prediction != rows.target]
    order = ["distance", "probability", "track_id"]
    return wrong.sort_values(by=order, ascending=[False, False, True], kind="stable")


def top_confusions(run: RunDir, confusion: np.ndarray, most: int = 12) -> tuple[list[Confusion], list[Confusion]]:
    """The confusions that happened more than once, commonest first, and the farthest of the others, with paths."""
    truth, prediction = np.nonzero(confusion - np.diag(np.diagonal(confusion)))
    count = confusion[truth, prediction]
    away = fill_unreachable(run.distances)[truth, prediction]
    common = np.lexsort((prediction, truth, -away, -count))
    common = common[count[common] > 1][:most]
    far = np.lexsort((prediction, truth, -count, -away))
    far = far[~np.isin(far, common)][: max(most - len(common), most // 2)]
    graph = None if run.taxonomy.flat else run.taxonomy.graph()
    made = [
        [_confusion(run, graph, confusion, int(truth[i]), int(prediction[i])) for i in some] for some in (common, far)
    ]
    return made[0], made[1]


def _confusion(run: RunDir, graph: nx.Graph[str] | None, confusion: np.ndarray, a: int, b: int) -> Confusion:
    taxonomy = run.taxonomy
    count, distance = int(confusion[a, b]), float(run.distances[a, b])
    return Confusion(
        truth=taxonomy.titles[a],
        prediction=taxonomy.titles[b],
        count=count,
        share=count / int(confusion[a].sum()),
        back=int(confusion[b, a]),
        distance=distance if np.isfinite(distance) else None,
        path=_path(run, graph, taxonomy.genres[a], taxonomy.genres[b]) if np.isfinite(distance) else (),
    )


def _path(run: RunDir, graph: nx.Graph[str] | None, a: str, b: str) -> tuple[PathStep, ...]:
    if graph is None:
        return ()
    nodes = nx.shortest_path(graph, a, b, weight="weight")
    edges = [graph.edges[u, v] for u, v in pairwise(nodes)]
    titles = [run.taxonomy.node_title(node) for node in nodes[1:]]
    return tuple(PathStep(e["kind"], float(e["weight"]), t) for e, t in zip(edges, titles, strict=True))


def mistake_distance_table(run: RunDir, confusion: np.ndarray) -> pd.DataFrame:
    """How far mistakes fell, beside what random mistakes on the same tracks would give.

    Returns:
        `distance, mistakes, random`: the second a count, the third its expectation where each mistaken track is
        answered by any other genre alike.
    """
    finite = fill_unreachable(run.distances)
    wrong = confusion - np.diag(np.diagonal(confusion))
    values, place = np.unique(finite.round(6), return_inverse=True)
    place = place.reshape(finite.shape)
    other = ~np.eye(len(finite), dtype=bool)
    random = np.broadcast_to(wrong.sum(axis=1, keepdims=True) / max(len(finite) - 1, 1), finite.shape)
    found = pd.DataFrame(
        {
            "distance": values,
            "mistakes": np.bincount(place[other], weights=wrong[other], minlength=len(values)).astype(int),
            "random": np.bincount(place[other], weights=random[other], minlength=len(values)),
        }
    )
    return found.loc[(found["mistakes"] > 0) | (found["random"] > 0)]


def hub_genres(run: RunDir, confusion: np.ndarray, most: int = 10) -> list[Mapping[str, object]]:
    """The genres that are answered most, with their share of the answers and of the truth."""
    total = max(int(confusion.sum()), 1)
    predicted, truth = confusion.sum(axis=0) / total, confusion.sum(axis=1) / total
    order = np.argsort(-predicted, kind="stable")[:most]
    return [
        {"title": run.taxonomy.titles[i], "answers": float(predicted[i]), "truth": float(truth[i])}
        for i in order
        if predicted[i] > 0
    ]

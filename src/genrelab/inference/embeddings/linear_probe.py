"""How much a frozen embedding knows: logistic regression on few and on all labeled tracks."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genrelab.inference.embeddings.table import Embeddings, find_table, read_embeddings, resolve_path
from genrelab.utils.errors import GenrelabError

SHOTS = (1, 2, 5, 10, 20)
DRAWS = 20
FOLDS = 5
RESAMPLES = 1000


@dataclass(frozen=True)
class Score:
    """An accuracy.

    Args:
        shots: labeled tracks of each label; 0: all but a fold.
        value: mean accuracy.
        low: end of the 95 % interval.
        high: the other end.
    """

    shots: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Probe:
    """What a probe found.

    Args:
        labels: that were told apart, sorted.
        tracks: how many had a label.
        constant: accuracy of always answering the commonest label.
        full: by cross-validation; its interval resamples tracks.
        few_shot: accuracy on the other tracks after few of each label; their intervals are over draws.
        folds: of the cross-validation.
        grouped: artists stayed in one fold.
    """

    labels: tuple[str, ...]
    tracks: int
    constant: float
    full: Score
    few_shot: tuple[Score, ...]
    folds: int
    grouped: bool


def read_auxiliary_targets(path: Path, embeddings: Embeddings) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Rows of the table that a CSV labels, their labels, and their artists where it has that column.

    Args:
        path: with the columns `path` (or `track`: a file name) and `label` (or `genre`), perhaps `artist`.
        embeddings: paths may be relative to the CSV's folder, or to the working folder.

    Raises:
        GenrelabError: no such file or columns, or no line that names a track.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, restval="")
            lines, header = list(reader), [str(name) for name in reader.fieldnames or ()]
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GenrelabError(f"{path}: unreadable ({error}); save it as UTF-8 CSV") from error
    key = next((name for name in ("path", "track") if name in header), None)
    column = next((name for name in ("label", "genre") if name in header), None)
    if key is None or column is None:
        raise GenrelabError(f"{path}: needs the columns 'path' and 'label'; it has {', '.join(header) or 'none'}")
    places = {str(name): row for row, name in enumerate(embeddings.path if key == "path" else embeddings.track)}
    found: dict[int, tuple[str, str]] = {}
    for line in lines:
        name = line[key].strip()
        names = (name, resolve_path(name), resolve_path(path.parent / name)) if key == "path" else (name,)
        row = next((places[one] for one in names if one in places), None)
        if row is not None and line[column].strip():
            found[row] = (line[column].strip(), (line.get("artist") or "").strip())
    if not found:
        raise GenrelabError(
            f"{path}: none of its {len(lines)} lines names a track of the table, as {embeddings.path[0]}"
        )
    rows = np.array(sorted(found))
    artists = np.array([found[row][1] or f"row {row}" for row in rows.tolist()]) if "artist" in header else None
    return rows, np.array([found[row][0] for row in rows.tolist()]), artists


def probe(vectors: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None, seed: int = 0) -> Probe:
    """Fit logistic regressions on frozen vectors.

    Args:
        vectors: `[N, D]`.
        labels: `[N]`.
        groups: `[N]` artists, which stay on one side; None: unknown.
        seed: of folds, draws and resampling.

    Raises:
        GenrelabError: one label only, or a label of a single track (or artist).
    """
    found, target = np.unique(labels, return_inverse=True)
    names = [str(name) for name in found]
    counts = np.bincount(target)
    if len(names) < 2:
        raise GenrelabError(f"the only label is {names[0]!r}; a probe needs two or more")
    of_group = [
        len(np.unique((groups if groups is not None else np.arange(len(target)))[target == k]))
        for k in range(len(names))
    ]
    if min(of_group) < 2:
        what = "artist" if groups is not None else "track"
        lone = names[of_group.index(min(of_group))]
        raise GenrelabError(f"the label {lone!r} has one {what} only; two or more are needed to test on another")
    folds = min(FOLDS, *of_group)
    right = _cross_validated(vectors, target, groups, folds, seed)
    generator = np.random.default_rng(seed)
    drawn = right[generator.integers(len(right), size=(RESAMPLES, len(right)))].mean(axis=1)
    whole = Score(0, float(right.mean()), *map(float, np.quantile(drawn, (0.025, 0.975))))
    shots = [count for count in SHOTS if count < counts.min()]
    few = tuple(one for count in shots if (one := _few(vectors, target, groups, count, seed)))
    constant = float(counts.max() / len(target))
    return Probe(tuple(names), len(target), constant, whole, few, folds, groups is not None)


def _cross_validated(
    vectors: np.ndarray, target: np.ndarray, groups: np.ndarray | None, folds: int, seed: int
) -> np.ndarray:
    """`[N]` whether each track is named rightly by the regression that did not see it."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    right = np.zeros(len(target), bool)
    for train, test in kind(folds, shuffle=True, random_state=seed).split(vectors, target, groups):
        right[test] = _answers(vectors, target, train, test) == target[test]
    return right


def _few(vectors: np.ndarray, target: np.ndarray, groups: np.ndarray | None, shots: int, seed: int) -> Score | None:
    found = []
    for draw in range(DRAWS):
        generator = np.random.default_rng([seed, shots, draw])
        train = np.concatenate([generator.permutation(np.flatnonzero(target == k))[:shots] for k in np.unique(target)])
        known = np.isin(np.arange(len(target)), train)
        test = ~known if groups is None else ~np.isin(groups, groups[train])
        if test.any():
            found.append((_answers(vectors, target, train, np.flatnonzero(test)) == target[test]).mean())
    if not found:  # every artist had to be known
        return None
    return Score(shots, float(np.mean(found)), *map(float, np.quantile(found, (0.025, 0.975))))


def _answers(vectors: np.ndarray, target: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    mean, spread = vectors[train].mean(axis=0), np.maximum(vectors[train].std(axis=0), 1e-3)
    fitted = LogisticRegression(C=0.1, max_iter=500).fit((vectors[train] - mean) / spread, target[train])
    return np.asarray(fitted.predict((vectors[test] - mean) / spread))


def format_probe(found: Probe) -> list[str]:
    """A probe's scores as lines of a table."""
    per = "artists apart" if found.grouped else "artists unknown"
    lines = [
        f"{found.tracks} tracks, {len(found.labels)} labels; {per}",
        "",
        f"{'labeled of each':<18} accuracy, 95 %",
    ]
    rows: Sequence[Score] = (*found.few_shot, found.full)
    for row in rows:
        name = str(row.shots) if row.shots else f"all, {found.folds} folds"
        lines.append(f"{name:<18} {100 * row.value:5.1f} %  [{100 * row.low:.0f}, {100 * row.high:.0f}]")
    return [*lines, f"{'commonest label':<18} {100 * found.constant:5.1f} %"]


def probe_command(table: Path, labels: Path) -> int:
    """Probe a table by a CSV of labels and print the scores; returns the exit code. Raises GenrelabError."""
    embeddings = read_embeddings(find_table(table))
    rows, names, groups = read_auxiliary_targets(labels, embeddings)
    print("\n".join(format_probe(probe(embeddings.vectors[rows], names, groups))), flush=True)
    return 0

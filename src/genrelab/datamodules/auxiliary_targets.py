"""Further labels of tracks (language, instrumental or vocal, mood): what a model answers beside the genre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genrelab.datasets import DatasetIndex
from genrelab.datasets.index import LABEL
from genrelab.datasets.splits import Split
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import atomic_path

FILE = "labels.parquet"
UNKNOWN = -1  # no label, or a value that no train track has


@dataclass(frozen=True)
class AuxiliaryTargets:
    """The further labels of a run's tracks.

    Args:
        classes: values by label, those of train tracks, sorted.
        counts: train tracks of each value, by label.
        truth: `[T, L]` int64, index into the label's classes, or -1; rows as in `track_ids`.
        track_ids: sorted, as `GenreDataModule` numbers them.
        notes: what a reader must know.
    """

    classes: dict[str, tuple[str, ...]]
    counts: dict[str, tuple[int, ...]]
    truth: np.ndarray
    track_ids: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What a record says of them."""
        return {
            name: {"classes": list(values), "train_targets": list(self.counts[name])}
            for name, values in self.classes.items()
        }


def read_auxiliary_targets(dataset_index: DatasetIndex, split: Split) -> AuxiliaryTargets | None:
    """The dataset index's labels as numbers, their values those of train; None where it has none.

    Raises:
        GenrelabError: fewer than two values of a label in train.
    """
    names = [column.removeprefix(LABEL) for column in dataset_index.tracks.columns if column.startswith(LABEL)]
    if not names:
        return None
    table = dataset_index.tracks.set_index("track_id")
    track_ids, train = tuple(sorted(split.assignment)), list(split.tracks("train"))
    classes, counts, columns, notes = {}, {}, [], []
    for name in names:
        column = table[LABEL + name]
        found = column.loc[train].dropna().value_counts().sort_index()
        if len(found) < 2:
            told = f"only {found.index[0]!r}" if len(found) else "no value"
            raise GenrelabError(f"label {name!r}: train tracks have {told}; leave it out of dataset.labels, or fill it")
        classes[name] = tuple(str(value) for value in found.index)
        counts[name] = tuple(int(count) for count in found)
        given = column.loc[list(track_ids)]
        number = given.map({value: place for place, value in enumerate(classes[name])}).fillna(UNKNOWN)
        columns.append(number.to_numpy(np.int64))
        if strange := sorted(set(given.dropna()) - set(classes[name])):
            notes.append(
                f"label {name!r}: {', '.join(map(repr, strange[:3]))}{', ...' if len(strange) > 3 else ''} "
                f"on {int(given.isin(strange).sum())} val or test tracks is in no train track, and not scored"
            )
        if without := int(given.isna().sum()):
            notes.append(f"label {name!r}: {without} of {len(given)} tracks have none; they teach it nothing")
    return AuxiliaryTargets(classes, counts, np.stack(columns, axis=1), track_ids, tuple(notes))


def auxiliary_rows(split: str, found: Mapping[str, np.ndarray], labels: AuxiliaryTargets) -> pd.DataFrame:
    """Answers for the segments of a part, one row a segment and label.

    Args:
        split: "val" or "test".
        found: `track` and `segment` `[N]`, and `labels` `[N, K]`, the logits of all labels' values side by side.
        labels: of the run.

    Returns:
        split, track_id, segment, label, truth (None where unknown), answer, probability (of the answer), and
        `probabilities`, a list in the order of the label's classes.
    """
    parts, at = [], 0
    for place, (name, values) in enumerate(labels.classes.items()):
        logits = found["labels"][:, at : at + len(values)].astype(np.float64)
        at += len(values)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        truth = labels.truth[found["track"], place]
        answer = shares.argmax(axis=1)
        parts.append(
            pd.DataFrame(
                {
                    "split": split,
                    "track_id": [labels.track_ids[track] for track in found["track"]],
                    "segment": found["segment"].astype(np.int32),
                    "label": name,
                    "truth": pd.Series([None if t == UNKNOWN else values[t] for t in truth], dtype=object),
                    "answer": [values[a] for a in answer],
                    "probability": shares.max(axis=1).astype(np.float32),
                    "probabilities": list(shares.astype(np.float32)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def write_auxiliary_rows(path: Path, rows: pd.DataFrame) -> None:
    """Write `auxiliary_rows` as Parquet."""
    with atomic_path(path) as part:
        rows.to_parquet(part, index=False)


def read_auxiliary_rows(path: Path) -> pd.DataFrame:
    """What `write_auxiliary_rows` wrote.

    Raises:
        GenrelabError: missing or unreadable.
    """
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise GenrelabError(f"{path}: unreadable ({error})") from error


def pool_auxiliary(
    known: Sequence[Mapping[str, Any]], rows: Sequence[pd.DataFrame]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Labels of k folds as those of one run: what a fold's train lacks, its heads cannot have answered.

    Args:
        known: of each fold, as `AuxiliaryTargets.to_dict` gives it.
        rows: of each fold, as `auxiliary_rows` gives them.

    Returns:
        the like of `AuxiliaryTargets.to_dict`, every value that any fold knows, train tracks counted once a fold;
        and all rows, their probabilities in that order, 0 for what their fold does not know.
    """
    names = list(dict.fromkeys(name for one in known for name in one))
    plain: dict[str, Any] = {}
    for name in names:
        counts: dict[str, int] = {}
        for one in known:
            for value, count in zip(one[name]["classes"], one[name]["train_targets"], strict=True):
                counts[value] = counts.get(value, 0) + count
        classes = sorted(counts)
        plain[name] = {"classes": classes, "train_targets": [counts[value] for value in classes]}
    return plain, pd.concat(
        [_spread(part, one, plain) for one, part in zip(known, rows, strict=True)], ignore_index=True
    )


def _spread(rows: pd.DataFrame, known: Mapping[str, Any], pooled: Mapping[str, Any]) -> pd.DataFrame:
    """A fold's rows with probabilities in the pooled order of values."""
    parts = []
    for name, told in known.items():
        part = rows[rows["label"] == name]
        classes = pooled[name]["classes"]
        if not len(part) or classes == list(told["classes"]):
            parts.append(part)
            continue
        shares = np.zeros((len(part), len(classes)), dtype=np.float32)
        shares[:, [classes.index(value) for value in told["classes"]]] = np.stack(part["probabilities"].to_list())
        parts.append(part.assign(probabilities=list(shares)))
    return pd.concat(parts, ignore_index=True)

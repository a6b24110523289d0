"""What a report is made from: the files of a run's folder, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from genrelab.metrics import ClassHierarchy, medoid_class
from genrelab.postprocessing import MULTICLASS, MULTILABEL, OutputType, get_output_type, track_targets
from genrelab.postprocessing.thresholds import class_prior
from genrelab.runs.predictions import OUT_OF_FOLD, Predictions, calibration_file, read_predictions
from genrelab.runs.run_record import DEAD, current_status
from genrelab.taxonomy.hierarchy import ancestor_pairs, cluster_index
from genrelab.taxonomy.taxonomy import Taxonomy
from genrelab.utils.errors import GenrelabError

_WAS = {"interrupted": "was interrupted", "running": "is running", DEAD: "is dead (its process is gone)"}
Part = Literal["val", "test"]
LevelName = Literal["track", "segment"]


@dataclass(frozen=True)
class Level:
    """The answers of one part at one level.

    Args:
        logits: `[N, C]`.
        target: `[N]`; `[N, C]` bool where tracks have several genres.
        track: `[N]` the track of each row; at track level each stands once.
    """

    logits: np.ndarray
    target: np.ndarray
    track: np.ndarray

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class RunDir:
    """The read content of a run's folder.

    Args:
        path: of the folder.
        predictions: of segments.
        taxonomy: the classes and their graph.
        record: `run.json`; empty where there is none.
        curves: `metrics.csv`, one row an epoch; empty where there is none.
        config: `config.yaml` as text.
    """

    path: Path
    predictions: Predictions
    taxonomy: Taxonomy
    record: Mapping[str, Any]
    curves: pd.DataFrame
    config: str

    @classmethod
    def read(cls, path: Path, allow_multilabel: bool = False) -> RunDir:
        """Read a run's folder.

        Args:
            path: of the folder.
            allow_multilabel: take a run whose tracks have several genres (target=multi_label) too, which most readers
                cannot.

        Raises:
            GenrelabError: predictions or taxonomy are missing, broken, or do not fit each other.
        """
        path = Path(path)
        if not (path / "predictions.parquet").exists() and (path / "run.json").exists():
            raise GenrelabError(_unfinished(path, _json(path / "run.json")))
        predictions = read_predictions(path / "predictions.parquet")
        if predictions.targets is not None and not allow_multilabel:
            raise GenrelabError(
                f"{path}: its tracks have several genres each (target=multi_label), for which this is not made; "
                "see its report"
            )
        taxonomy = Taxonomy.from_dict(_json(path / "taxonomy.json"))
        if taxonomy.genres != predictions.genres:
            raise GenrelabError(
                f"{path}: taxonomy.json and predictions.parquet name different genres; they are of different runs"
            )
        if not len(predictions):
            raise GenrelabError(f"{path / 'predictions.parquet'}: holds no predictions; nothing can be scored")
        record = _json(path / "run.json") if (path / "run.json").exists() else {}
        config = path / "config.yaml"
        text = config.read_text(encoding="utf-8") if config.exists() else ""
        return cls(path, predictions, taxonomy, record, _curves(path / "metrics.csv"), text)

    @property
    def multi_label(self) -> bool:
        """Whether tracks have several genres each."""
        return self.predictions.targets is not None

    @property
    def output_type(self) -> OutputType:
        """How its logits are read."""
        return get_output_type(self.multi_label)

    @cached_property
    def hierarchy(self) -> ClassHierarchy:
        """What its answers are measured against."""
        pairs = ancestor_pairs(self.taxonomy)
        return ClassHierarchy(self.distances, self.supergenres, self.clusters, self.medoid, pairs)

    @property
    def without_epochs(self) -> bool:
        """Whether there were no epochs, and so no curves: the model was fitted at once, or others' answers joined."""
        return (self.record.get("monitor") or {}).get("epochs") == 0

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts that were predicted, test first."""
        there = set(self.predictions.split)
        return tuple(part for part in ("test", "val") if part in there)

    @cached_property
    def held_out(self) -> Predictions:
        """The answers that decisions are fitted on: val's, or of a run that was refitted those out of fold."""
        tested = "test" in ((self.record.get("refit") or {}).get("parts") or ())  # of all folds, which are scored
        path = calibration_file(self.path)
        if tested or path.name != OUT_OF_FOLD:
            return self.predictions.only("val")
        return read_predictions(path).only("val")

    @property
    def n_overlapping(self) -> int:
        """How many of new songs are not: the run that answers trained on them, or on their artists."""
        found = self.record.get("overlap") or {}
        return len(found.get("songs") or ()) if found.get("marked") else 0

    @property
    def unsafe(self) -> bool:
        """Whether segments of one track stood in train and in what is scored (split=random_segments)."""
        return bool((self.record.get("split") or {}).get("unsafe"))

    @property
    def primary_split(self) -> Part:
        """The part that the report is about: test, or val where nothing was tested."""
        return self.parts[0]

    @cached_property
    def distances(self) -> np.ndarray:
        """`[C, C]` by the taxonomy's own weights."""
        return self.taxonomy.distances()

    @cached_property
    def supergenres(self) -> np.ndarray:
        """`[C]` index of each genre's supergenre, by first appearance."""
        order = {code: number for number, code in enumerate(self.supergenre_codes)}
        return np.array([order[code] for code in self.taxonomy.supergenre_of], dtype=np.int64)

    @cached_property
    def clusters(self) -> np.ndarray:
        """`[C]` index of each genre's cluster."""
        return cluster_index(self.taxonomy)

    @cached_property
    def supergenre_codes(self) -> tuple[str, ...]:
        """The supergenres of the classes, by first appearance."""
        return tuple(dict.fromkeys(self.taxonomy.supergenre_of))

    @cached_property
    def train_counts(self) -> np.ndarray:
        """`[C]` train tracks of each genre; where the record does not say, every genre counts alike."""
        counts = np.asarray(self.record.get("dataset", {}).get("train_targets") or [], dtype=np.int64)
        classes = len(self.taxonomy.genres)
        return counts if len(counts) == classes and counts.sum() else np.ones(classes, dtype=np.int64)

    @property
    def prior(self) -> np.ndarray | None:
        """`[C]` share of train's tracks that have each genre; None where the record does not say."""
        return class_prior(self.record, len(self.taxonomy.genres))

    @cached_property
    def medoid(self) -> int:
        """The constant answer that distance skill is measured against."""
        return medoid_class(self.distances, self.train_counts)

    def at_level(self, part: Part, level: LevelName) -> Level:
        """The answers of a part at a level."""
        return predictions_at_level(self.predictions.only(part), level)


def predictions_at_level(predictions: Predictions, level: LevelName, how: str | None = None) -> Level:
    """Predictions of segments, as they are or joined to tracks, see `OutputType.aggregate`."""
    if predictions.targets is not None:
        return _several(predictions, level, how)
    if level == "segment":
        return Level(predictions.logits, predictions.target.astype(np.int64), predictions.track_id)
    logits, tracks = MULTICLASS.aggregate(predictions.logits, predictions.track_id, how)
    return Level(logits, track_targets(predictions.target, predictions.track_id).astype(np.int64), tracks)


def _several(predictions: Predictions, level: LevelName, how: str | None) -> Level:
    assert predictions.targets is not None
    if level == "segment":
        return Level(predictions.logits, predictions.targets, predictions.track_id)
    logits, tracks = MULTILABEL.aggregate(predictions.logits, predictions.track_id, how)
    first = np.unique(predictions.track_id, return_index=True)[1]
    return Level(logits, predictions.targets[first], tracks)


def state(folder: Path, record: Mapping[str, Any]) -> str:
    """What became of a run, with the reason where it is known: "failed (OSError: disk full)"."""
    status, error = current_status(folder, record), str(record.get("error") or "").split("\n")[0].rstrip(".: ")
    return _WAS.get(status, status) + (f" ({error})" if error else "")


def _unfinished(path: Path, record: Mapping[str, Any]) -> str:
    """Why a run has nothing to report yet, and what to do."""
    what = "not all folds are tested" if any(path.glob("fold-*")) else "there are no predictions yet"
    return f"{path}: this run {state(path, record)}; {what}; go on with: python train.py resume={path}"


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GenrelabError(f"{path}: no such file; {path.parent} is no tested run's folder") from error
    except (OSError, ValueError) as error:
        raise GenrelabError(f"{path}: unreadable ({error})") from error
    if not isinstance(found, dict):
        raise GenrelabError(f"{path}: not a mapping")
    return found


def _curves(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return pd.DataFrame({"epoch": []})
    except (ValueError, pd.errors.ParserError) as error:
        raise GenrelabError(f"{path}: not a table of metrics ({error})") from error
    return table.sort_values("epoch", kind="stable") if "epoch" in table else pd.DataFrame({"epoch": []})

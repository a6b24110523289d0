"""From probabilities to what is said: one genre, or what it backs off to; or all genres above their thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from genrelab.inference.prediction import UNSURE, ClassScore, HedgedPrediction
from genrelab.postprocessing import Hedge
from genrelab.taxonomy.hierarchy import cluster_index, supergenre_index
from genrelab.taxonomy.taxonomy import Taxonomy

FEW = 4  # supergenres of a cluster that stand for its name


class LabelAssignment(NamedTuple):
    """The parts of a `Prediction` in which one genre a track and several differ; see there."""

    genres: tuple[ClassScore, ...]
    supergenre: ClassScore | None = None
    hedged: HedgedPrediction | None = None
    thresholds: Mapping[str, float] | None = None


class LabelAssigner(Protocol):
    """Says what follows from a recording's joined logits, and of each window."""

    def assign(self, logits: np.ndarray, probabilities: np.ndarray) -> LabelAssignment:
        """Of logits `[1, C]` and their probabilities `[C]`."""

    def assign_segments(self, probabilities: np.ndarray) -> list[tuple[int, ...]]:
        """The genres of each window, by place, best first, of `[S, C]`."""

    def to_dict(self) -> dict[str, Any]:
        """What was fitted, as plain data."""

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], taxonomy: Taxonomy) -> LabelAssigner:
        """Inverse of `to_dict`, of a mapping that may hold more."""


class SingleLabelAssigner:
    """One genre, as far as it is sure; else its supergenre, its cluster, or nothing.

    Args:
        taxonomy: of the run.
        hedge: fitted on val.
    """

    def __init__(self, taxonomy: Taxonomy, hedge: Hedge) -> None:
        self.hedge = hedge
        supergenres = [(code, taxonomy.supergenres[code]) for code in dict.fromkeys(taxonomy.supergenre_of)]
        of_cluster = cluster_index(taxonomy)
        named = {code: name for name, codes in taxonomy.clusters.items() for code in codes}
        inside: dict[int, list[str]] = {}
        for number, code in sorted(set(zip(of_cluster.tolist(), taxonomy.supergenre_of, strict=True))):
            inside.setdefault(number, []).append(code)
        clusters = {
            number: (
                name := named.get(codes[0], codes[0]),
                _cluster_title(name, [taxonomy.supergenres[c] for c in codes]),
            )
            for number, codes in inside.items()
        }
        self.levels: tuple[tuple[Any, list[tuple[str, str]], np.ndarray], ...] = (
            ("genre", list(zip(taxonomy.genres, taxonomy.titles, strict=True)), np.arange(len(taxonomy))),
            ("supergenre", supergenres, supergenre_index(taxonomy)),
            ("cluster", [clusters[number] for number in sorted(clusters)], of_cluster),
        )

    def assign(self, logits: np.ndarray, probabilities: np.ndarray) -> LabelAssignment:
        """The hedged answer and the likeliest supergenre."""
        hedged = self._hedge(logits)
        guess = ClassScore(hedged.code, hedged.title, hedged.probability)
        return LabelAssignment((guess,) if hedged.level == "genre" else (), self._supergenre(probabilities), hedged)

    def assign_segments(self, probabilities: np.ndarray) -> list[tuple[int, ...]]:
        """The likeliest."""
        return [(int(row.argmax()),) for row in probabilities]

    def to_dict(self) -> dict[str, Any]:
        """See `LabelAssigner`."""
        return {"tau": self.hedge.tau, "coverage": self.hedge.coverage, "track": self.hedge.probabilities.temperature}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], taxonomy: Taxonomy) -> SingleLabelAssigner:
        """See `LabelAssigner`."""
        hedge = Hedge(supergenre_index(taxonomy), cluster_index(taxonomy), float(plain["coverage"]))
        hedge.tau, hedge.probabilities.temperature = float(plain["tau"]), float(plain["track"])
        return cls(taxonomy, hedge)

    def _supergenre(self, probabilities: np.ndarray) -> ClassScore:
        _, names, numbers = self.levels[1]
        sums = np.bincount(numbers, weights=probabilities)
        best = int(sums.argmax())
        return ClassScore(*names[best], float(sums[best]))

    def _hedge(self, joined: np.ndarray) -> HedgedPrediction:
        """The hedged answer; a group that holds every genre says nothing."""
        decided = self.hedge.decide(joined)
        p = np.exp(decided.log_prob[0])
        height, group = int(decided.level[0]), int(decided.index[0])
        if height < len(self.levels) and len(self.levels[height][1]) > 1:
            name, names, numbers = self.levels[height]
            code, title = names[group]
            return HedgedPrediction(name, code, title, float(p[numbers == group].sum()))
        return HedgedPrediction("nothing", "", UNSURE, 1.0)


def _cluster_title(name: str, supergenres: Sequence[str]) -> str:
    """A cluster as people may know it: by the supergenres of it that the run has; of many by its name."""
    if len(supergenres) > FEW:
        return name.replace("_", " ").capitalize()
    return " or ".join(part for part in (", ".join(supergenres[:-1]), supergenres[-1]) if part)


class MultilabelAssigner:
    """Every genre whose probability reaches its threshold; groups have no probability, since those of genres overlap.

    Args:
        taxonomy: of the run.
        track_thresholds: `[C]` thresholds of recordings.
        segment_thresholds: `[C]` thresholds of windows.
    """

    def __init__(self, taxonomy: Taxonomy, track_thresholds: np.ndarray, segment_thresholds: np.ndarray) -> None:
        self.taxonomy, self.track_thresholds, self.segment_thresholds = taxonomy, track_thresholds, segment_thresholds
        self.thresholds_by_code = dict(zip(taxonomy.genres, track_thresholds.tolist(), strict=True))

    def assign(self, logits: np.ndarray, probabilities: np.ndarray) -> LabelAssignment:
        """The genres above their thresholds."""
        taxonomy = self.taxonomy
        guesses = [
            ClassScore(taxonomy.genres[i], taxonomy.titles[i], float(probabilities[i]))
            for i in above_threshold(probabilities, self.track_thresholds)
        ]
        return LabelAssignment(tuple(guesses), thresholds=self.thresholds_by_code)

    def assign_segments(self, probabilities: np.ndarray) -> list[tuple[int, ...]]:
        """The genres above their thresholds."""
        return [above_threshold(row, self.segment_thresholds) for row in probabilities]

    def to_dict(self) -> dict[str, Any]:
        """See `LabelAssigner`."""
        return {"thresholds": {"track": self.track_thresholds.tolist(), "segment": self.segment_thresholds.tolist()}}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], taxonomy: Taxonomy) -> MultilabelAssigner:
        """See `LabelAssigner`."""
        track, segment = (np.array(plain["thresholds"][level], np.float64) for level in ("track", "segment"))
        if not len(track) == len(segment) == len(taxonomy.genres):
            raise ValueError("not a threshold for each genre")
        return cls(taxonomy, track, segment)


def above_threshold(probabilities: np.ndarray, thresholds: np.ndarray) -> tuple[int, ...]:
    """Places of the genres that reach their thresholds, the likeliest first."""
    order = np.argsort(-probabilities, kind="stable")
    return tuple(int(i) for i in order if probabilities[i] >= thresholds[i])

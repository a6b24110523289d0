"""What is said of one recording: plain values, ready for a table, JSON or a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

Level = Literal["genre", "supergenre", "cluster", "nothing"]
UNSURE = "not sure"


class ClassScore(NamedTuple):
    """A genre, supergenre or cluster: its code, its title, and the probability given to it."""

    genre: str
    title: str
    probability: float


class Neighbor(NamedTuple):
    """A genre near the answer on the graph: code, title, and the distance from the answer in edge units."""

    genre: str
    title: str
    distance: float


class SegmentPrediction(NamedTuple):
    """A window of the recording: first second in the file, length in seconds, probabilities `[C]`.

    `genres` holds the places of those that are answered, the likeliest first: one where a track has one genre; where it
    has several, those above their thresholds.
    """

    start: float
    seconds: float
    probabilities: np.ndarray
    genres: tuple[int, ...]


@dataclass(frozen=True)
class HedgedPrediction:
    """The most that is said with enough probability.

    Args:
        level: "genre", or what the answer backs off to: "supergenre", "cluster", "nothing".
        code: of the genre, supergenre or cluster; empty for nothing.
        title: what people read; "not sure" for nothing.
        probability: of what is said.
    """

    level: Level
    code: str
    title: str
    probability: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer to one recording.

    Args:
        path: of the file; None where samples were given.
        seconds: length of the recording.
        top: the likeliest genres, best first, with calibrated probabilities.
        supergenre: the likeliest supergenre (its probability is the sum of its genres'); None where a track has several
            genres, whose probabilities do not add up.
        segments: the timeline, in order of time.
        neighbors: the genres nearest to `top[0]` on the graph, nearest first; empty on a flat taxonomy.
        hedged: genre, supergenre, cluster or nothing, as far as it is sure; None where a track has several genres.
        rejection_reason: why there is no answer ("silence", "noise", ...); None where there is one. `top` and the rest
            are filled all the same.
        probabilities: `[C]` calibrated, of the whole recording.
        logits: `[S, C]` of the windows, as the network gives them.
        genres: that are answered, the likeliest first: one, or none where the answer backs off; where a track has
            several, all above their thresholds.
        thresholds: of the probability of each genre, by code; None where a track has one genre.
    """

    path: str | None
    seconds: float
    top: tuple[ClassScore, ...]
    supergenre: ClassScore | None
    segments: tuple[SegmentPrediction, ...]
    neighbors: tuple[Neighbor, ...]
    hedged: HedgedPrediction | None
    rejection_reason: str | None
    probabilities: np.ndarray
    logits: np.ndarray
    genres: tuple[ClassScore, ...]
    thresholds: Mapping[str, float] | None

    @property
    def label(self) -> str:
        """What people read: titles of genres, what it backs off to, or "unknown (silence)"."""
        if self.rejection_reason:
            return f"unknown ({self.rejection_reason})"
        return self.hedged.title if self.hedged else "; ".join(guess.title for guess in self.genres) or UNSURE

    @property
    def confidence(self) -> float | None:
        """Probability of the answer; None where there is none, and where it names genres that have each their own."""
        return self.hedged.probability if self.hedged and not self.rejection_reason else None

    @property
    def fallback_level(self) -> Level | None:
        """What is said in place of a genre: a supergenre, a cluster, nothing; None where genres are named."""
        if self.hedged:
            return None if self.hedged.level == "genre" else self.hedged.level
        return None if self.genres else "nothing"

    def to_dict(self, genres: tuple[str, ...], timeline: bool = True) -> dict[str, Any]:
        """Plain data for JSON; of each window the likeliest genre and its probability.

        Args:
            genres: the run's genre codes.
            timeline: with the windows.
        """
        found: dict[str, Any] = {
            "path": self.path,
            "seconds": round(self.seconds, 3),
            "answer": self.label,
            "unknown": self.rejection_reason,
            "top": [self._score_dict(guess) for guess in self.top],
        }
        if self.supergenre and self.hedged:
            hedged = {"height": self.hedged.level, "code": self.hedged.code, "title": self.hedged.title}
            found["supergenre"] = self._score_dict(self.supergenre)
            found["hedged"] = {**hedged, "probability": round(self.hedged.probability, 4)}
        else:
            found["genres"] = [self._score_dict(guess) for guess in self.genres]
        found["neighbors"] = [
            {"genre": near.genre, "title": near.title, "distance": round(near.distance, 4)} for near in self.neighbors
        ]
        if timeline:
            found["segments"] = [_window(entry, genres, self.thresholds is not None) for entry in self.segments]
        return found

    def _score_dict(self, guess: ClassScore) -> dict[str, Any]:
        """With the genre's threshold, where there are thresholds."""
        found = {"genre": guess.genre, "title": guess.title, "probability": round(guess.probability, 4)}
        limit = (self.thresholds or {}).get(guess.genre)
        return found if limit is None else {**found, "threshold": round(limit, 4)}


def _window(entry: SegmentPrediction, genres: tuple[str, ...], several: bool) -> dict[str, Any]:
    answered = [{"genre": genres[i], "probability": round(float(entry.probabilities[i]), 4)} for i in entry.genres]
    place = {"start": round(entry.start, 3), "seconds": round(entry.seconds, 3)}
    return {**place, "genres": answered} if several else {**place, **answered[0]}

"""What is said of one recording: plain values, ready for a table, JSON or a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

Height = Literal["genre", "supergenre", "cluster", "nothing"]


class Guess(NamedTuple):
    """A genre, supergenre or cluster: its code, its title, and the probability given to it."""

    genre: str
    title: str
    probability: float


class Neighbour(NamedTuple):
    """A genre near the answer on the graph: code, title, and the distance from the answer in edge units."""

    genre: str
    title: str
    distance: float


class TimelineEntry(NamedTuple):
    """A window of the recording: first second in the file, length in seconds, probabilities `[C]`."""

    start: float
    seconds: float
    probabilities: np.ndarray


@dataclass(frozen=True)
class Hedged:
    """The most that is said with enough probability.

    Args:
        height: "genre", or what the answer backs off to: "supergenre", "cluster", "nothing".
        code: of the genre, supergenre or cluster; empty for nothing.
        title: what people read; "not sure" for nothing.
        probability: of what is said.
    """

    height: Height
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
        supergenre: the likeliest supergenre (its probability is the sum of its genres').
        segments: the timeline, in order of time.
        neighbours: the genres nearest to `top[0]` on the graph, nearest first; empty on a flat taxonomy.
        hedged: genre, supergenre, cluster or nothing, as far as it is sure.
        unknown: why there is no answer ("silence", "noise", ...); None where there is one. `top` and the rest are
            filled all the same.
        probabilities: `[C]` calibrated, of the whole recording.
        logits: `[S, C]` of the windows, as the network gives them.
    """

    path: str | None
    seconds: float
    top: tuple[Guess, ...]
    supergenre: Guess
    segments: tuple[TimelineEntry, ...]
    neighbours: tuple[Neighbour, ...]
    hedged: Hedged
    unknown: str | None
    probabilities: np.ndarray
    logits: np.ndarray

    @property
    def answer(self) -> str:
        """What people read: a genre's title, what it backs off to, or "unknown (silence)"."""
        return f"unknown ({self.unknown})" if self.unknown else self.hedged.title

    def to_dict(self, genres: tuple[str, ...], timeline: bool = True) -> dict[str, Any]:
        """Plain data for JSON; of each window the likeliest genre and its probability.

        Args:
            genres: the run's genre codes.
            timeline: with the windows.
        """
        found: dict[str, Any] = {
            "path": self.path,
            "seconds": round(self.seconds, 3),
            "answer": self.answer,
            "unknown": self.unknown,
            "top": [_guess(guess) for guess in self.top],
            "supergenre": _guess(self.supergenre),
            "hedged": {
                "height": self.hedged.height,
                "code": self.hedged.code,
                "title": self.hedged.title,
                "probability": round(self.hedged.probability, 4),
            },
            "neighbours": [
                {"genre": near.genre, "title": near.title, "distance": round(near.distance, 4)}
                for near in self.neighbours
            ],
        }
        if timeline:
            found["segments"] = [_window(entry, genres) for entry in self.segments]
        return found


def _guess(guess: Guess) -> dict[str, Any]:
    return {"genre": guess.genre, "title": guess.title, "probability": round(guess.probability, 4)}


def _window(entry: TimelineEntry, genres: tuple[str, ...]) -> dict[str, Any]:
    best = int(entry.probabilities.argmax())
    return {
        "start": round(entry.start, 3),
        "seconds": round(entry.seconds, 3),
        "genre": genres[best],
        "probability": round(float(entry.probabilities[best]), 4),
    }

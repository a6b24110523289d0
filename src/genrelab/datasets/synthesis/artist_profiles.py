"""Artists: the habits that one performer keeps from track to track, whatever the genre."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from genrelab.datasets.synthesis.genre_rules import EVERY_BASS, EVERYTHING, Genre

KITS = (0, 8, 16, 24, 25, 32, 40)  # General MIDI: standard, room, power, electronic, analog, jazz, brush
ROLES = ("drums", "bass", "chords", "figure", "tune")
ANY_TONE = 0.4  # how often an instrument is drawn from all there are, so that timbre alone tells little


@dataclass(frozen=True)
class Artist:
    """Habits of one performer.

    Args:
        kit: program of the drum kit.
        tones: programs a part is played with, by role; a track takes one of them.
        keys: the keys (semitones over C) it plays in.
        tempo: place between the genre's slowest (0) and fastest (1) tempo.
        swing: place between the genre's least and most swing.
        sloppiness: spread of the notes about the beat, s.
        push: how far each role lies before (-) or behind (+) the beat, s.
        accent: how much louder accents are than the rest, 0 to 1.
        fills: share of the phrases that end in a fill.
        grooves: order in which it likes the genre's grooves; the first most.
        gains: of the roles in the mix, dB.
        tilt: slope of the whole mix about 1 kHz, dB an octave.
        peak: a bump in the mix: its center (Hz) and height (dB).
        room: loudness of the reverberation (0 to 1) and its length (s).
        hiss: noise under the music, dB of the music's level.
        octave: moves the chords up or down, semitones.
    """

    kit: int
    tones: dict[str, tuple[int, ...]]
    keys: tuple[int, ...]
    tempo: float
    swing: float
    sloppiness: float
    push: dict[str, float]
    accent: float
    fills: float
    grooves: tuple[int, ...]
    gains: dict[str, float]
    tilt: float
    peak: tuple[float, float]
    room: tuple[float, float]
    hiss: float
    octave: int


def generator(*words: object) -> np.random.Generator:
    """A random generator of its own for every sequence of words, the same on every machine."""
    digest = hashlib.blake2b("|".join(str(word) for word in words).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def make_artist(genre: Genre, number: int, seed: int) -> Artist:
    """Artist `number` of a genre: its parts draw on the genre's instruments or on anyone's, its mix is its own."""
    rng = generator("artist", seed, genre.code, number)
    tones = {
        "bass": _tones(rng, genre.bass_tones, EVERY_BASS),
        "chords": _tones(rng, genre.chord_tones, EVERYTHING),
        "figure": _tones(rng, genre.chord_tones, EVERYTHING),
        "tune": _tones(rng, genre.tune_tones, EVERYTHING),
    }
    return Artist(
        kit=int(rng.choice(KITS)),
        tones=tones,
        keys=tuple(int(key) for key in rng.choice(12, 3, replace=False)),
        tempo=float(rng.uniform()),
        swing=float(rng.uniform()),
        sloppiness=float(rng.uniform(0.002, 0.012)),
        push={role: float(rng.normal(0, 0.005)) for role in ROLES},
        accent=float(rng.uniform(0.4, 1.0)),
        fills=float(rng.uniform(0.15, 0.7)),
        grooves=tuple(int(place) for place in rng.permutation(len(genre.grooves))),
        gains={role: float(rng.normal(0, 3.0)) for role in ROLES},
        tilt=float(rng.uniform(-3.0, 3.0)),
        peak=(float(np.exp(rng.uniform(np.log(150), np.log(6_000)))), float(rng.normal(0, 5.0))),
        room=(float(rng.uniform(0.0, 0.5)), float(rng.uniform(0.15, 0.9))),
        hiss=float(rng.uniform(-60, -34)),
        octave=int(rng.choice((-12, 0, 0, 0, 12))),
    )


def _tones(rng: np.random.Generator, own: tuple[int, ...], every: tuple[int, ...]) -> tuple[int, ...]:
    """Two instruments for a part."""
    return tuple(int(rng.choice(every if rng.uniform() < ANY_TONE else own)) for _ in range(2))

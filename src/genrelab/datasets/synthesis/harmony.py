"""Chords and scales: roman numerals to notes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_NUMERALS = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_CHORD = re.compile(r"([b#]?)([ivIV]+)(maj7|7|9|5)?$")
_MINOR_SEVENTH, _MAJOR_SEVENTH = 10, 11


@dataclass(frozen=True)
class Chord:
    """A chord in a key.

    Args:
        root: semitones over the key.
        third, seventh: semitones over the root.
    """

    root: int
    third: int
    seventh: int

    @property
    def notes(self) -> tuple[int, ...]:
        """Semitones over the key: root, third, fifth, seventh."""
        return tuple(self.root + step for step in (0, self.third, 7, self.seventh))


@cache
def parse_chord(text: str) -> Chord:
    """A roman numeral: "ii7", "bVII", "Imaj7"; lower case is minor.

    Raises:
        ValueError: no such chord.
    """
    match = _CHORD.match(text)
    if match is None or match[2].lower() not in _NUMERALS:
        raise ValueError(f"no chord {text!r}")
    shift = {"b": -1, "#": 1, "": 0}[match[1]]
    seventh = _MAJOR_SEVENTH if match[3] == "maj7" else _MINOR_SEVENTH
    return Chord((_NUMERALS[match[2].lower()] + shift) % 12, 3 if match[2].islower() else 4, seventh)


@cache
def parse_harmony(text: str) -> tuple[tuple[Chord, ...], ...]:
    """A progression: one or two chords in each bar."""
    return tuple(tuple(parse_chord(name) for name in bar.split("/")) for bar in text.split())


def voice(chord: Chord, voicing: str, near: int) -> tuple[int, ...]:
    """Notes of a chord, as semitones over the key, laid out around `near`.

    Args:
        voicing: "triad" (1 3 5), "seventh" (1 3 5 7), "shell" (3 7 and the fifth above), "power" (1 5 8),
            "ninth" (3 5 7 9).
    """
    root, third, seventh = chord.root, chord.third, chord.seventh
    if voicing == "power":
        base = _closest(root, near - 12)
        return (base, base + 7, base + 12)
    steps = {"triad": (0, third, 7), "seventh": (0, third, 7, seventh), "shell": (third, seventh, 14)}
    steps["ninth"] = (third, 7, seventh, 14)
    return tuple(sorted(_closest(root + step, near) for step in steps[voicing]))


def _closest(note: int, near: int) -> int:
    """The octave of `note` that lies within six semitones of `near`."""
    return note + 12 * round((near - note) / 12)

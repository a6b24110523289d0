"""The players: each reads a pattern and the chords and writes notes, bar by bar. Times are in sixteenth steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from genrelab.datasets.synthesis.harmony import Chord, voice
from genrelab.datasets.synthesis.style_elements import KIT, SCALES, Groove

STEPS = 16  # in a bar
LOUDNESS = {"X": 1.0, "x": 0.72, "o": 0.42, "l": 0.8, "m": 0.75}
Harmony = Sequence[tuple[Chord, ...]]


@dataclass(frozen=True)
class Note:
    """A note: `start` and `length` in steps from the beginning of the piece, `pitch` of MIDI, `loudness` 0 to 1."""

    start: float
    length: float
    pitch: int
    loudness: float


def clean(pattern: str) -> str:
    """A pattern without the spaces that are for the eye."""
    return pattern.replace(" ", "")


def chord_at(harmony: Harmony, step: int) -> Chord:
    """The chord that sounds at a step."""
    bar, within = divmod(step, STEPS)
    chords = harmony[bar % len(harmony)]
    return chords[within * len(chords) // STEPS]


def play_drums(groove: Groove, bars: range) -> Iterator[Note]:
    """The groove, over and over."""
    for score, pattern in groove.items():
        text = clean(pattern)
        for step in range(bars.start * STEPS, bars.stop * STEPS):
            mark = text[step % len(text)]
            if mark != ".":
                yield Note(step, 0.9, KIT[score], LOUDNESS[mark])


def play_fill(rng: np.random.Generator, bar: int, beats: int) -> Iterator[Note]:
    """Snare and toms over the last beats of a bar, and a crash after it."""
    for step in range((bar + 1) * STEPS - 4 * beats, (bar + 1) * STEPS):
        if rng.uniform() < 0.75:
            yield Note(step, 0.9, KIT[str(rng.choice(("snare", "tom", "hightom")))], float(rng.uniform(0.6, 1.0)))
    yield Note((bar + 1) * STEPS, 8, KIT["crash"], 0.9)


def play_bass(rng: np.random.Generator, pattern: str, harmony: Harmony, key: int, bars: range) -> Iterator[Note]:
    """A bass figure; the key's root lies between E1 and D#2."""
    text, low = clean(pattern), 28 + (key - 28) % 12
    pitch = low
    for step in range(bars.start * STEPS, bars.stop * STEPS):
        mark = text[step % len(text)]
        if mark in ".-":
            continue
        chord, following = chord_at(harmony, step), chord_at(harmony, (step // STEPS + 1) * STEPS)
        if mark == "w":
            pitch = _walk(rng, pitch, low, chord, chord_at(harmony, step + 4), step % STEPS)
        elif mark in "na":
            pitch = low + following.root - (mark == "a")
        else:
            steps = {"1": 0, "3": chord.third, "5": 7, "6": 9, "7": chord.seventh, "8": 12}
            pitch = low + chord.root + steps[mark]
        while pitch > low + 14:
            pitch -= 12
        yield Note(step, _held(text, step), pitch, 0.95 if step % 4 == 0 else 0.8)


def _held(text: str, step: int) -> float:
    """Length of a note: to the end of its dashes; a step and a half where nothing follows at once."""
    length = 1
    while length < len(text) and text[(step + length) % len(text)] == "-":
        length += 1
    if length > 1:
        return length - 0.2
    gap = 1
    while gap < 4 and text[(step + gap) % len(text)] == ".":
        gap += 1
    return gap * 0.85


def _walk(rng: np.random.Generator, last: int, low: int, chord: Chord, upcoming: Chord, place: int) -> int:
    """A walking bass: the root on one, chord notes between, a half step into the next chord."""
    if place == 0:
        return low + chord.root
    if place >= 12 and upcoming.root != chord.root:
        return low + upcoming.root + int(rng.choice((-1, 1)))
    near = [low + note + octave for note in chord.notes for octave in (-12, 0) if low - 3 <= low + note + octave]
    moves = [pitch for pitch in near if pitch != last]
    weights = np.array([1.0 / (1 + abs(pitch - last)) for pitch in moves])
    return int(rng.choice(moves, p=weights / weights.sum()))


def play_chords(pattern: str, voicing: str, harmony: Harmony, center: int, key: int, bars: range) -> Iterator[Note]:
    """Chords in a rhythm, laid out around the pitch `center`."""
    text = clean(pattern)
    for step in range(bars.start * STEPS, bars.stop * STEPS):
        mark = text[step % len(text)]
        if mark == ".":
            continue
        pitches = [key + note for note in voice(chord_at(harmony, step), voicing, center - key)]
        length = {"x": 1.1, "X": 1.6, "m": 0.6, "l": STEPS - 0.5}[mark]
        for pitch in pitches[:1] if mark == "m" else pitches:
            yield Note(step, length, pitch, LOUDNESS[mark])


def play_figure(pattern: str, harmony: Harmony, center: int, key: int, bars: range) -> Iterator[Note]:
    """Broken chords: figures count the chord's notes upwards."""
    text = clean(pattern)
    for step in range(bars.start * STEPS, bars.stop * STEPS):
        mark = text[step % len(text)]
        if mark == ".":
            continue
        notes = voice(chord_at(harmony, step), "triad", center - key)
        octave, place = divmod(int(mark) - 1, len(notes))
        yield Note(step, 1.2, key + notes[place] + 12 * octave, 0.9 if step % 4 == 0 else 0.7)


def play_tune(
    rng: np.random.Generator, cells: Sequence[str], scale: str, harmony: Harmony, center: int, key: int, bars: range
) -> Iterator[Note]:
    """A tune: a motif of two bars, its shape repeated over the chords, sometimes answered with another."""
    ladder = [12 * octave + step for octave in range(1, 10) for step in SCALES[scale]]
    motif = [clean(str(rng.choice(cells))) for _ in range(2)]
    shape = rng.choice((-2, -1, -1, 0, 1, 1, 2), size=2 * STEPS)
    place = int(np.argmin([abs(note + key - center) for note in ladder]))
    home = place
    for bar in bars:
        text = motif[bar % 2] if rng.uniform() < 0.85 else clean(str(rng.choice(cells)))
        for within, mark in enumerate(text):
            if mark != "x":
                continue
            step = bar * STEPS + within
            place = int(np.clip(place + shape[(step % (2 * STEPS))], home - 7, home + 7))
            note = ladder[place]
            if within % 8 == 0:  # strong beats rest on the chord
                chord = chord_at(harmony, step)
                note = min((n + 12 * o for n in chord.notes for o in range(9)), key=lambda n: abs(n - note))
            yield Note(step, _held(text, within), key + note, 0.95 if within % 4 == 0 else 0.8)

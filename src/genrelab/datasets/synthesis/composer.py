"""A piece: an artist plays a genre's rules for some seconds. Notes with times, no sound yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from genrelab.datasets.synthesis.artist_profiles import Artist, generator
from genrelab.datasets.synthesis.genre_rules import BY_CODE, Genre
from genrelab.datasets.synthesis.harmony import parse_harmony
from genrelab.datasets.synthesis.instruments import (
    STEPS,
    Harmony,
    Note,
    play_bass,
    play_chords,
    play_drums,
    play_figure,
    play_fill,
    play_tune,
)

COMPOSER = 3  # raised when pieces come out differently: caches of older pieces are left alone
BORROW = 0.4  # share of tracks with a trait of a neighboring genre
BORROWED = (("grooves",), ("bass",), ("chords", "voicing"), ("harmony",), ("melody", "scale"), ("bpm", "swing"))
PHRASE = 4  # bars
HIGHEST = (
    86  # MIDI pitch; from about 92 the synthesizer never returns with some instruments (their loops are too short)
)


@dataclass(frozen=True)
class NoteEvent:
    """A note as it will sound: `time` and `length` in seconds, MIDI `pitch` and `velocity`."""

    time: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class InstrumentTrack:
    """What one player plays.

    Args:
        role: "drums", "bass", "chords", "figure", "tune".
        program: instrument of General MIDI, or the kit.
        sounds: the notes.
    """

    role: str
    program: int
    notes: tuple[NoteEvent, ...]


@dataclass(frozen=True)
class Score:
    """A composed excerpt.

    Args:
        parts: the players; their times count from before the excerpt.
        lead: where the excerpt begins, s, somewhere within a bar: what sounds then began earlier.
        bpm, key, swing: what became of the rules.
    """

    tracks: tuple[InstrumentTrack, ...]
    lead: float
    bpm: float
    key: int
    swing: float


@dataclass(frozen=True)
class Arrangement:
    """What is settled for one track before a note is written."""

    genre: Genre
    bpm: float
    swing: float
    key: int
    harmony: Harmony
    tones: dict[str, int]
    bars: int


def compose(genre: Genre, artist: Artist, seconds: float, rng: np.random.Generator) -> Score:
    """Compose an excerpt of `seconds` that begins somewhere within the second bar."""
    plan = _plan(genre, artist, seconds, rng)
    # An excerpt: it does not begin on the first beat, nor with the silence before the first note.
    lead = float(rng.uniform(STEPS, 2 * STEPS)) * 15.0 / plan.bpm
    parts = []
    for role, notes in _play(plan, artist, rng):
        program = artist.kit if role == "drums" else plan.tones[role]
        sounds = _perform(role, notes, plan, artist, lead + seconds, rng)
        parts.append(InstrumentTrack(role, program, tuple(sorted(sounds, key=lambda one: (one.time, one.pitch)))))
    return Score(tuple(parts), lead, plan.bpm, plan.key, plan.swing)


def _plan(genre: Genre, artist: Artist, seconds: float, rng: np.random.Generator) -> Arrangement:
    mixed = borrow(genre, rng)
    place = np.clip(0.7 * artist.tempo + 0.3 * rng.uniform(), 0, 1)
    bpm = float(genre.bpm[0] + place * (genre.bpm[1] - genre.bpm[0]))
    swing = float(genre.swing[0] + artist.swing * (genre.swing[1] - genre.swing[0]))
    harmony = parse_harmony(str(rng.choice(mixed.harmony)))
    start = int(rng.integers(len(harmony)))
    tones = {role: int(rng.choice(programs)) for role, programs in artist.tones.items()}
    bars = int(np.ceil(seconds * bpm / 240)) + 3
    key = int(rng.choice(artist.keys))
    return Arrangement(mixed, bpm, swing, key, harmony[start:] + harmony[:start], tones, bars)


def borrow(genre: Genre, rng: np.random.Generator) -> Genre:
    """The genre, now and then with one trait of a neighbor."""
    neighbors = [BY_CODE[code] for code in genre.near]
    fields = BORROWED[int(rng.integers(len(BORROWED)))]
    other = neighbors[int(rng.integers(len(neighbors)))]
    if rng.uniform() >= BORROW:
        return genre
    return replace(genre, **{field: getattr(other, field) for field in fields})


def _play(plan: Arrangement, artist: Artist, rng: np.random.Generator) -> Iterator[tuple[str, list[Note]]]:
    """Role by role, phrase by phrase."""
    genre, bars = plan.genre, range(plan.bars)
    center = 60 + int(rng.integers(-4, 5)) + artist.octave // 2
    bass, chords = str(rng.choice(genre.bass)), str(rng.choice(genre.chords))
    yield "drums", _drums(genre, artist, bars, rng)
    yield "bass", list(play_bass(rng, bass, plan.harmony, plan.key, bars))
    yield "chords", list(play_chords(chords, genre.voicing, plan.harmony, center, plan.key, bars))
    if genre.figures:
        figure = str(rng.choice(genre.figures))
        yield "figure", list(play_figure(figure, plan.harmony, center + 5, plan.key, bars))
    tune = play_tune(rng, genre.melody, genre.scale, plan.harmony, center + 14, plan.key, bars)
    heard = [rng.uniform() < genre.busy for _ in range(plan.bars // PHRASE + 1)]
    yield "tune", [note for note in tune if heard[int(note.start // STEPS) // PHRASE]]


def _drums(genre: Genre, artist: Artist, bars: range, rng: np.random.Generator) -> list[Note]:
    """The groove of the track with fills, and now and then a break without drums."""
    order = [place for place in artist.grooves if place < len(genre.grooves)] or [0]
    groove = genre.grooves[order[0] if rng.uniform() < 0.65 else order[-1]]
    notes = list(play_drums(groove, bars))
    if not groove:
        return notes
    for last in range(PHRASE - 1, bars.stop, PHRASE):
        if rng.uniform() < artist.fills:
            beats = int(rng.integers(1, 4))
            begin = (last + 1) * STEPS - 4 * beats
            notes = [note for note in notes if not begin <= note.start < begin + 4 * beats]
            notes += play_fill(rng, last, beats)
    if rng.uniform() < 0.15:
        silent = int(rng.integers(bars.stop)) * STEPS
        notes = [note for note in notes if not silent <= note.start < silent + 2 * STEPS]
    return notes


def _perform(
    role: str, notes: Iterable[Note], plan: Arrangement, artist: Artist, end: float, rng: np.random.Generator
) -> Iterator[NoteEvent]:
    """Steps to seconds, with swing, the artist's place about the beat, and its accents."""
    step = 15.0 / plan.bpm
    for note in notes:
        time = swing_time(note.start, plan.swing) * step
        time += artist.push[role] + artist.sloppiness * float(rng.normal())
        loudness = 1 - artist.accent * (1 - note.loudness) + 0.06 * float(rng.normal())
        if not 0 <= time <= end:
            continue
        velocity = int(np.clip(20 + 95 * loudness, 15, 127))
        yield NoteEvent(
            time, max(note.length * step, 0.03), note.pitch if role == "drums" else in_range(note.pitch), velocity
        )


def in_range(pitch: int) -> int:
    """The pitch, moved by octaves to where every instrument can play it."""
    return pitch if pitch <= HIGHEST else pitch - 12 * -((HIGHEST - pitch) // 12)


def swing_time(start: float, swing: float) -> float:
    """Move a step within its beat so that the second eighth falls at the share `swing` of it."""
    beat, within = divmod(start, 4.0)
    share = within / 4.0
    bent = share * 2 * swing if share < 0.5 else swing + (share - 0.5) * 2 * (1 - swing)
    return 4.0 * (beat + bent)


def track_generator(seed: int, genre: Genre, artist: int, number: int) -> np.random.Generator:
    """The randomness of one track: the same however many others are made."""
    return generator("track", seed, genre.code, artist, number)

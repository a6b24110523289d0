"""The genres of the demo: for each, the habits that make a listener know it.

Codes and neighbors are those of the Musicmap; a genre shares traits with its neighbors (`style_elements.py`),
and most instruments with everyone, so that rhythm and harmony have to tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genrelab.datasets.synthesis import style_elements as t
from genrelab.datasets.synthesis.style_elements import Groove

# General MIDI programs by family, counted from 0.
KEYS = (0, 1, 3, 4, 5)
ORGANS = (16, 17, 18)
GUITARS = (24, 25, 26, 27)
DRIVEN = (28, 29, 30, 84)
SYNTHS = (62, 80, 81, 90)
STRINGS = (48, 50, 89)
BRASS = (56, 57, 61, 62)
REEDS = (64, 65, 66, 71)
FOLK = (22, 24, 105, 110)
MALLETS = (11, 12, 13)
UPRIGHT = (32, 35)
ELECTRIC = (33, 34, 36)
SYNTH_BASS = (38, 39)
EVERY_BASS = UPRIGHT + ELECTRIC + SYNTH_BASS
EVERYTHING = KEYS + ORGANS + GUITARS + DRIVEN + SYNTHS + STRINGS + BRASS + REEDS + MALLETS


@dataclass(frozen=True)
class Genre:
    """Rules of one genre.

    Args:
        code: in the Musicmap.
        title: as people say it.
        near: codes of demo genres that stand beside it on the graph; a track may borrow a trait there.
        bpm: slowest and fastest tempo, quarter notes a minute.
        swing: where the second eighth falls in the beat, least and most: 0.5 even, 0.67 a triplet.
        grooves: of the drums.
        bass: figures.
        chords: rhythms of the accompaniment.
        voicing: how chords are laid out: "triad", "seventh", "shell", "power", "ninth", "octaves".
        figures: broken chords and riffs; none: ().
        harmony: progressions.
        melody: rhythms of the tune.
        scale: of the tune.
        busy: share of the phrases in which a tune is heard.
        bass_tones, chord_tones, tune_tones: instruments it prefers for each part.
    """

    code: str
    title: str
    near: tuple[str, ...]
    bpm: tuple[float, float]
    swing: tuple[float, float]
    grooves: tuple[Groove, ...]
    bass: tuple[str, ...]
    chords: tuple[str, ...]
    voicing: str
    figures: tuple[str, ...]
    harmony: tuple[str, ...]
    melody: tuple[str, ...]
    scale: str
    busy: float
    bass_tones: tuple[int, ...]
    chord_tones: tuple[int, ...]
    tune_tones: tuple[int, ...]


STRAIGHT = (0.49, 0.52)
SWUNG = (0.60, 0.67)
FAST_SWING = (0.56, 0.62)

SKA = Genre(
    "jam02", "Ska", ("jam04", "jaz03"), (112, 138), (0.52, 0.58),
    (t.SKA, t.SKA_STEPPERS), (t.WALKING, t.WALKING_SKIP), (t.SKANK,), "triad", (),
    (t.SKA_TURN, t.THREE_CHORDS), ("x.x. x... x.x. x--.", "..x. x.x. x--- ...."), "major", 0.5,
    UPRIGHT + ELECTRIC, KEYS + GUITARS + ORGANS, BRASS + REEDS + ORGANS,
)  # fmt: skip
REGGAE = Genre(
    "jam04", "Roots Reggae", ("jam02",), (68, 86), (0.52, 0.60),
    (t.REGGAE_ONE_DROP, t.REGGAE_STEPPERS), (t.REGGAE_DROP, t.REGGAE_ROOTS), (t.SKANK, t.ORGAN_BUBBLE), "triad", (),
    (t.REGGAE_VAMP, t.REGGAE_TURN), ("x--- ..x. x--- ....", "..x. x.x- ---- ...."), "minor", 0.35,
    ELECTRIC + UPRIGHT, ORGANS + GUITARS + KEYS, BRASS + ORGANS + SYNTHS,
)  # fmt: skip
CHICAGO_HOUSE = Genre(
    "hou01", "Chicago House", ("tec01",), (117, 126), STRAIGHT,
    (t.HOUSE_JACK, t.HOUSE_GARAGE), (t.HOUSE_OFFBEAT, t.HOUSE_LINE), (t.HOUSE_STABS, t.HOUSE_VAMP), "seventh", (),
    (t.HOUSE_SEVENTHS, t.HOUSE_LIFT), ("x... ..x. x--- ....", "..x. ..x. ..x- ----"), "dorian", 0.3,
    SYNTH_BASS + ELECTRIC, KEYS + ORGANS + SYNTHS, SYNTHS + REEDS + MALLETS,
)  # fmt: skip
DETROIT_TECHNO = Genre(
    "tec01", "Detroit Techno", ("hou01",), (126, 138), STRAIGHT,
    (t.TECHNO_MOTOR, t.TECHNO_HEADS), (t.TECHNO_OSTINATO, t.TECHNO_PULSE), (t.DOTTED_STAB, t.DUB_STAB), "ninth",
    (t.ACID,), (t.PARALLEL_NINTHS, t.ONE_CHORD), ("x--- ---- --x- ----",), "minor", 0.15,
    SYNTH_BASS + ELECTRIC, SYNTHS + KEYS + STRINGS, SYNTHS + MALLETS + STRINGS,
)  # fmt: skip
SWING = Genre(
    "jaz03", "Swing / Big Band", ("jaz06", "blu05", "jam02"), (132, 178), SWUNG,
    (t.SWING_BAND, t.SWING_HATS), (t.WALKING,), (t.FOUR_TO_THE_BAR,), "shell", (),
    (t.RHYTHM_CHANGES, t.TURNAROUND), ("..x. x.x. x--. ..x-", "x--. ..x. x.x- ----"), "major", 0.6,
    UPRIGHT, GUITARS + KEYS, BRASS + REEDS,
)  # fmt: skip
BEBOP = Genre(
    "jaz06", "Bebop", ("jaz03",), (196, 250), FAST_SWING,
    (t.BOP_RIDE, t.BOP_BOMBS), (t.WALKING, t.WALKING_SKIP), (t.BOP_COMP,), "shell", (),
    (t.RHYTHM_CHANGES, t.TWO_FIVES, t.SIDE_SLIP), ("x.x. x.x. x.x. x.x.", "x.x. x.x. x.x. x..."), "bebop", 0.9,
    UPRIGHT, KEYS + GUITARS, BRASS + REEDS + KEYS,
)  # fmt: skip
HARDCORE = Genre(
    "hcp01", "Original Hardcore (Punk)", ("met06",), (164, 196), STRAIGHT,
    (t.POLKA, t.D_BEAT), (t.PUMPING_EIGHTHS,), (t.DOWNSTROKES,), "power", (),
    (t.POWER_MAJOR, t.POWER_FAST), ("x.x. x.x. x--- ....", "x... x.x. x... x..."), "major", 0.3,
    ELECTRIC, DRIVEN + GUITARS, DRIVEN + SYNTHS + BRASS,
)  # fmt: skip
THRASH = Genre(
    "met06", "Thrash Metal", ("hcp01",), (158, 196), STRAIGHT,
    (t.THRASH_SKANK, t.DOUBLE_KICK), (t.GALLOP, t.PUMPING_EIGHTHS), (t.CHUG, t.CHUG_STRAIGHT), "power", (),
    (t.PHRYGIAN, t.TRITONE), ("xxxx xxxx x-x- x---", "x-xx x-xx x--- ----"), "phrygian", 0.3,
    ELECTRIC, DRIVEN + GUITARS, DRIVEN + SYNTHS,
)  # fmt: skip
JUMP_BLUES = Genre(
    "blu05", "Jump Blues", ("jaz03", "blu03"), (136, 168), SWUNG,
    (t.JUMP_SHUFFLE, t.JUMP_RIDE), (t.WALKING, t.BOOGIE_LEFT_HAND), (t.HORN_PUNCHES, t.SHUFFLE_RIFF), "seventh", (),
    (t.TWELVE_BAR, t.QUICK_CHANGE), ("x.x. x--. .... ....", "..x. x.x. x--- ...."), "majorblues", 0.55,
    UPRIGHT + ELECTRIC, BRASS + REEDS + KEYS, REEDS + BRASS + GUITARS,
)  # fmt: skip
BOOGIE_WOOGIE = Genre(
    "blu03", "Boogie Woogie / Piano Blues", ("blu05",), (128, 172), SWUNG,
    (t.BOOGIE_BRUSH, t.BOOGIE_HATS, t.NO_DRUMS), (t.BOOGIE_LEFT_HAND, t.BOOGIE_ROLL), (t.CHARLESTON, t.SHUFFLE_RIFF),
    "seventh", (t.BOOGIE_RIGHT,), (t.TWELVE_BAR, t.QUICK_CHANGE), ("x.x. x.x. x... ....",), "blues", 0.3,
    KEYS + UPRIGHT, KEYS + ORGANS, KEYS + GUITARS + MALLETS,
)  # fmt: skip
JUNGLE = Genre(
    "dnb01", "Old Skool Jungle & Drum 'N' Bass", ("dnb03",), (158, 168), STRAIGHT,
    (t.AMEN, t.THINK), (t.SUB_DROP,), (t.REGGAE_SKANK, t.RAVE_STAB), "seventh", (),
    (t.REGGAE_VAMP, t.HOUSE_SEVENTHS), ("x--- ---- ..x- ----", "..x. ..x. x--- ----"), "minor", 0.25,
    SYNTH_BASS + ELECTRIC, STRINGS + ORGANS + KEYS, SYNTHS + KEYS + MALLETS,
)  # fmt: skip
TECHSTEP = Genre(
    "dnb03", "Hardstep & Techstep", ("dnb01",), (166, 178), STRAIGHT,
    (t.TECHSTEP, t.TECHSTEP_ROLL), (t.REESE, t.SUB_DROP), (t.RAVE_STAB, t.PAD), "ninth", (),
    (t.DARK_PEDAL, t.ONE_CHORD), ("x--- ---- ---- ----",), "phrygian", 0.15,
    SYNTH_BASS + ELECTRIC, SYNTHS + STRINGS + DRIVEN, SYNTHS + STRINGS,
)  # fmt: skip
CLASSIC_COUNTRY = Genre(
    "cou01", "Classic Country / Hillbilly", ("cou04",), (92, 122), (0.52, 0.60),
    (t.TRAIN_BEAT, t.BOOM_CHICK, t.NO_DRUMS), (t.TWO_BEAT,), (t.CHICK,), "triad", (),
    (t.COUNTRY, t.THREE_CHORDS), ("x-x- x--- x-x- x---", "x--- x-x- x--- ...."), "pentatonic", 0.7,
    UPRIGHT + ELECTRIC, GUITARS + KEYS, FOLK + GUITARS,
)  # fmt: skip
BLUEGRASS = Genre(
    "cou04", "Bluegrass", ("cou01",), (128, 160), STRAIGHT,
    (t.NO_DRUMS, t.BLUEGRASS_CHOP), (t.TWO_BEAT,), (t.MANDOLIN_CHOP, t.CHICK), "triad", (t.BANJO_ROLL,),
    (t.BLUEGRASS, t.BREAKDOWN, t.COUNTRY), ("x.xx x.xx x.xx x.x.", "xxxx x.x. xxxx x..."), "pentatonic", 0.5,
    UPRIGHT, GUITARS + KEYS, FOLK + GUITARS,
)  # fmt: skip
MAMBO = Genre(
    "woA09", "Mambo", ("woA13",), (104, 124), STRAIGHT,
    (t.MAMBO,), (t.TUMBAO, t.TUMBAO_FULL), (t.HORN_PUNCHES, t.CHARLESTON), "seventh", (t.MONTUNO,),
    (t.MAMBO_TURN, t.THREE_CHORDS), ("x.x. ..x. x.x. ..x.", "..x. x.x. x--- ...."), "major", 0.55,
    UPRIGHT + ELECTRIC, BRASS + REEDS, BRASS + REEDS + KEYS,
)  # fmt: skip
SALSA = Genre(
    "woA13", "Salsa", ("woA09",), (86, 106), STRAIGHT,
    (t.SALSA,), (t.TUMBAO_FULL, t.TUMBAO), (t.PAD, t.HORN_PUNCHES), "triad", (t.MONTUNO,),
    (t.SALSA_MINOR,), ("x.x. x--- ..x. x---", "..x. x.x. ..x- ----"), "harmonic", 0.4,
    ELECTRIC + UPRIGHT, KEYS + STRINGS, BRASS + REEDS + MALLETS,
)  # fmt: skip

# In pairs: the first n, for any n, have their relatives with them.
GENRES: tuple[Genre, ...] = (
    SWING, BEBOP, SKA, REGGAE, CHICAGO_HOUSE, DETROIT_TECHNO, HARDCORE, THRASH, JUMP_BLUES, BOOGIE_WOOGIE,
    JUNGLE, TECHSTEP, CLASSIC_COUNTRY, BLUEGRASS, MAMBO, SALSA,
)  # fmt: skip
BY_CODE: Mapping[str, Genre] = {genre.code: genre for genre in GENRES}

"""What genres are made of, named as musicians name it. Genres that stand near each other share these.

A bar of 4/4 has sixteen steps, four to the beat; spaces are for the eye, and a pattern may be several bars long.

    drums    X loud   x played   o ghosted   . rest
    bass     1 3 5 6 7 8 notes of the chord   w walking   n root of the next chord   a half a step under it
             - held on   . rest
    chords   X loud   x short   l held until the next   m its low note, muted   . rest
    figures  1 2 3 4 5 6 the chord's notes from below, on and on upwards   . rest
    melody   x a note   - held on   . rest
    harmony  one chord a bar, "/" between two in one bar; i is minor, I major; 5 a power chord
"""

from __future__ import annotations

from collections.abc import Mapping

Groove = Mapping[str, str]  # piece of the drum kit -> pattern

# Drums. General MIDI keys of the kit.
KIT = {
    "kick": 36, "snare": 38, "rim": 37, "clap": 39, "hat": 42, "open": 46, "pedal": 44, "ride": 51, "bell": 53,
    "crash": 49, "tom": 45, "hightom": 50, "cowbell": 56, "conga": 63, "lowconga": 64, "mute": 62, "claves": 75,
    "shaker": 70, "timbale": 65, "tambourine": 54,
}  # fmt: skip

FOUR_ON_THE_FLOOR = "X... X... X... X..."
BACKBEAT = ".... X... .... X..."
OFFBEATS = "..x. ..x. ..x. ..x."
EIGHTHS = "x.x. x.x. x.x. x.x."
SIXTEENTHS = "xoxo xoxo xoxo xoxo"
SWING_RIDE = "x... x.x. x... x.x."
TWO_AND_FOUR = ".... x... .... x..."
ONE_DROP = ".... .... X... ...."
POLKA_SNARE = "..X. ..X. ..X. ..X."
CLAVE = "X... ..x. ..x. .... ..x. x... x... ...."  # son clave, three-two, over two bars of cut time
CASCARA = "x.x. x.xx .x.x x.x. x.xx .x.x x.x. xx.x"

SKA: Groove = {"kick": ".... x... .... x...", "snare": ".... x... .... x...", "hat": "o.X. o.X. o.X. o.X."}
SKA_STEPPERS: Groove = {"kick": "x... x... x... x...", "rim": BACKBEAT, "hat": OFFBEATS}
REGGAE_ONE_DROP: Groove = {"kick": ONE_DROP, "rim": ONE_DROP, "hat": "x.xo x.x. x.xo x.x."}
REGGAE_STEPPERS: Groove = {
    "kick": "x... x... x... x...", "rim": ".... .... X... ..o.",
    "hat": "x.x. x.xx x.x. x.x.",
}  # fmt: skip
HOUSE_JACK: Groove = {
    "kick": FOUR_ON_THE_FLOOR,
    "clap": BACKBEAT,
    "open": "..X. ..X. ..X. ..X.",
    "hat": "x..x x..x x..x x.xx",
}
HOUSE_GARAGE: Groove = {
    "kick": FOUR_ON_THE_FLOOR,
    "clap": BACKBEAT,
    "open": OFFBEATS,
    "tambourine": "..o. .o.x ..o. .o.x",
}
TECHNO_MOTOR: Groove = {"kick": FOUR_ON_THE_FLOOR, "hat": SIXTEENTHS, "rim": "...x ..x. .x.. x..."}
TECHNO_HEADS: Groove = {
    "kick": FOUR_ON_THE_FLOOR, "ride": EIGHTHS,
    "hat": SIXTEENTHS, "tom": "..x. .x.. x..x ....",
}  # fmt: skip
SWING_BAND: Groove = {"kick": "o... o... o... o...", "ride": SWING_RIDE, "pedal": ".... X... .... X..."}
SWING_HATS: Groove = {"kick": "x... x... x... x...", "open": "X... ..o. X... ..o.", "pedal": TWO_AND_FOUR}
BOP_RIDE: Groove = {
    "ride": SWING_RIDE,
    "pedal": TWO_AND_FOUR,
    "snare": "..o. .... ..x. ....",
    "kick": ".... ..x. .... ....",
}
BOP_BOMBS: Groove = {
    "ride": SWING_RIDE,
    "pedal": TWO_AND_FOUR,
    "snare": ".... ..o. .... o...",
    "kick": ".... .... ..X. ....",
}
POLKA: Groove = {"kick": "X... X... X... X...", "snare": POLKA_SNARE, "hat": EIGHTHS}
D_BEAT: Groove = {"kick": "X..x ..x. X..x ..x.", "snare": ".... X... .... X...", "hat": EIGHTHS}
THRASH_SKANK: Groove = {"kick": "X.x. X.x. X.x. X.x.", "snare": POLKA_SNARE, "ride": FOUR_ON_THE_FLOOR}
DOUBLE_KICK: Groove = {"kick": "xxxx xxxx xxxx xxxx", "snare": BACKBEAT, "bell": "x... x... x... x..."}
JUMP_SHUFFLE: Groove = {"kick": "x... x... x... x...", "snare": ".... X... .... X.o.", "hat": EIGHTHS}
JUMP_RIDE: Groove = {"kick": "x... .... x... ....", "snare": BACKBEAT, "ride": SWING_RIDE}
BOOGIE_BRUSH: Groove = {"snare": "o... x.o. o... x.o."}
BOOGIE_HATS: Groove = {"hat": TWO_AND_FOUR, "kick": "o... .... o... ...."}
AMEN: Groove = {
    "kick": "X.X. .... ..XX .... X.X. .... ..X. ....",
    "snare": ".... X..o .o.. X..o .... X..o .o.. ..X.",
    "ride": "x.x. x.x. x.x. x.x. x.x. x.x. x.x. x.x.",
}
THINK: Groove = {
    "kick": "X... ..X. ..X. .... X.X. .... ..X. .X..",
    "snare": ".... X..o .X.. X.oo ..o. X..o .X.o X...",
    "shaker": SIXTEENTHS,
}
TECHSTEP: Groove = {"kick": "X... .... ..X. ....", "snare": ".... X... .... X...", "hat": EIGHTHS}
TECHSTEP_ROLL: Groove = {
    "kick": "X... .... ..X. ..x.", "snare": ".... X... .... X...",
    "ride": "..x. ..x. ..x. ..x.",
}  # fmt: skip
TRAIN_BEAT: Groove = {"kick": "x... .... x... ....", "snare": "oo.x oo.x oo.x oo.x"}
BOOM_CHICK: Groove = {"kick": "x... .... x... ....", "rim": ".... x... .... x..."}
NO_DRUMS: Groove = {}
BLUEGRASS_CHOP: Groove = {"mute": "..o. ..o. ..o. ..o."}
MAMBO: Groove = {
    "claves": CLAVE, "cowbell": "X.x. X.x. X.x. X.x.", "conga": ".... x... .... ..xx",
    "lowconga": ".... .... .... x.x.", "timbale": ".... .... .... x...",
}  # fmt: skip
SALSA: Groove = {
    "claves": CLAVE, "timbale": CASCARA,
    "conga": "..x. x... ..x. ..xx", "kick": "...x ..x. ...x ..x.",
}  # fmt: skip

# Bass.
WALKING = "w... w... w... w..."
WALKING_SKIP = "w... w.w. w... w..."
TWO_BEAT = "1--. .... 5--. ...."
BOOGIE_LEFT_HAND = "1.8. 3.8. 5.8. 6.8."
BOOGIE_ROLL = "1.3. 5.6. 7.6. 5.3."
PUMPING_EIGHTHS = "1.1. 1.1. 1.1. 1.1."
GALLOP = "1.11 1.11 1.11 1.11"
REGGAE_DROP = "..1. 1... 5.3. 1..."
REGGAE_ROOTS = "1--. ..5. ..1. 3.5."
HOUSE_OFFBEAT = "..1. ..1. ..8. ..1."
HOUSE_LINE = "1..1 ..8. .1.. 5.7."
TECHNO_OSTINATO = "11.1 1.81 11.1 1.17"
TECHNO_PULSE = "..11 ..11 ..11 ..81"
SUB_DROP = "1--- --.. ..5- --.. 1--- ---- .... 7-.."
REESE = "1--- ---- ---- ---- ---- ---- 7--- a---"
TUMBAO = "...5 --n- ---- ...."
TUMBAO_FULL = ".... ..5- --.. n--- .... ..5- --.. n---"

# Chords.
SKANK = "..X. ..X. ..X. ..X."
REGGAE_SKANK = ".... X... .... X..."
ORGAN_BUBBLE = "..x. X.x. ..x. X.x."
FOUR_TO_THE_BAR = "x... X... x... X..."
HOUSE_STABS = "X..X ..X. .X.. X..."
HOUSE_VAMP = "X..x ..X. ..x. X..."
DUB_STAB = "...X .... ..X. ...."
DOTTED_STAB = "X..X ..X. .X.. X..X"
BOP_COMP = "..X. .... .... ..X. .... ..X. ..x. ...."
CHARLESTON = "X... ..X. .... ...."
DOWNSTROKES = "x.x. x.x. x.x. x.x."
CHUG = "m.mm m.mm X.mm m.mm"
CHUG_STRAIGHT = "mmmm mmmm mmXm mmX."
SHUFFLE_RIFF = "X... x.x. X... x.x."
HORN_PUNCHES = ".... ..X. .... X..."
RAVE_STAB = "X..X .... ..X. ...."
PAD = "l... .... .... ...."
CHICK = ".... X... .... X..."
MANDOLIN_CHOP = "..X. ..X. ..X. ..X."

# Figures.
MONTUNO = "1.3. 24.1 .3.2 4.1. .3.1 .4.2 .3.1 .4.."
BANJO_ROLL = "1325 1325 3152 1324"
BOOGIE_RIGHT = "5.4. 5.3. 5.4. 2.3."
ACID = "1.41 .1.2 1.14 .1.6"

# Harmony.
TWELVE_BAR = "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7"
QUICK_CHANGE = "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7"
RHYTHM_CHANGES = "Imaj7/vi7 ii7/V7 iii7/vi7 ii7/V7 Imaj7/I7 IV7/iv7 iii7/vi7 ii7/V7"
TURNAROUND = "Imaj7 vi7 ii7 V7"
TWO_FIVES = "ii7 V7 Imaj7 Imaj7 iii7/VI7 ii7/V7 iv7/bVII7 Imaj7"
SIDE_SLIP = "ii7/V7 #i7/#IV7 Imaj7 VI7 ii7/V7 iii7/VI7 ii7/bII7 Imaj7"
THREE_CHORDS = "I IV V I"
COUNTRY = "I I IV I I I V I"
BLUEGRASS = "I I IV IV I V I I"
BREAKDOWN = "I I I V I IV V I"
SKA_TURN = "I vi IV V"
REGGAE_VAMP = "i i iv iv"
REGGAE_TURN = "i bVII i bVII"
HOUSE_SEVENTHS = "i7 i7 bVI7 bVII7"
HOUSE_LIFT = "i7 iv7 bVIImaj7 v7"
PARALLEL_NINTHS = "i9 i9 i9 bIII9"
ONE_CHORD = "i9 i9 i9 i9"
POWER_MAJOR = "I5 IV5 V5 IV5"
POWER_FAST = "I5/bIII5 IV5/V5 I5/bVII5 IV5/V5"
PHRYGIAN = "i5 i5/bII5 i5 bIII5/bII5"
TRITONE = "i5 i5 bV5/IV5 i5/bII5"
DARK_PEDAL = "i i bII i"
MAMBO_TURN = "I7 IV7 V7 IV7"
SALSA_MINOR = "i iv V7 V7"

# Scales, as semitones over the key.
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10),
    "blues": (0, 3, 5, 6, 7, 10), "majorblues": (0, 2, 3, 4, 7, 9), "bebop": (0, 2, 4, 5, 7, 8, 9, 11),
    "pentatonic": (0, 2, 4, 7, 9), "minorpentatonic": (0, 3, 5, 7, 10), "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
}  # fmt: skip

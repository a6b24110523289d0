"""The rules: readable by code as by people, related as the graph says, in pairs."""

from itertools import combinations
from statistics import mean

import pytest

from genrelab.datasets.synthesis.genre_rules import BY_CODE, GENRES, Genre
from genrelab.datasets.synthesis.harmony import parse_chord, parse_harmony, voice
from genrelab.datasets.synthesis.instruments import STEPS, clean
from genrelab.datasets.synthesis.style_elements import KIT, SCALES
from genrelab.taxonomy.registry import TAXONOMIES


def test_at_least_twelve_genres_of_six_supergenres():
    assert len(GENRES) >= 12
    assert len({genre.code[:3] for genre in GENRES[:12]}) >= 6
    assert len(BY_CODE) == len(GENRES)


@pytest.mark.parametrize("genre", GENRES, ids=lambda genre: genre.code)
def test_every_pattern_can_be_played(genre):
    for groove in genre.grooves:
        for piece, pattern in groove.items():
            assert piece in KIT
            assert len(clean(pattern)) % STEPS == 0 and set(clean(pattern)) <= set("Xxo.")
    for patterns, marks in (
        (genre.bass, "135678wna-."),
        (genre.chords, "Xxlm."),
        (genre.figures, "123456."),
        (genre.melody, "x-."),
    ):
        for pattern in patterns:
            assert len(clean(pattern)) % STEPS == 0 and set(clean(pattern)) <= set(marks)
    for progression in genre.harmony:
        assert all(len(bar) in (1, 2) for bar in parse_harmony(progression))
    assert genre.bpm[0] < genre.bpm[1] and genre.swing[0] < genre.swing[1]
    assert genre.scale in SCALES and set(genre.near) <= set(BY_CODE) - {genre.code}


def traits_of(genre: Genre) -> frozenset[object]:
    """What a genre can be told by, for comparing two: grooves piece by piece, figures, chords, harmony."""
    drums = {(piece, pattern) for groove in genre.grooves for piece, pattern in groove.items()}
    parts = {*genre.bass, *genre.chords, *genre.figures, *genre.harmony}
    return frozenset(drums | parts | {genre.swing, genre.voicing, ("scale", genre.scale)})


def test_related_genres_share_more_traits_than_strangers():
    def alike(a, b):
        return len(traits_of(a) & traits_of(b)) / len(traits_of(a) | traits_of(b))

    near = [alike(a, b) for a, b in combinations(GENRES, 2) if b.code in a.near or a.code in b.near]
    far = [alike(a, b) for a, b in combinations(GENRES, 2) if b.code not in a.near and a.code not in b.near]
    assert min(near) > mean(far)
    assert mean(near) > 3 * mean(far)


def test_the_first_genres_come_with_a_relative():
    for place, genre in enumerate(GENRES):
        partner = GENRES[place ^ 1]
        assert partner.code in genre.near and genre.code in partner.near


def test_neighbors_are_linked_on_the_musicmap_or_of_one_supergenre():
    taxonomy = TAXONOMIES.build("musicmap")
    linked = {frozenset((link.a, link.b)) for link in taxonomy.links}
    for genre in GENRES:
        family = taxonomy.supergenre_of[taxonomy.index(genre.code)]
        for code in genre.near:
            kin = taxonomy.supergenre_of[taxonomy.index(code)] == family
            assert kin or frozenset((genre.code, code)) in linked, (genre.code, code)


@pytest.mark.parametrize(
    ("text", "notes"), [("ii7", (2, 5, 9, 12)), ("Imaj7", (0, 4, 7, 11)), ("bVII", (10, 14, 17, 20))]
)
def test_chords(text, notes):
    assert parse_chord(text).notes == notes


def test_an_unknown_chord_is_refused():
    with pytest.raises(ValueError, match="'IIX'"):
        parse_chord("IIX")


def test_voicings_stay_near_and_keep_the_third():
    for voicing in ("triad", "seventh", "shell", "ninth"):
        notes = voice(parse_chord("ii7"), voicing, 60)
        assert all(abs(note - 60) <= 6 for note in notes) and 5 in {note % 12 for note in notes}
    assert {note % 12 for note in voice(parse_chord("V5"), "power", 60)} == {7, 2}

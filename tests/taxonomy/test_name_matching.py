"""Natural names find their genre, and none finds another's."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genrelab.taxonomy import Taxonomy, UnknownGenre
from genrelab.taxonomy.name_matching import fold, key, names_of
from genrelab.taxonomy.registry import TAXONOMIES
from naming import naming


@pytest.fixture(scope="module")
def musicmap() -> Taxonomy:
    return TAXONOMIES.build("musicmap", {})


def titled(*titles: str) -> Taxonomy:
    codes = tuple(f"g{i}" for i in range(len(titles)))
    return Taxonomy("made", "-", codes, titles, ("s",) * len(titles), {"s": "Sounds"})


@pytest.mark.parametrize(
    "spellings",
    [
        ("Drum and Bass", "drum'n'bass", "Drum & Bass", "drum_n_bass", "DRUM+BASS", "Drum 'N' Bass"),
        ("Hip Hop", "hip-hop", "HipHop", "hip_hop"),
        ("R&B", "RnB", "R'n'B", "r and b", "R n B", "R\u2019n\u2019B"),
        ("Lover's Rock", "Lovers Rock", "lovers_rock"),
        ("Reggaetón", "reggaeton"),
    ],
)
def test_spellings_of_a_name_are_one(spellings):
    assert len({key(spelling) for spelling in spellings}) == 1


def test_names_beyond_latin_letters_are_names():
    assert key("演歌") and key("演歌") != key("民謡")
    assert titled("演歌", "民謡").resolve("民謡") == "g1"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Reggae", "jam04"),  # (Roots) Reggae
        ("Roots Reggae", "jam04"),
        ("Rhythm and Blues", "rnb01"),  # (Early) Rhythm 'N' Blues
        ("rock_n_roll", "rnr02"),
        ("Rock and Roll", "rnr02"),
        ("Texas Blues", "blu04"),
        ("UK Garage", "brb06"),  # UK Garage (2-Step & Speed Garage)
        ("2-Step", "brb06"),
        ("Motown", "rnb04"),
        ("IDM", "tec03"),
        ("Intelligent Dance Music", "tec03"),
        ("Progressive Rock", "gld05"),  # joined by a comma
        ("Psychedelic Rock", "gld03"),  # Psychedelic / Acid Rock & Psychedelia
        ("Stoner Rock", "met10"),  # Stoner Metal / Rock & Sludge Metal / Rock
        ("Paisley Underground", "alt01"),
        ("Emo", "hcp04"),  # Emo(Core)
        ("synth-pop", "pwv08"),
        ("Cool Jazz and West Coast Jazz", "jaz07"),
        ("Hardstyle", "hct09"),
    ],
)
def test_natural_names_find_the_musicmaps_genre(musicmap, text, code):
    assert musicmap.resolve(text) == code


@pytest.mark.parametrize("text", ["Rock", "Instrumental", "Garage", "American", "Punk", "Funk", "Revival", "Hip Hop"])
def test_half_a_name_is_none(musicmap, text):
    """Surf Rock / Instrumental is not all that is instrumental (a genre of the FMA), nor Stoner Metal / Rock rock."""
    with pytest.raises(UnknownGenre):
        musicmap.resolve(text)


@pytest.mark.parametrize("text", ["House", "Drum'n'Bass", "R&B", "DnB", "Metal", "Pop", "Trance"])
def test_a_supergenre_is_said_to_be_one(musicmap, text):
    with pytest.raises(UnknownGenre, match=rf"^{re.escape(repr(text))} \(.*\bsupergenre\b.*\b\d+ .*['\"]"):
        musicmap.resolve(text)
    with pytest.raises(UnknownGenre) as caught:
        musicmap.subset(["jaz06", "jaz07"]).resolve(text)
    assert "supergenre" not in str(caught.value), "it has no genre here"


def test_names_that_hold_the_word_are_suggested(musicmap):
    with pytest.raises(UnknownGenre, match=naming("'Jungle'", "Old Skool Jungle")):
        musicmap.resolve("Jungle")
    with pytest.raises(UnknownGenre, match=r"^'Rock' \([^']*'[^']*Rock'[^']*'[^']*'[^']*'[^']*'[^']*$"):
        musicmap.resolve("Rock")
    with pytest.raises(UnknownGenre, match=naming("'Cool Jaz'", "'Cool Jazz & West Coast Jazz'")):
        musicmap.resolve("Cool Jaz")


def test_every_title_and_every_name_is_its_genres_own(musicmap):
    for code, title in zip(musicmap.genres, musicmap.titles, strict=True):
        assert musicmap.resolve(title) == musicmap.resolve(title.upper()) == musicmap.resolve(code) == code
    for tier in range(3):
        names = [name for title in musicmap.titles for name in names_of(title)[tier]]
        assert len(names) == len(set(names)), "none names two"


def test_a_whole_title_hides_a_part_of_another_and_equals_are_ambiguous():
    made = titled("Ska / Dub", "Dub", "Dub Techno (Basic)", "Rap & Ska", "(Deep) Dub Techno")
    assert made.resolve("dub") == "g1" and made.resolve("rap") == "g3"
    with pytest.raises(UnknownGenre, match=naming("'Ska'", "g0, g3", "made")):
        made.resolve("Ska")
    with pytest.raises(UnknownGenre, match=naming("'dub techno'", "g2, g4", "made")):
        made.resolve("dub techno")


@given(st.text(max_size=40))
def test_any_text_folds_and_has_names(text):
    assert fold(fold(text)) == fold(text)
    tiers = names_of(text)
    assert len(tiers) == 3 and all("" not in tier for tier in tiers)
    assert not key(text) or key(text) in tiers[0]

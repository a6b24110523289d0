import pytest

from genrelab.datasets.first_genre import choose_genres, note_choice
from genrelab.utils.errors import GenrelabError

LISTS = [["alternative", "techno"], ["alternative"], ["alternative", "rock"], ["rock"], ["techno"], ["rock"]]


@pytest.mark.parametrize(
    ("first_genre", "chosen"),
    [
        ("single", [None, "alternative", None, "rock", "techno", "rock"]),
        ("rarest", ["techno", "alternative", "alternative", "rock", "techno", "rock"]),
        ("listed", ["alternative", "alternative", "alternative", "rock", "techno", "rock"]),
    ],
)
def test_choose_genres_of_lists(first_genre, chosen):
    assert choose_genres(LISTS, first_genre) == chosen
    (note,) = note_choice(LISTS, chosen, first_genre)
    kept = {genre: chosen.count(genre) for genre in ("alternative", "techno", "rock")}
    assert f"first_genre={first_genre}" in note and "2 of 6" in note
    for genre, listed in (("alternative", 3), ("techno", 2), ("rock", 3)):
        assert f"{genre} {kept[genre]} of {listed}" in note


def test_choose_genres_where_all_list_several_is_refused():
    with pytest.raises(GenrelabError, match="rarest"):
        choose_genres([["a", "b"], ["b", "c"]], "single")
    assert choose_genres([["a", "b"], ["b", "c"]], "rarest") == ["a", "c"]


def test_note_choice_is_silent_where_none_lists_several():
    assert note_choice([["a"], ["b"]], ["a", "b"], "single") == []

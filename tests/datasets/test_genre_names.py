import pytest

from dataset_indexes import make_dataset_index
from genrelab.datasets.genre_names import merge_spellings, note_genre_names

SPELT = ["Hip-Hop"] * 3 + ["hip hop"] * 2 + ["HipHop", "Rock"]


def test_note_genre_names_counts_spellings_that_are_several_classes():
    index = make_dataset_index([(name, None) for name in SPELT])
    (note,) = note_genre_names(index).notes
    assert (
        "Hip-Hop (3) = hip hop (2) = HipHop (1)" in note and "data.merge_spellings=true" in note and "Rock" not in note
    )
    assert note_genre_names(index, lambda name: "hip08").notes == ()


def test_merge_spellings_keeps_the_commonest():
    merged = merge_spellings(make_dataset_index([(name, None) for name in SPELT]))
    assert merged.tracks["genre"].value_counts().to_dict() == {"Hip-Hop": 6, "Rock": 1}
    assert note_genre_names(merged).notes == ()


def test_merge_spellings_of_several_genres_a_track():
    index = make_dataset_index([("a-b", None), ("A B", None), ("A B", None)])
    index = type(index)("d", index.tracks.assign(genres=[("a-b", "A B", "c"), ("A B",), ("A B", "c")]))
    merged = merge_spellings(index)
    assert merged.tracks["genres"].tolist() == [("A B", "c"), ("A B",), ("A B", "c")]


@pytest.mark.parametrize(
    ("names", "joined"),
    [
        (["blues; pop", "pop"], "'blues; pop' (1)"),
        (["blues|pop", "jazz"], "'blues|pop' (1)"),
        (["Pop/Rock", "pop", "Rock"], "'Pop/Rock' (1)"),
        (["Jazz, cool", "Swing / Big Band", "Rock;"], None),
    ],
)
def test_note_genre_names_points_at_several_genres_a_track(names, joined):
    notes = note_genre_names(make_dataset_index([(name, None) for name in names])).notes
    assert bool(notes) == (joined is not None)
    if joined:
        assert joined in notes[0] and "target=multi_label" in notes[0]

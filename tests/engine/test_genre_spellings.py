"""Genres in several spellings: a run names them, and merges them where that is asked for."""

import pytest

from genrelab.config import compose
from genrelab.engine import build
from tones import write_tone


@pytest.fixture
def config(tmp_path):
    for g, genre in enumerate(("Hip-Hop", "hip hop", "Rock")):
        write_tone(tmp_path / "songs" / genre / "x.wav", 300, g + 1, 1.0, g)
    given = [
        "audio.segment_duration=1.0",
        "dataset=folder",
        f"dataset.root={tmp_path / 'songs'}",
        f"paths.output_dir={tmp_path / 'out'}",
    ]
    return lambda *further: compose([*given, *further])


def test_read_dataset_notes_spellings_with_the_option_that_merges_them(config):
    dataset = build.read_dataset(config())
    assert len(dataset.taxonomy.genres) == 3
    assert any(
        "Hip-Hop (1) = hip hop (1)" in note and "data.merge_spellings=true" in note for note in dataset.index.notes
    )


def test_read_dataset_merges_spellings_where_asked_for(config):
    dataset = build.read_dataset(config("data.merge_spellings=true"))
    assert dataset.taxonomy.genres == ("Hip-Hop", "Rock") and len(dataset.index) == 3
    assert not any("merge_spellings" in note for note in dataset.index.notes)

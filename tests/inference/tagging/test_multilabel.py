"""`genrelab tag` by a run of several genres a track: tags hold a list of them."""

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from genrelab import load_predictor
from genrelab.cli import app
from genrelab.inference.tagging.audio_tags import GenreTag, read_genre, write_genre
from genrelab.inference.tagging.command import ALREADY_TAGGED
from genrelab.utils.errors import ConfigError
from several_genres import RATE, sounding

FORMATS = ("mp3", "flac", "ogg")


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A song of two genres in each format, the MP3 tagged with two others."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "library"
    root.mkdir()
    for suffix in FORMATS:
        soundfile.write(root / f"song.{suffix}", sounding(("hum", "drum"), 999, 8.0), RATE)
    write_genre(root / "song.mp3", GenreTag(("Polka", "Rock & Roll"), None))
    return root


def call(*arguments):
    return CliRunner().invoke(app, ["tag", *map(str, arguments)], catch_exceptions=False)


def test_all_genres_are_written_and_taken_back(several, library):
    before = {suffix: (read_genre(library / f"song.{suffix}").values, soundfile.read(library / f"song.{suffix}")[0])
              for suffix in FORMATS}  # fmt: skip
    done = call(several, library, "--write", "--undo-file", "undo.jsonl")
    assert done.exit_code == 0 and "3 of 3 files tagged" in done.stderr
    assert "Polka; Rock & Roll -> " in done.stdout and done.stdout.count("; ") >= 4
    predictor = load_predictor(several)
    for suffix, (_, samples) in before.items():
        path = library / f"song.{suffix}"
        wanted = [guess.title for guess in predictor.predict(path).genres]
        assert list(read_genre(path).values) == wanted and set(wanted) >= {"hum", "drum"}
        np.testing.assert_array_equal(soundfile.read(path)[0], samples)
    assert read_genre(library / "song.mp3").old == ("Polka", "Rock & Roll")
    assert f"3 {ALREADY_TAGGED}" in call(several, library).stderr
    assert call("--undo", "undo.jsonl").exit_code == 0
    assert {suffix: read_genre(library / f"song.{suffix}").values for suffix in FORMATS} == {
        suffix: values for suffix, (values, _) in before.items()
    }


def test_a_threshold_counts_for_all_and_supergenres_are_refused(several, library):
    assert call(several, library / "song.flac", "--threshold", "0").stdout.count("%)") == 3
    assert "not sure" in call(several, library / "song.flac", "--threshold", "1").stdout
    with pytest.raises(ConfigError, match="--level either: "):
        call(several, library, "--level", "either")

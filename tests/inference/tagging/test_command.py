"""`genrelab tag`, as a user calls it: dry, written, undone."""

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from command_line import genrelab
from genrelab.inference import ClassScore, HedgedPrediction, Prediction
from genrelab.inference.tagging.audio_tags import GenreTag, read_genre, write_genre
from genrelab.inference.tagging.command import ALREADY_TAGGED, propose_genres
from genrelab.utils.errors import GenrelabError
from paths import SHARED_DATA
from tones import write_tone

FORMATS = ("mp3", "flac", "ogg")


call = partial(genrelab, "tag")


@pytest.fixture
def library(tmp_path, monkeypatch) -> Path:
    """A song in each format, the MP3 with a genre; a broken one, and a WAV."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "library"
    write_tone(root / "song.wav", 440, 3, 5, 1, sample_rate=22_050)
    samples, rate = soundfile.read(root / "song.wav")
    for suffix in FORMATS:
        soundfile.write(root / f"song.{suffix}", samples, rate)
    (root / "broken.mp3").write_bytes(b"text " * 100)
    write_genre(root / "song.mp3", GenreTag(("Polka",), None))
    return root


def content(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


def heard(root: Path) -> dict[str, np.ndarray]:
    return {suffix: soundfile.read(root / f"song.{suffix}", dtype="int32")[0] for suffix in FORMATS}


def test_a_dry_run_changes_nothing(run, library):
    before = content(library)
    done = call(run, library, "--threshold", 0, code=3)
    assert content(library) == before and not list(Path.cwd().glob("*.jsonl"))
    assert "dry run" in done.stderr and "3 of 4 files " in done.stderr
    assert "Polka -> " in done.stdout and re.search(r"\b1 .*: \.wav$", done.stderr, re.MULTILINE)
    assert "broken.mp3" in done.stderr.split("1 not tagged:")[1]


def test_what_is_written_can_be_undone(run, library):
    samples = heard(library)
    tags = {path.name: read_genre(path) for path in library.glob("song.*") if path.suffix != ".wav"}
    done = call(run, library, "--threshold", 0, "--write", code=3)
    [undo_file] = Path.cwd().glob("genrelab-undo-*.jsonl")
    assert f"--undo {undo_file.name}" in done.stderr and len(undo_file.read_text().splitlines()) == 3
    for suffix in FORMATS:
        now = read_genre(library / f"song.{suffix}")
        assert now.values[0] in ("Slow", "Even", "Fast") and now.old == (("Polka",) if suffix == "mp3" else ())
        np.testing.assert_array_equal(soundfile.read(library / f"song.{suffix}", dtype="int32")[0], samples[suffix])
    again = call(run, library, "--threshold", 0, "--write", code=3)
    assert "0 of 4 files" in again.stderr and f"3 {ALREADY_TAGGED}" in again.stderr
    assert "3 files" in call("--undo", undo_file).stdout
    assert {name: read_genre(library / name) for name in tags} == tags
    for suffix in FORMATS:
        np.testing.assert_array_equal(soundfile.read(library / f"song.{suffix}", dtype="int32")[0], samples[suffix])
    assert "3 files" in call("--undo", undo_file).stdout  # nothing is left to do


def test_undo_leaves_alone_what_was_changed_since(run, library, tmp_path):
    call(run, library, "--threshold", 0, "--write", "--undo-file", tmp_path / "undo.jsonl", code=3)
    write_genre(library / "song.ogg", GenreTag(("My own",), None))
    (library / "song.flac").unlink()
    done = call("--undo", tmp_path / "undo.jsonl", code=3)
    assert "1 file " in done.stdout and "2 left alone:" in done.stderr
    assert "My own" in done.stderr and read_genre(library / "song.mp3").values == ("Polka",)


def test_a_genre_of_the_users_survives_several_runs(run, library, tmp_path):
    write_genre(library / "song.mp3", GenreTag(("Some answer",), ("Polka",)))
    call(run, library / "song.mp3", "--threshold", 0, "--write", "--undo-file", tmp_path / "undo.jsonl")
    assert read_genre(library / "song.mp3").old == ("Polka",)


def several() -> Prediction:
    guesses = (ClassScore("a", "Ska", 0.6), ClassScore("b", "Dub", 0.3), ClassScore("c", "Rap", 0.2))
    return Prediction(
        "x", 9.0, guesses, None, (), (), None, None, np.array([0.6, 0.3, 0.2]), np.zeros((1, 3)), guesses[1:],
        {"a": 0.7, "b": 0.25, "c": 0.1},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "threshold", "genres", "reason"),
    [
        ((), None, ["Dub", "Rap"], ""),
        ((), 0.5, ["Ska"], ""),
        ((), 0.9, [], "not sure (Ska 60 %)"),
        (("Rap", "Dub"), None, [], ALREADY_TAGGED),
        (("Rap",), None, ["Dub", "Rap"], ""),
    ],
)
def test_of_several_genres_all_above_their_thresholds_are_chosen(before, threshold, genres, reason):
    found = propose_genres(several(), GenreTag(before), threshold, "genre")
    assert ([guess.title for guess in found.guesses], found.reason) == (genres, reason)


def prediction(unknown=None) -> Prediction:
    guess = ClassScore("a", "Ska", 0.6)
    return Prediction(
        "x", 9.0, (guess, ClassScore("b", "Dub", 0.3)), ClassScore("jam", "Jamaican", 0.9), (), (),
        HedgedPrediction("genre", "a", "Ska", 0.6), unknown, np.array([0.6, 0.3, 0.1]), np.zeros((1, 3)),
        (guess,), None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("threshold", "what", "unknown", "genre", "reason"),
    [
        (0.5, "genre", None, "Ska", ""),
        (0.7, "genre", None, None, "not sure (Ska 60 %)"),
        (0.7, "either", None, "Jamaican", ""),
        (0.5, "either", None, "Ska", ""),
        (0.5, "supergenre", None, "Jamaican", ""),
        (0.95, "either", None, None, "not sure (Jamaican 90 %)"),
        (0.0, "genre", "noise", None, "unknown (noise)"),
    ],
)
def test_what_is_chosen(threshold, what, unknown, genre, reason):
    found = propose_genres(prediction(unknown), GenreTag(("Rock",)), threshold, what)
    assert ([guess.title for guess in found.guesses], found.reason) == ([genre] if genre else [], reason)
    assert propose_genres(prediction(), GenreTag(("Ska",)), 0.5, "genre").reason == ALREADY_TAGGED


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "RUN LIBRARY"),
        (["RUN"], "RUN LIBRARY"),
        (["--undo", "none.jsonl"], r"none\.jsonl: "),
        (["RUN", "LIBRARY", "--threshold", "70"], "--threshold"),
        (["RUN", "LIBRARY", "--level", "both"], "--level both"),
        (["RUN", "LIBRARY/song.wav"], r"song\.wav: .*\(mp3, flac"),
    ],
)
def test_mistakes_are_one_line(run, library, arguments, reason):
    words = [word.replace("RUN", str(run)).replace("LIBRARY", str(library)) for word in arguments]
    with pytest.raises(GenrelabError, match=reason) as caught:
        call(*words)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_undo_file(library):
    for text in ("no json", json.dumps({"path": "x"})):
        (library / "x.jsonl").write_text(text + "\n")
        with pytest.raises(GenrelabError, match=r"x\.jsonl: "):
            call("--undo", library / "x.jsonl")


@pytest.mark.shared
def test_real_clips_sound_the_same(run, tmp_path):
    clip = sorted((SHARED_DATA / "gtzan_mini").rglob("*.flac"))[0]
    samples, rate = soundfile.read(clip)
    for suffix in FORMATS:
        soundfile.write(tmp_path / f"song.{suffix}", samples, rate)
    before = heard(tmp_path)
    undo_file = tmp_path / "undo.jsonl"
    call(run, tmp_path, "--threshold", 0, "--write", "--undo-file", undo_file)
    if undo_file.exists():
        call("--undo", undo_file)
    after = heard(tmp_path)
    assert all((after[suffix] == before[suffix]).all() for suffix in FORMATS)

"""One bad file never ends a run: a line for each, the rest is tagged and counted, and can be taken back."""

import json
import os
import re
import resource
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC
from typer.testing import CliRunner

from command_line import genrelab
from genrelab.audio import AudioError
from genrelab.cli import app
from genrelab.inference.tagging import audio_tags, command
from genrelab.inference.tagging.audio_tags import GenreTag, read_genre, write_genre
from genrelab.inference.tagging.undo_log import UndoLog, undo
from genrelab.utils.errors import GenrelabError
from tones import write_tone

GOOD = ("a.flac", "m.ogg", "z.mp3")


call = partial(genrelab, "tag")


@pytest.fixture
def library(tmp_path, monkeypatch) -> Path:
    """Songs before, between and behind the one that a test harms."""
    monkeypatch.chdir(tmp_path)
    write_tone(tmp_path / "tone.wav", 440, 3, 5, 1, sample_rate=22_050)
    samples, rate = soundfile.read(tmp_path / "tone.wav")
    root = tmp_path / "library"
    root.mkdir()
    for name in (*GOOD, "bad.flac"):
        soundfile.write(root / name, samples, rate)
    return root


@contextmanager
def full_disk(size: int):
    """No file can grow beyond `size`: the system refuses to write, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def before_writing(monkeypatch, name: str, harm) -> None:
    """Harm a file after it was predicted, just before it is written."""

    def writes(path, *rest):
        if path.name == name:
            harm(path)
        write_genre(path, *rest)

    monkeypatch.setattr(command, "write_genre", writes)


def read_only(library, monkeypatch):
    (library / "bad.flac").chmod(0o444)
    return "read-only"


def vanished(library, monkeypatch):
    before_writing(monkeypatch, "bad.flac", Path.unlink)
    return "no such file"


def large(library, monkeypatch):
    """The copy does not fit."""
    file = FLAC(library / "bad.flac")
    file.save(padding=lambda _: 500_000)
    return "cannot be written"


def full_while_saving(library, monkeypatch):
    """The copy fits, what mutagen adds to it does not."""
    FLAC(library / "bad.flac").save(padding=lambda _: 0)
    saved = FLAC.save

    def save(self, *rest, **options):
        with full_disk(Path(self.filename).stat().st_size if "bad" in self.filename else 400_000):
            return saved(self, *rest, **options)

    monkeypatch.setattr(FLAC, "save", save)
    return "cannot be written"


def defect(library, monkeypatch):
    """An error that is none of mutagen's own."""

    def save(self, *rest, **options):
        if "bad" in self.filename:
            raise IndexError("list index out of range")
        return saved(self, *rest, **options)

    saved = FLAC.save
    monkeypatch.setattr(FLAC, "save", save)
    return "list index out of range"


def turned_to_text(library, monkeypatch):
    before_writing(monkeypatch, "bad.flac", lambda path: path.write_bytes(b"text"))
    return "format|cannot be read"


@pytest.mark.parametrize("harm", [read_only, vanished, large, full_while_saving, defect, turned_to_text])
def test_the_rest_is_tagged(run, library, monkeypatch, harm):
    reason = harm(library, monkeypatch)
    was = {name: (library / name).read_bytes() for name in (*GOOD, "bad.flac")}
    with full_disk(400_000):
        done = call(run, library, "--threshold", 0, "--write", "--undo-file", "undo.jsonl", code=3)
    assert "3 of 4 files tagged, 1 not tagged" in done.stderr and "--undo undo.jsonl" in done.stderr
    [line] = [line for line in done.stderr.splitlines() if "bad.flac" in line]
    assert re.search(reason, line)
    assert all(read_genre(library / name).old == () for name in GOOD)
    if harm not in (vanished, turned_to_text):
        assert (library / "bad.flac").read_bytes() == was["bad.flac"]
    assert not list(library.glob(".*"))
    monkeypatch.undo()
    os.chdir(library.parent)
    back = CliRunner().invoke(app, ["tag", "--undo", "undo.jsonl"])
    assert back.exit_code == 0 and "3 files" in back.stdout
    assert all(read_genre(library / name).values == () for name in GOOD)


def test_undo_goes_on_behind_a_bad_file(run, library):
    call(run, library, "--threshold", 0, "--write", "--undo-file", "undo.jsonl")
    (library / "a.flac").chmod(0o400)
    (library / "bad.flac").write_bytes(b"fLaC")
    (library / "m.ogg").unlink()
    done = call("--undo", "undo.jsonl", code=3)
    assert "1 file " in done.stdout and "3 left alone" in done.stderr
    assert read_genre(library / "z.mp3").old is None


def test_a_line_of_the_undo_file_that_was_cut_hides_no_other(library, tmp_path):
    noted, genre = UndoLog(tmp_path / "undo.jsonl"), GenreTag(("Ska",), ())
    noted.add(library / "a.flac", GenreTag(()), genre)
    with full_disk(noted.path.stat().st_size + 30), pytest.raises(AudioError, match=r"undo\.jsonl"):
        noted.add(library / "bad.flac", GenreTag(()), genre)
    noted.add(library / "m.ogg", GenreTag(()), genre)
    noted.close()
    lines = [json.loads(line)["path"] for line in noted.path.read_text().splitlines()]
    assert [Path(line).name for line in lines] == ["a.flac", "m.ogg"]
    assert undo(noted.path) == (2, [])


def test_what_cannot_be_noted_is_not_written(library, tmp_path):
    noted, genre = UndoLog(tmp_path / "undo.jsonl"), GenreTag(("Ska",), ())
    noted.begin()
    path, whole = library / "a.flac", (library / "a.flac").read_bytes()

    def add() -> None:
        with full_disk(10):
            noted.add(path, GenreTag(()), genre)

    with pytest.raises(AudioError):
        write_genre(path, genre, add)
    assert path.read_bytes() == whole and noted.path.read_bytes() == b""


def test_an_undo_file_that_cannot_be_made_is_one_line(run, library):
    before = {path.name: path.read_bytes() for path in library.iterdir()}
    for place in (library / "a.flac" / "undo.jsonl", library / ("x" * 300)):
        with pytest.raises(GenrelabError, match="undo file") as caught:
            call(run, library, "--threshold", 0, "--write", "--undo-file", place)
        assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in library.iterdir()} == before


def test_a_name_that_is_no_text(library):
    bad, genre = Path(os.fsdecode(b"library/\xff\xfe.flac")), GenreTag(("Ska",), ())
    (library / "bad.flac").rename(bad)
    noted = UndoLog(Path("undo.jsonl"))
    write_genre(bad, genre, lambda: noted.add(bad, GenreTag(()), genre))
    noted.close()
    assert read_genre(bad) == genre and undo(noted.path) == (1, []) and read_genre(bad).values == ()


def test_an_undo_file_that_cannot_be_read(tmp_path):
    with pytest.raises(GenrelabError, match="undo file"):
        call("--undo", tmp_path)


@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg"])
def test_random_harm_is_one_line(tmp_path, suffix):
    """Bytes of the header changed at random: a genre goes in, or the file stays as it is."""
    random = np.random.default_rng(0)
    path = tmp_path / f"song.{suffix}"
    soundfile.write(path, np.zeros(22_050), 22_050)
    write_genre(path, GenreTag(("Ska",), ("Dub",)))
    whole = path.read_bytes()
    for _ in range(60):
        harmed = bytearray(whole[: random.integers(20, len(whole))] if random.random() < 0.3 else whole)
        for place in random.integers(0, min(len(harmed), 300), 4):
            harmed[place] = random.integers(0, 256)
        path.write_bytes(harmed)
        try:
            write_genre(path, GenreTag(("Polka",), ("Ska",)))
        except AudioError as error:
            assert "\n" not in str(error) and path.read_bytes() == harmed
        else:
            assert mutagen.File(path) is not None and audio_tags.read_genre(path)
        assert [one.name for one in tmp_path.iterdir()] == [path.name]

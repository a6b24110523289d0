"""`genrelab predict`, as a user calls it: cards, tables, files that go on, files that are broken."""

import csv
import io
import json
import os
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from genrelab.audio.errors import TEXT_FILE
from genrelab.cli import app
from genrelab.inference.command import SOME_REJECTED
from genrelab.utils.errors import GenrelabError
from tones import write_tone


def call(*arguments: object, code: int = 0):
    done = CliRunner().invoke(app, ["predict", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> Path:
    """Two songs, one of them a folder deeper."""
    root = tmp_path_factory.mktemp("songs")
    write_tone(root / "a.wav", 440, 3, 5, 1)
    write_tone(root / "deep" / "b\u2028.wav", 700, 6, 7, 2)  # a line separator
    (root / "notes.txt").write_text("not music")
    return root


def test_a_song_gets_a_card(run, songs):
    told = call(run, songs / "a.wav").stdout
    for part in ("a.wav  0:05", "answer", "supergenre", "timeline    0:00 - "):
        assert part in told
    assert re.search(r"\d x ", call(run, songs / "a.wav").stderr)


def test_a_folder_gets_a_line_each(run, songs):
    done = call(run, songs)
    lines = done.stdout.splitlines()
    assert len(lines) == 3 and lines[0].startswith("file") and "a.wav" in lines[1] and "u2028.wav" in lines[2]
    assert re.search(r"\b2 files .*\d x ", done.stderr)


def test_json_lines_and_csv_are_clean_and_agree(run, songs, predictor):
    answers = [json.loads(line) for line in call(run, songs, "--json").stdout.splitlines()]
    rows = list(csv.DictReader(io.StringIO(call(run, songs, "--csv").stdout)))
    assert len(answers) == len(rows) == 2
    for answer, row in zip(answers, rows, strict=True):
        assert answer["path"] == row["path"] and answer["answer"] == row["answer"]
        assert answer["top"][0]["genre"] == row["genre_1"] and len(answer["top"]) == 3
        assert answer["top"][0]["probability"] == float(row["probability_1"])
        assert answer["segments"][0]["seconds"] == 2.0
        found = predictor.predict(answer["path"])
        assert found.top[0].probability == pytest.approx(answer["top"][0]["probability"], abs=1e-3)


@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl"])
def test_a_file_of_answers_goes_on_where_it_was_cut(run, songs, tmp_path, name):
    out = tmp_path / "new" / name
    done = call(run, songs, "--out", out)
    whole = out.read_text()
    assert done.stdout == "" and re.search(rf"\b2 files .*{out}", done.stderr)
    cut = whole[: whole.rindex("deep") + 3]  # killed in the middle of the last line
    out.write_text(cut)
    assert "1 of 2 files" in call(run, songs, "--out", out).stderr
    assert out.read_text() == whole
    assert "2 of 2 files" in call(run, songs, "--out", out).stderr and out.read_text() == whole


@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl"])
def test_a_file_that_failed_is_tried_again(run, tmp_path, name):
    song, out = tmp_path / "x.wav", tmp_path / name
    song.write_text("nothing to hear")
    call(run, song, "--out", out, code=2)
    assert TEXT_FILE in out.read_text()
    write_tone(song, 440, 3, 5, 1)
    call(run, song, "--out", out)
    assert TEXT_FILE not in out.read_text() and out.read_text().count("x.wav") == 1


def test_another_runs_answers_are_left_alone(run, songs, tmp_path):
    out = tmp_path / "answers.csv"
    call(run, songs, "--out", out)
    before = out.read_text().replace(run.name, "another")
    for text, reason in ((before, "another"), ("a,b\n1,2\n", "columns"), ("\n", "columns")):
        out.write_text(text)
        with pytest.raises(GenrelabError, match=reason):
            call(run, songs, "--out", out)
        assert out.read_text() == text
    (tmp_path / "answers.jsonl").write_text('{"some": "thing"}\n')
    with pytest.raises(GenrelabError, match="continued"):
        call(run, songs, "--out", tmp_path / "answers.jsonl")
    with pytest.raises(GenrelabError, match=r"name it \.csv or \.jsonl"):
        call(run, songs, "--out", tmp_path / "answers.txt")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--json", "--csv"], "--json.*--csv"),
        (["--hop", "0"], "hop"),
        (["--hop", "9"], "hop"),
        (["--top", "0"], "--top"),
        (["--workers", "0"], "--workers"),
        (["--coverage", "3"], "coverage"),
        (["--plugins", "nowhere.mine"], r"--plugins nowhere\.mine: "),
    ],
)
def test_wrong_options_are_one_line(run, songs, options, reason):
    with pytest.raises(GenrelabError, match=reason) as caught:
        call(run, songs, *options)
    assert "\n" not in str(caught.value)


def test_nothing_to_predict_is_said(run, tmp_path):
    with pytest.raises(GenrelabError, match=re.escape(str(tmp_path))):
        call(run, tmp_path)
    with pytest.raises(GenrelabError, match=r"none\.wav: "):  # before a network is loaded
        call(run, tmp_path / "none.wav")


def broken(root: Path, song: Path) -> int:
    """Files that are broken in twenty ways."""
    whole, header = song.read_bytes(), song.read_bytes()[:44]
    rate = 8000
    tone = np.sin(np.arange(rate) / 9).astype(np.float32)
    files = {
        "empty.wav": b"",
        "zeros.wav": bytes(4000),
        "text.mp3": b"this is a text\n" * 30,
        "page.mp3": b"<html><body>404</body></html>",
        "half header.wav": whole[:20],
        "header only.wav": header,
        "cut.wav": whole[: len(whole) // 2],
        "noise.mp3": np.random.default_rng(0).bytes(5000),
        "picture.flac": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "archive.ogg": b"PK\x03\x04" + bytes(100),
        "magic only.flac": b"fLaC",
        "magic only.ogg": b"OggS" + bytes(60),
        "lying.wav": b"RIFF" + struct.pack("<I", 2**31) + b"WAVE" + bytes(50),
        "video.m4a": b"\x00\x00\x00\x20ftypM4A " + bytes(60),
        "one byte.mp3": b"\xff",
        "newline\nname.wav": b"RIFF",
    }
    for name, content in files.items():
        (root / name).write_bytes(content)
    soundfile.write(root / "nan.wav", np.where(tone > 0.9, np.nan, tone), rate, subtype="FLOAT")
    soundfile.write(root / "infinite.wav", np.where(tone > 0.9, np.inf, tone), rate, subtype="FLOAT")
    soundfile.write(root / "no samples.wav", tone[:0], rate)
    (root / "gone.wav").symlink_to(root / "nowhere")
    return len(files) + 4


def test_a_folder_with_twenty_broken_files_is_predicted_to_its_end(run, tmp_path, songs):
    folder = tmp_path / "mixed"
    folder.mkdir()
    count = broken(folder, songs / "a.wav")
    assert count == 20
    for number in range(30):
        shutil.copy(songs / ("a.wav" if number % 2 else "deep/b\u2028.wav"), folder / f"song {number:02}.wav")
    done = call(run, folder, "--json", code=SOME_REJECTED)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["path"] for line in lines] == sorted(line["path"] for line in lines)
    assert sum("error" in line for line in lines) == 20 and len(lines) == 50
    assert "30 files predicted" in done.stderr and "20 not read:" in done.stderr
    listed = done.stderr[done.stderr.index("not read:") :].splitlines()[1:]
    assert len(listed) == 20 and all(": " in line and len(line.rpartition(": ")[2]) > 5 for line in listed)


def test_what_cannot_even_be_tried_is_in_the_answers_too(run, songs, tmp_path):
    (tmp_path / "music").mkdir()
    shutil.copy(songs / "a.wav", tmp_path / "music" / "a.wav")
    try:
        (tmp_path / "music" / os.fsdecode(b"\xe9.wav")).write_bytes(b"RIFF")
    except OSError:
        pytest.skip("this file system takes no such name")
    done = call(run, tmp_path / "music", "--json", code=SOME_REJECTED)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 2 and "not UTF-8" in lines[0]["error"] and lines[1]["path"].endswith("a.wav")


def test_a_file_named_twice_is_predicted_once(run, songs, tmp_path):
    link = tmp_path / "link.wav"
    link.symlink_to(songs / "a.wav")
    assert len(call(run, songs / "a.wav", songs, link, "--json").stdout.splitlines()) == 2


def test_ten_thousandths_of_a_second_and_long_recordings(run, tmp_path):
    rate = 8000
    soundfile.write(tmp_path / "click.wav", np.ones(2, np.float32), rate)
    tone = np.sin(np.arange(rate * 60 * 20) / 9) * (np.arange(rate * 60 * 20) // 4000 % 2)
    soundfile.write(tmp_path / "long.wav", tone.astype(np.float32), rate)
    click, long = (json.loads(line) for line in call(run, tmp_path, "--json").stdout.splitlines())
    assert click["unknown"] == "too short" and len(long["segments"]) in (599, 600)

"""Ctrl-C in any verb: one line with what is kept, exit code 130, and the same command goes on."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import soundfile
from typer.testing import CliRunner

from genrelab.cli import app
from genrelab.inference.predictor import Predictor
from genrelab.utils.errors import RESUME_HINT, Interrupted, report_progress_on_interrupt
from small_run import small_overrides


@pytest.fixture
def songs(music, tmp_path):
    """Four songs, in a format whose tags can be written."""
    folder = tmp_path / "songs"
    folder.mkdir()
    for number, path in enumerate(sorted(music.rglob("*.wav"))[:4]):
        soundfile.write(folder / f"{number}.flac", *soundfile.read(path))
    return folder


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def interrupted(monkeypatch, place, words, after=2):
    """What a verb says when its `after + 1`st call of a function, a dotted name, meets Ctrl-C."""
    calls = iter(range(after + 1))
    module, _, name = place.rpartition(".")
    owner = Predictor if module == "Predictor" else sys.modules[module]
    whole = getattr(owner, name)

    def stop(*arguments, **named):
        if next(calls, None) in (None, after):
            raise KeyboardInterrupt
        return whole(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stop)
        done = call(*words)
    assert done.exit_code == 130, done.output
    assert "Aborted" not in done.output and "Traceback" not in done.output
    return done.stderr.splitlines()[-1]


def test_predict_goes_on_with_its_file(run, songs, tmp_path, monkeypatch):
    words = ["predict", run, songs, "--workers", 1, "--out", tmp_path / "a.jsonl"]
    said = interrupted(monkeypatch, "Predictor.predict", words)
    assert said.startswith(f"interrupted: {tmp_path / 'a.jsonl'} has 2 ") and said.endswith(RESUME_HINT)
    again = call(*words)
    assert again.exit_code == 0 and "2 of 4 files" in again.stderr
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 4
    said = interrupted(monkeypatch, "Predictor.predict", ["predict", run, songs, "--workers", 1])
    assert "--out FILE" in said


def test_embed_goes_on_with_its_table(run, songs, tmp_path, monkeypatch):
    import genrelab.inference.embeddings.command

    words = ["embed", run, songs, "--workers", 1, "--out", tmp_path / "a.parquet"]
    said = interrupted(monkeypatch, f"{genrelab.inference.embeddings.command.__name__}.embed_track", words)
    assert "a.parquet has 2 tracks" in said and said.endswith(RESUME_HINT)
    again = call(*words)
    assert "2 of 4 files" in again.stderr and "4 tracks" in again.stdout


def test_tag_says_what_is_tagged_and_how_to_take_it_back(run, songs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["tag", run, songs, "--workers", 1, "--threshold", 0]
    dry = interrupted(monkeypatch, "Predictor.predict", words)
    assert dry.endswith(RESUME_HINT) and "--undo" not in dry
    said = interrupted(monkeypatch, "Predictor.predict", [*words, "--write"])
    file = next(tmp_path.glob("genrelab-undo-*.jsonl"))
    assert re.fullmatch(rf"interrupted: 2 of 4 files .*genrelab tag --undo {file.name}; {RESUME_HINT}", said)
    assert "2 files" in call("tag", "--undo", file).stdout
    named = interrupted(monkeypatch, "Predictor.predict", [*words, "--write", "--undo-file", "u.jsonl"])
    assert re.search(rf"{RESUME_HINT}.* --undo-file$", named)
    assert call(*words, "--write").exit_code == 0


def test_check_goes_on_with_its_cache(music, tmp_path, monkeypatch):
    import genrelab.datasets.recordings

    words = ["check", "dataset=folder", f"dataset.root={music}", "taxonomy=flat", f"paths.output_dir={tmp_path}"]
    words += ["--out", tmp_path / "report"]
    said = interrupted(monkeypatch, f"{genrelab.datasets.recordings.__name__}._scan", words, after=12)
    assert re.search(r"\b12 of 30 files\b", said) and said.endswith(RESUME_HINT)
    assert call(*words).exit_code == 0


def test_prepare_goes_on_with_its_store(music, tmp_path, monkeypatch):
    import genrelab.features.cache.worker

    words = ["prepare", *small_overrides(), f"dataset.root={music}", f"paths.output_dir={tmp_path}"]
    words += [f"paths.feature_cache_dir={tmp_path / 'store'}", "--workers", 1]
    said = interrupted(monkeypatch, f"{genrelab.features.cache.worker.__name__}.decode_audio", words, after=7)
    assert re.fullmatch(rf"interrupted: .*\b7 of 30 tracks .*{RESUME_HINT}", said)
    again = call(*words)
    assert again.exit_code == 0 and re.search(r"\b23 tracks.*\b7 ", again.stdout)


def test_training_that_was_still_preparing_is_resumed(music, tmp_path, monkeypatch):
    import genrelab.features.cache.worker
    from genrelab.config import compose
    from genrelab.engine import run as runs

    overrides = [*small_overrides(), f"dataset.root={music}", f"paths.output_dir={tmp_path}"]
    calls, load = iter(range(4)), genrelab.features.cache.worker.decode_audio

    def stop(path, rate):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return load(path, rate)

    with monkeypatch.context() as patch:
        patch.setattr("genrelab.features.cache.worker.decode_audio", stop)
        patch.setattr("genrelab.features.cache.feature_cache.default_workers", lambda: 1)
        with pytest.raises(Interrupted, match=r"\b4 of 30 tracks .* resume=.*run$"):
            runs.train(compose(overrides), tmp_path / "run", overrides)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "interrupted"


def test_verbs_that_keep_nothing_are_one_word(run, monkeypatch):
    import genrelab.evaluation.report

    said = interrupted(monkeypatch, f"{genrelab.evaluation.report.__name__}.write_report", ["report", run], after=0)
    assert said == "interrupted"


def test_what_is_said_within_comes_first():
    inner = f"3 pieces are kept; {RESUME_HINT}"
    with (
        pytest.raises(Interrupted, match=inner),
        report_progress_on_interrupt(lambda: "outer"),
        report_progress_on_interrupt(lambda: "3 pieces are kept"),
    ):
        raise KeyboardInterrupt
    with pytest.raises(Interrupted, match=r"^try again$"), report_progress_on_interrupt(lambda: "", "try again"):
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="x"), report_progress_on_interrupt(lambda: "kept"):
        raise ValueError("x")


@pytest.mark.slow
def test_a_process_at_ctrl_c(run, songs, tmp_path):
    """The real thing: a signal to the console script, several files at once."""
    for number in range(60):
        shutil.copy(songs / "0.flac", songs / f"copy-{number}.flac")
    out = tmp_path / "answers.jsonl"
    command = [sys.executable, "-m", "genrelab", "predict", run, songs, "--hop", "0.05", "--workers", "2", "--out", out]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 60
        while not (out.exists() and out.read_text().count("\n") > 2) and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    kept = out.read_text().count("\n")
    assert 2 < kept < 64 and re.search(rf"interrupted: {out} has {kept} .*{RESUME_HINT}", said)
    assert "Traceback" not in said and "Aborted" not in said

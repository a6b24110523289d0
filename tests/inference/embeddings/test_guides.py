"""The guides to predict, tag and embed: every command and every block of Python runs, as it stands."""

import re
import shlex
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from genrelab.cli import app
from paths import REPOSITORY
from tones import write_tone

DOCS = REPOSITORY / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def here(run, tmp_path, monkeypatch) -> Path:
    """A working folder with the things that the guides name: RUN, MUSIC, song.mp3, labels.csv."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RUN").symlink_to(run)
    lines = ["path,label,artist"]
    for number in range(8):
        song = tmp_path / "MUSIC" / f"{number}.wav"
        write_tone(song, 300 + 50 * number, 1.5 * 2 ** (number % 3), 4.2, number)
        samples, rate = soundfile.read(song)
        song.unlink()
        soundfile.write(song.with_suffix(".flac"), samples, rate)
        lines.append(f"MUSIC/{number}.flac,{('calm', 'wild')[number % 2]},{number}")
    write_tone(tmp_path / "song.wav", 440, 3, 5, 9)
    soundfile.write(tmp_path / "song.mp3", *soundfile.read(tmp_path / "song.wav"))
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("page", "files"),
    [
        ("predict.md", ["answers.csv"]),
        ("tag.md", []),
        ("embed.md", ["RUN/embeddings.parquet", "music.parquet", "music-tsne.png", "music-pca.png"]),
    ],
)
def test_every_command_of_a_guide_runs(here, page, files):
    commands = [line.split(" #")[0].strip() for block in blocks(page, "bash") for line in block.splitlines() if line]
    assert len(commands) >= 5
    for command in commands:
        words = shlex.split(command.split(">")[0])
        assert words[0] == "genrelab"
        done = CliRunner().invoke(app, words[1:], catch_exceptions=False)
        assert done.exit_code == 0, f"{command}\n{done.output}"
    for file in files:
        assert (here / file).stat().st_size > 0
    (here / "RUN" / "embeddings.parquet").unlink(missing_ok=True)


def test_the_python_of_the_guide_runs(here, capsys):
    session: dict[str, object] = {}
    for block in blocks("predict.md", "python"):
        exec(compile(block, "predict.md", "exec"), session)
    said = capsys.readouterr().out
    assert "0 s: " in said and "torch.Size([1, 3]) torch.Size([1, 64])" in said


def test_the_columns_of_the_guide_are_those_of_the_file(here):
    CliRunner().invoke(app, ["predict", "RUN", "song.mp3", "--out", "a.csv"], catch_exceptions=False)
    columns = (here / "a.csv").read_text().splitlines()[0].split(",")
    told = (DOCS / "predict.md").read_text(encoding="utf-8")
    assert all(
        name in told for name in columns if not name.startswith(("supergenre", "genre_", "title_", "probability_"))
    )

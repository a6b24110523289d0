"""The console script's verbs, as a user calls them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from genrelab.cli import app, main
from genrelab.utils.errors import ConfigError


def call(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def data(small) -> list[str]:
    return [text for text in small if not text.startswith(("model", "trainer", "accelerator"))]


def commands(group: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Words of every command below a group, such as ("tools", "optuna-ui")."""
    found = []
    for name, command in group.commands.items():
        here = (*path, name)
        found += commands(command, here) if hasattr(command, "commands") else [here]
    return found


COMMANDS = commands(get_command(app))


@pytest.mark.parametrize("group", [(), ("tools",)], ids=["genrelab", "tools"])
def test_help_shows_every_command_in_full_on_one_screen(group, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = call(*group, "--help").splitlines()
    assert len(lines) <= 24 and all(len(line) <= 80 for line in lines)
    assert "..." not in "".join(lines[1:])  # no sentence is cut
    rows = {line[13:].split("  ")[0] if not group else line.split()[0] for line in lines[2:-2]}
    assert rows == {command[len(group)] for command in COMMANDS if command[: len(group)] == group}


def test_help_names_the_five_groups_once_and_in_order():
    heads = [line[:13].strip() for line in call("--help").splitlines()[2:-2]]
    assert [head for head in heads if head] == ["Train", "Data", "Evaluate", "Use a model", "More"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_has_an_example_and_phrases_for_its_options(command):
    group = get_command(app)
    for word in command:
        group = group.commands[word]
    assert command == ("train",) or f"Example: genrelab {' '.join(command)} " in group.help
    for parameter in group.params:
        text = getattr(parameter, "help", None)
        if command != ("train",):
            assert text and text[0].isupper() and text.endswith((".", "...")), parameter.name


def test_a_decision_rule_and_another_dataset_are_two_commands(tmp_path):
    for words in (["evaluate", "RUN", "excerpts=3"], ["reevaluate", "RUN", "dataset=demo"]):
        with pytest.raises(ConfigError) as caught:
            app([*words], standalone_mode=False)
        [problem] = caught.value.problems
        assert problem.startswith("dataset")


def test_the_version_is_told():
    assert call("--version").startswith("genrelab ")
    assert "'features=[pcen,chroma_cqt]'" in call("tools", "plot-features", "--help")


def test_results_lie_below_the_configured_outputs(data, tmp_path):
    call("check", *data)
    assert (tmp_path / "outputs" / "check" / "check.csv").exists()


def test_check_writes_a_table_and_a_summary(data, tmp_path):
    out = tmp_path / "check"
    output = call("check", *data, "--out", str(out))
    assert "Slow" in output
    assert len(pd.read_csv(out / "check.csv")) == 30
    assert json.loads((out / "check.json").read_text())


def test_prepare_builds_and_exports(data, tmp_path):
    overrides = [text for text in data if "features" not in text] + ["features=descriptors"]
    output = call("prepare", *overrides, "--to-csv", "--out", str(tmp_path), "--workers", "1")
    table = pd.read_csv(next(tmp_path.glob("*.csv")))
    assert "30 tracks" in output and len(table) == 60
    assert table.columns[0] == "filename" and table.columns[-1] == "label"
    assert table["filename"].str.contains(r"song \d\.[01]\.wav").all()
    assert "0 tracks" in call("prepare", *overrides)


def test_graph_draws_a_taxonomy(tmp_path):
    output = call("tools", "plot-taxonomy", "taxonomy=gtzan", "--genre", "Blues", "--out", str(tmp_path))
    assert "Jazz" in output
    assert (tmp_path / "graph.html").exists() and (tmp_path / "graph.png").exists()


def test_features_draws_a_gallery(music, tmp_path):
    song = next(music.rglob("*.wav"))
    call("tools", "plot-features", str(song), "features=[mel_db,mfcc]", "--out", str(tmp_path / "song.png"))
    assert (tmp_path / "song.png").stat().st_size > 10_000


def test_mistakes_raise_what_main_turns_into_one_line(capsys, monkeypatch):
    with pytest.raises(ConfigError, match=r"'pcenn'.*'pcen'"):
        CliRunner().invoke(app, ["prepare", "features=pcenn"], catch_exceptions=False)
    monkeypatch.setattr("sys.argv", ["genrelab", "prepare", "features=pcenn"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2 and capsys.readouterr().err.startswith("error: ")


def test_threads_are_told_not_to_spin_before_torch_comes_in():
    code = (
        "import os, sys; sys.argv = ['genrelab', '--version']\n"
        "from genrelab.cli import main\n"
        "try: main()\n"
        "finally: print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules, 'hydra' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.endswith("1000 False False\n")


@pytest.mark.parametrize(
    "words", ["predict {} x.wav", "tag {} .", "embed {} .", "explain {} x.wav", "app {}", "export {}"]
)
def test_every_verb_that_loads_a_run_takes_modules_of_ones_own(words, run, song, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"own_{words.split()[0]}"
    (tmp_path / f"{name}.py").write_text("raise ImportError('it was imported')\n")
    for file in ("x.wav", "x.mp3"):
        shutil.copy(song, tmp_path / file)
    with pytest.raises(ConfigError, match=f"--plugins {name}: .*it was imported"):
        app([*words.format(run).split(), "--plugins", name], standalone_mode=False)

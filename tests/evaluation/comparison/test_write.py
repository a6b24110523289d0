"""What is printed and written, and the commands of docs/compare.md."""

from __future__ import annotations

import re
import shlex
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from genrelab.cli import app, main
from genrelab.evaluation.comparison import compare, print_comparison, write_comparison
from genrelab.evaluation.comparison.pairwise import CHANGE_KINDS
from genrelab.evaluation.comparison.significance import Verdict
from genrelab.utils.errors import GenrelabError
from paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "compare.md"
BETTER, _, NO_DIFFERENCE, _ = get_args(Verdict)


def printed(found, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    print_comparison(found, console)
    return console.file.getvalue()


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src")]


@pytest.fixture(scope="module")
def written(sweep, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    write_comparison(compare([sweep], baseline="cross_entropy"), folder)
    return folder


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_terminal_is_never_overrun(sweep, width):
    for by in ((), ("run",), ("loss",)):
        text = printed(compare([sweep], group_by=by, baseline=None if by else "cross_entropy"), width)
        assert max(map(len, text.splitlines())) <= width
    assert "table.csv" in text or width == 140


def test_the_terminal_says_what_matters(sweep, make_run, tmp_path):
    text = " ".join(printed(compare([sweep], baseline="cross_entropy")).split())
    for part in ("12 runs", "4 rows", "60 test tracks", "±", NO_DIFFERENCE, BETTER, "stand-in"):
        assert part in text
    make_run(tmp_path / "one")
    make_run(tmp_path / "lost", status="failed", error="OSError: [Errno 28] full")
    text = printed(compare([tmp_path]))
    assert "(1):" in text and "OSError: [Errno 28] full" in text


@pytest.mark.parametrize("width", [60, 80])
def test_names_of_runs_stay_whole(make_run, tmp_path, width):
    names = ["20260101-120000-ab12cd", "20260101-130000-cd34ef"]
    for seed, name in enumerate(names):
        make_run(tmp_path / name, seed=seed, run_id=name)
    table, tests = printed(compare([tmp_path], group_by=["run"], baseline=names[0]), width).split("against ")
    assert all(name in table for name in names) and f"\n{names[1]} " in tests


def test_many_settings_do_not_crowd_out_the_scores(make_run, tmp_path):
    for number in range(3):
        odd = {f"setting_{name}_of_some_length": number for name in "abcdefgh"}
        make_run(tmp_path / str(number), config={"model": {"kind": "mlp", **odd}})
    text = printed(compare([tmp_path]))
    assert text.index("accuracy") < text.index("table.csv") and "of some length" in " ".join(
        text[text.index("table.csv") :].split()
    )


def test_tables_hold_everything(written):
    table = pd.read_csv(written / "table.csv")
    assert list(table["row"]) == ["cross_entropy", "graph_soft, beta 1", "graph_soft, beta 2", "graph_soft, beta 4"]
    for name in (
        "beta",
        "effective_beta",
        "seeds",
        "accuracy_low",
        "accuracy_runs_sd",
        "hub_share",
        "seconds",
        "flags",
    ):
        assert name in table
    assert table["seeds"].eq("0 1 2").all() and not table.columns.duplicated().any()
    assert table["accuracy_verdict"].iloc[-1] == BETTER and table["accuracy_p"].iloc[-1] < 0.05
    runs = pd.read_csv(written / "runs.csv")
    assert len(runs) == 12 and runs["accuracy"].between(runs["accuracy_low"], runs["accuracy_high"]).all()
    assert table["accuracy"].iloc[0] == pytest.approx(runs.loc[runs["row"] == "cross_entropy", "accuracy"].mean())
    lines = (written / "table.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert rows[0].count("|") == rows[1].count("|") == rows[2].count("|") and NO_DIFFERENCE in "".join(lines)


def test_the_page_loads_nothing_and_its_links_lead_somewhere(written):
    text = (written / "index.html").read_text()
    links = Links(text).found
    assert {"table.csv", "runs.csv", "metrics.png", "scatter.png", "beta.png"} <= set(links)
    assert not [link for link in links if link.startswith(("http", "//"))] and "@import" not in text
    for link in links:
        assert f'id="{link[1:]}"' in text if link.startswith("#") else (written / link).exists()
    for part in (NO_DIFFERENCE, "cross_entropy", 'id="beta"', 'class="better"'):
        assert part in text
    for picture in written.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 5000


def test_two_runs_get_their_section(sweep, tmp_path):
    page = write_comparison(compare([sweep / "0", sweep / "9"]), tmp_path / "out")
    text = page.read_text()
    assert 'id="two"' in text
    changes, genres = (pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("changes", "genres"))
    assert set(changes["change"]) <= set(CHANGE_KINDS) and len(genres) == 6


def test_names_from_files_are_escaped(make_run, tmp_path):
    run = make_run(tmp_path / "a", command="<script>alert(1)</script>", overrides=["x=<b>"])
    bad = make_run(tmp_path / "b", status="failed", error="<img src=x>")
    assert run != bad
    text = write_comparison(compare([tmp_path]), tmp_path / "out").read_text()
    assert "<script>alert" not in text and "<img" not in text and "&lt;img" in text


def test_flat_taxonomies_have_no_distances(make_run, tmp_path):
    from genrelab.taxonomy.registry import TAXONOMIES

    flat = TAXONOMIES.build("flat", {}, genres=("Slow", "Even", "Fast"))
    for seed in range(2):
        make_run(tmp_path / "runs" / str(seed), taxonomy=flat, seed=seed)
    found = compare([tmp_path / "runs"])
    assert "distance" not in printed(found)
    text = write_comparison(found, tmp_path / "out").read_text()
    assert "Distance" not in text and not (tmp_path / "out" / "scatter.png").exists()


def test_out_is_never_a_run_or_a_file(sweep, tmp_path):
    found = compare([sweep])
    (tmp_path / "file").touch()
    for folder, text in ((sweep / "0", "--out .*/0: "), (tmp_path / "file", "--out .*/file: ")):
        with pytest.raises(GenrelabError, match=text):
            write_comparison(found, folder)


def test_mistakes_end_with_code_2_and_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["genrelab", "compare", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def documented() -> list[str]:
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("genrelab compare")]


@pytest.mark.parametrize("command", documented())
def test_the_documented_commands_run(command, sweep, make_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("outputs/sweeps").mkdir(parents=True)
    Path("outputs/sweeps/20260101-120000-ab12cd").symlink_to(sweep)
    for name, beta in (("base", None), ("new", 2.0)):
        make_run(tmp_path / "outputs" / "runs" / name, beta=beta, first=0 if beta else 12)
    done = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    if "--out" in command:
        assert list(tmp_path.glob("outputs/*/index.html"))

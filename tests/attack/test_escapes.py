"""Names of somebody else are text wherever they are shown: no formula, no markup, no control of the terminal."""

from __future__ import annotations

import csv
import json
import re

import pandas as pd
import pytest

from genrelab.inference.export.exporter import export_run
from genrelab.utils.io import is_one_line, printable, spreadsheet_text, write_table


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(tmp_path, text):
    write_table(pd.DataFrame({"genre": [text, "Jazz"], "distance": [-1.5, 2.0]}), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    shown = "'" + text.replace("\r", " ")
    assert rows[1:] == [[shown, "-1.5"], ["Jazz", "2.0"]]
    assert spreadsheet_text(text) == shown and spreadsheet_text(-1.5) == -1.5


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2J", "a\u2028b", "\u202eabc", "\x00", 3])
def test_what_may_steer_a_terminal_is_found(text):
    assert not is_one_line(text)
    assert printable(str(text)).isprintable()


def test_the_card_shows_names_as_text(run, tmp_path):
    import shutil

    folder = shutil.copytree(run, tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    record["dataset"]["name"] = "x` <b onclick=1>[y](z)"
    record["taxonomy"]["source"] = "<img src=x> [y](http://z) *bold*\x1b[2J"
    (folder / "run.json").write_text(json.dumps(record))
    target, _ = export_run(folder, format="safetensors", out=tmp_path / "out")
    card = (target / "README.md").read_text()
    body = card.split("---\n", 2)[-1]
    assert "\x1b" not in card
    assert not re.search(r"(?<!\\)<(img|b)\b", re.sub(r"`[^`\n]*`", "", body))
    assert not re.search(r"(?<!\\)\[y\]", re.sub(r"`[^`\n]*`", "", body))

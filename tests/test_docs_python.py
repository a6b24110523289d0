"""The Python guide's blocks run, in order, in one session."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "from-python.md"


@pytest.mark.filterwarnings("ignore")
def test_the_python_guide_runs(music, tmp_path, monkeypatch, capsys):
    shutil.copytree(music, tmp_path / "music")
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE):
        exec(compile(block, str(PAGE), "exec"), session)
    said = capsys.readouterr().out
    assert "apart {'train': 18, 'val': 6, 'test': 6}" in said
    assert "30 tracks built" in said and "track accuracy" in said and "finished" in said

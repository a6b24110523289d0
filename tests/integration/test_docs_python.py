"""The Python guide's blocks run, in order, in one session."""

from __future__ import annotations

import re
import shutil

import pytest

from paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "from-python.md"


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


def test_the_guide_to_features_of_ones_own_trains(tmp_path, monkeypatch):
    from genrelab.config import compose
    from genrelab.engine import run

    page = (PAGE.parent / "bring-your-own-features.md").read_text()
    (tmp_path / "my_data.py").write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0])
    option = tmp_path / "my_conf" / "dataset" / "my_numbers.yaml"
    option.parent.mkdir(parents=True)
    option.write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    overrides = ["plugins=[my_data]", "dataset=my_numbers", "trainer.max_epochs=1", "accelerator=cpu"]
    record = run.train(compose(overrides, [str(tmp_path / "my_conf")]), tmp_path / "run", overrides)
    assert record["status"] == "finished" and record["features"] == ["numbers"]

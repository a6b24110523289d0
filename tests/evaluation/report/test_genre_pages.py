import re

import numpy as np
import pytest

from genrelab.evaluation.report import write_report
from genrelab.runs.run_dir import RunDir


@pytest.fixture
def report(run_folder):
    write_report(run_folder)
    return run_folder / "report", RunDir.read(run_folder)


def test_every_genre_of_the_table_has_its_page(report):
    folder, run = report
    linked = re.findall(r'href="(genres/\d+\.html)"', (folder / "index.html").read_text())
    assert len(linked) == len(run.taxonomy.genres) == len(list((folder / "genres").iterdir()))
    for place, link in enumerate(linked):
        text = (folder / link).read_text()
        assert f"<title>{run.taxonomy.titles[place].replace('&', '&amp;').replace(chr(39), '&#39;')}" in text
        for other in re.findall(r'href="(\d+\.html)"', text):
            assert (folder / "genres" / other).exists()


def test_a_page_counts_what_the_confusion_counts(report):
    folder, run = report
    rows = run.at_level(run.primary_split, "track")
    answer = rows.logits.argmax(axis=1)
    for place in range(len(run.taxonomy.genres)):
        text = (folder / "genres" / f"{place:03d}.html").read_text()
        own, said = rows.target == place, answer == place
        assert re.search(rf"\b{own.sum()} {run.primary_split} tracks.*\b{said.sum()} times", text)
        assert text.count(' <span class="muted">wrong</span>') == int(np.sum(own ^ said))

"""target=supergenre (A20): the groups of genres are the classes, with distances among them, from split to report."""

import json

import numpy as np
import pytest

from genrelab.config import compose
from genrelab.engine import build, run
from genrelab.runs.predictions import read_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.taxonomy import UnknownGenre
from genrelab.taxonomy.hierarchy import resolve_class, to_supergenres
from genrelab.utils.errors import GenrelabError

MUSICMAP = ["taxonomy=musicmap"]


@pytest.fixture(scope="module")
def musicmap():
    return build.read_taxonomy(compose(MUSICMAP), ())


def test_distances_are_those_of_the_graph_between_supergenres(musicmap):
    import networkx as nx

    grouped = to_supergenres(musicmap)
    assert len(grouped) == len(set(musicmap.supergenre_of)) and grouped.titles[0] in musicmap.supergenres.values()
    graph, distances = musicmap.graph(), grouped.distances()
    for a, b in [(0, 1), (2, 7), (5, 3)]:
        wanted = nx.shortest_path_length(graph, grouped.genres[a], grouped.genres[b], weight="weight")
        assert distances[a, b] == pytest.approx(wanted) and distances[a, b] > 0
    assert np.isfinite(distances).all() and type(grouped).from_dict(grouped.to_dict()) == grouped
    few = to_supergenres(musicmap.subset(["jaz03", "jaz06", "hou01"]))
    assert few.genres == ("supergenre:jaz", "supergenre:hou") or set(few.genres) == {"supergenre:jaz", "supergenre:hou"}


def test_names_of_genres_lead_to_their_supergenre(musicmap):
    grouped = to_supergenres(musicmap.subset(["jaz03", "hou01"]))
    assert resolve_class(grouped, "Jazz") == resolve_class(grouped, "jaz06") == "supergenre:jaz"
    assert resolve_class(grouped, dict(zip(musicmap.genres, musicmap.titles, strict=True))["jaz03"]) == "supergenre:jaz"
    for text in ("Polka", "met01"):
        with pytest.raises(UnknownGenre):
            resolve_class(grouped, text)


def test_where_there_are_none_it_says_so(music):
    config = compose([f"dataset.root={music}", "dataset=folder", "target=supergenre"])
    with pytest.raises(GenrelabError, match=r"target=supergenre: .*taxonomy=flat"):
        build.read_dataset(config)


@pytest.mark.slow
def test_a_run_learns_scores_and_reports_supergenres(tmp_path):
    overrides = [
        *("demo.genres=[jaz03,jaz06,hou01,blu03,blu05]", "demo.tracks_per_genre=6", "demo.artists_per_genre=3"),
        *(
            "target=supergenre",
            "features=mel_db",
            "model=cnn",
            "augment=none",
            "trainer.max_epochs=1",
            "accelerator=cpu",
        ),
        *("split.ratios=[0.4,0.3,0.3]", "trainer.estimate=false", "trainer.baselines=false"),
        f"paths.output_dir={tmp_path / 'outputs'}",
    ]
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    folder = RunDir.read(tmp_path / "run")
    assert set(folder.taxonomy.titles) == {"Jazz", "House", "Blues"} and record["status"] == "finished"
    found = read_predictions(tmp_path / "run" / "predictions.parquet")
    assert found.logits.shape[1] == 3
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["track"]["distance"]["value"] is not None and not metrics["flat"]
    assert folder.distances.max() > 0 and "supergenre:" not in metrics["verdict"][0]
    assert (tmp_path / "run" / "report" / "index.html").exists()

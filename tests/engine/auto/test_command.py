"""`genrelab auto` from a folder of sound to a run that predicts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genrelab.engine import run
from genrelab.engine.auto import command, selection
from genrelab.engine.auto import race as races
from genrelab.engine.auto.candidates import Candidate, list_candidates
from genrelab.inference import load_predictor
from genrelab.runs.predictions import read_predictions
from genrelab.runs.run_dir import RunDir
from genrelab.utils.errors import ConfigError, GenrelabError, Interrupted

MEL = ("mel_db",)
CANDIDATES = [
    Candidate("majority", "majority", MEL),
    Candidate("linear", "logistic_regression", MEL, grid={"c": (0.03, 0.3)}),
    Candidate("forest", "random_forest", MEL, {"n_estimators": 20}),
]
AUDIO = ["audio.sample_rate=8000", "audio.segment_duration=2.0", "accelerator=cpu"]


@pytest.fixture
def _small_race(monkeypatch):
    monkeypatch.setattr(races, "OUTER_FOLDS", (3,))
    monkeypatch.setattr(races, "INNER_FOLDS", (2,))
    monkeypatch.setattr(command, "list_candidates", lambda *_, **__: CANDIDATES)


@pytest.mark.usefixtures("_small_race")
def test_an_interrupted_race_is_resumed_and_its_stack_answers_songs(music, tmp_path, monkeypatch):
    def stack(losses, group):
        return len(losses) - 1, int(losses.mean(axis=1).argmin()), np.ones(len(losses), bool)

    def stop(*_):
        raise KeyboardInterrupt

    folder = tmp_path / "outputs" / "runs" / "race"
    monkeypatch.setattr(selection, "one_standard_error", stack)
    monkeypatch.setattr("genrelab.engine.auto.outcome.KEPT", 0.0)
    with monkeypatch.context() as cut:
        cut.setattr(command, "decide", stop)
        with pytest.raises(Interrupted, match=r"genrelab auto --resume .*race"):
            command.start_race(str(music), [*AUDIO, f"paths.output_dir={tmp_path / 'outputs'}"], "10min", folder)
    with pytest.raises(GenrelabError, match="auto --resume"):
        run.resume(folder)
    kept = {path: path.stat().st_mtime_ns for path in (folder / "auto").glob("*.npz")}
    assert len(kept) == 3 * 4
    command.resume_race(folder)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    with pytest.raises(GenrelabError, match="finished"):
        command.resume_race(folder)

    found = RunDir.read(folder)
    race = json.loads((folder / "race.json").read_text())
    assert race["chosen"] == "stack" and not race["artist_leak"] and race["folds"] == 3
    assert [row["title"] for row in race["candidates"]] == ["majority", "linear", "forest", "stack"]
    rows = read_predictions(folder / "predictions.parquet")
    assert len(set(rows.only("test").track_id)) == len(set(rows.only("val").track_id)) == 30
    accuracy = (found.at_level("test", "track").logits.argmax(1) == found.at_level("test", "track").target).mean()
    assert race["nested"]["accuracy"] == pytest.approx(accuracy, abs=1e-4)
    assert found.record["model"]["kind"] == "stack" and set(found.record["baselines"]) <= set(found.taxonomy.genres) | {
        *(row["title"] for row in race["candidates"])
    }
    page = (folder / "report" / "race.html").read_text()
    assert all(row["title"] in page for row in race["candidates"]) and "<svg" in page
    assert "race.html" in (folder / "report" / "index.html").read_text()

    predictor = load_predictor(folder)
    song = sorted(music.rglob("*.wav"))[0]
    prediction = predictor.predict(song)
    assert prediction.probabilities.shape == (3,) and prediction.probabilities.sum() == pytest.approx(1)
    assert predictor.calibration.fitted and predictor.path.name == "refit.ckpt"


def test_what_candidates_decide_cannot_be_asked_for(tmp_path):
    for text in ("model=cnn", "features=pcen", "features.mel_db.n_mels=4"):
        with pytest.raises(ConfigError, match="auto chooses"):
            command.start_race("music", [text], "1min", tmp_path)
    with pytest.raises(GenrelabError, match="no music"):
        command.start_race(None, [], "1min", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_simplest_candidate_comes_first_and_networks_last():
    found = list_candidates(musicnn=True)
    assert found[0].kind == "majority"
    assert [one.network for one in found] == sorted(one.network for one in found)
    assert len({one.slug for one in found}) == len(found)
    assert any("musicnn" in one.features for one in found)
    assert not any("musicnn" in one.features for one in list_candidates())
    assert [one.features for one in list_candidates(["table"])] == [()] * 3

"""Runs of several genres a track: probabilities of their own, genres above thresholds, and nothing that sums to 1."""

import csv
import json

import numpy as np
import pytest

from genrelab import load_predictor
from genrelab.inference.command import PredictOptions, predict_command
from genrelab.inference.console import NONE, TableWriter, format_card, format_timeline
from genrelab.metrics.multilabel import aggregate_multilabel_segments, sigmoid
from genrelab.postprocessing import MULTILABEL, PerClassThresholds
from genrelab.runs.predictions import read_predictions
from several_genres import RATE, sounding


@pytest.fixture(scope="module")
def own(several):
    return load_predictor(several)


def test_probabilities_are_sigmoids_and_tracks_their_mean(own, jamendo):
    found = own.predict(jamendo / "04" / "4.mp3")
    np.testing.assert_allclose(found.probabilities, sigmoid(found.logits).mean(axis=0), atol=1e-6)
    np.testing.assert_allclose([one.probabilities for one in found.segments], sigmoid(found.logits))
    assert found.hedged is None and found.supergenre is None and found.confidence is None
    assert [guess.probability for guess in found.top] == sorted(found.probabilities, reverse=True)


def test_logits_are_those_of_the_run(own, several, jamendo):
    test = read_predictions(several / "predictions.parquet").only("test")
    for track in np.unique(test.track_id)[:4]:
        number = int(track.removeprefix("track_0_"))
        logits = own.predict(jamendo / f"{number:02}" / f"{number}.mp3").logits
        np.testing.assert_allclose(logits, test.logits[test.track_id == track], atol=1e-3 * np.ptp(test.logits))


def test_thresholds_are_those_of_val(own, several):
    val = read_predictions(several / "predictions.parquet").only("val")
    logits, _ = aggregate_multilabel_segments(val.logits, val.track_id)
    first = np.unique(val.track_id, return_index=True)[1]
    record = json.loads((several / "run.json").read_text())["dataset"]
    decision = PerClassThresholds(np.array(record["train_targets"]) / record["tracks"]["train"])
    decision.fit(logits, val.targets[first])
    np.testing.assert_allclose(own.calibration.label_assigner.track_thresholds, decision.values)
    assert own.calibration.fitted and own.output_type is MULTILABEL
    assert {key: pytest.approx(value) for key, value in zip(own.genres, decision.values, strict=True)} == (
        own.predict(sounding(("hum",), 1)).thresholds
    )


def test_all_genres_above_their_thresholds_are_answered(own):
    found = own.predict(sounding(("hum", "drum"), 999), RATE)
    assert {guess.genre for guess in found.genres} == {"hum", "drum"} and found.fallback_level is None
    assert found.label == "; ".join(guess.title for guess in found.genres)
    for guess in found.top:
        assert (guess in found.genres) == (guess.probability >= found.thresholds[guess.genre])
    for entry in found.segments:
        reached = entry.probabilities >= own.calibration.label_assigner.segment_thresholds
        assert set(entry.genres) == set(np.flatnonzero(reached))


def test_the_card_has_every_genre_beside_its_threshold(own):
    found = own.predict(sounding(("hum", "drum"), 999), RATE)
    text = "\n".join(format_card(found, own.titles))
    assert "answered, from" in text and "below" in text and "supergenre" not in text
    assert text.count("%") >= 2 * len(found.top)
    line = TableWriter(own.titles, multilabel=True).row(found)
    assert "hum " in line and "; " in line


def test_what_changes_in_time_is_told(own):
    sound = np.concatenate([sounding(("hum",), 5, 4.0), sounding(("whistle", "drum"), 6, 4.0)])
    told = format_timeline(own.predict(sound, RATE).segments, own.titles)
    assert told[0].startswith("0:00 - 0:04  hum") and "whistle" in told[-1] and "drum" in told[-1]
    silent = own.predict(np.zeros(4 * RATE, np.float32))
    assert silent.rejection_reason == "silence" and silent.label == "unknown (silence)"
    nothing = [entry._replace(genres=()) for entry in silent.segments]
    assert format_timeline(nothing, own.titles) == [f"0:00 - 0:04  {NONE}"]


def test_a_checkpoint_alone_answers_from_a_half_on(several, tmp_path):
    (tmp_path / "alone.ckpt").write_bytes((several / "checkpoints" / "best.ckpt").read_bytes())
    alone = load_predictor(tmp_path / "alone.ckpt")
    assert set(alone.predict(sounding(("hum",), 1), RATE).thresholds.values()) == {0.5}
    assert not alone.calibration.fitted


def test_json_and_csv_hold_all_genres(several, jamendo, tmp_path):
    for name in ("answers.jsonl", "answers.csv"):
        assert predict_command(several, [jamendo / "04", jamendo / "05"], PredictOptions(out=tmp_path / name)) == 0
    rows = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    table = list(csv.DictReader((tmp_path / "answers.csv").open()))
    assert [row["genres"] for row in table] == [";".join(one["genre"] for one in row["genres"]) for row in rows]
    assert any(len(row["genres"]) > 1 for row in rows)
    for row in rows:
        assert "hedged" not in row and "supergenre" not in row
        assert all((one in row["genres"]) == (one["probability"] >= one["threshold"]) for one in row["top"])
    assert "supergenre" not in table[0] and table[0]["height"] == "genre"

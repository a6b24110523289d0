"""`genrelab evaluate RUN dataset=...`: other songs scored by a finished run, and refused where they are not new."""

import csv
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from genrelab.audio import AudioSpec
from genrelab.cli import app
from genrelab.config import compose
from genrelab.engine import run
from genrelab.engine.external_evaluation import draw_excerpts
from genrelab.engine.external_evaluation.command import evaluate_new_data
from genrelab.evaluation.report.condition_scores import share_interval
from genrelab.runs.predictions import read_predictions
from genrelab.runs.training_tracks import audio_hash, read_training_tracks
from genrelab.utils.errors import ConfigError, GenrelabError
from paths import SHARED_DATA
from several_genres import write_jamendo
from tones import write_tone

FEATURES = [
    *("taxonomy=flat", "augment=none", "features=mel_db", "features.mel_db.n_fft=512", "audio.sample_rate=8000"),
    *("features.mel_db.hop_length=256", "features.mel_db.n_mels=32", "features.mel_db.frames=32", "model=cnn"),
    *("audio.segment_duration=2.0", "trainer.max_epochs=3", "trainer.estimate=false", "trainer.baselines=false"),
]


@pytest.fixture(scope="module")
def trained(music, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    overrides = ["dataset=folder", f"dataset.root={music}", *FEATURES, "accelerator=cpu", "split.ratios=[0.6,0.2,0.2]"]
    run.train(compose([*overrides, f"paths.output_dir={folder.parent}"]), folder, overrides)
    return folder


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Six songs of new artists, of the run's genres; some are covers; each longer than a segment of the run."""
    root = tmp_path_factory.mktemp("songs")
    lines = []
    for g, genre in enumerate(("slow", "EVEN", "Fast")):
        for n in range(2):
            path = f"{genre}{n}.wav"
            write_tone(root / path, 520, 1.5 * 2**g, 7.0, 900 + 10 * g + n)
            lines.append({"path": path, "genre": genre, "artist": f"new {g}{n}", "condition": ("live", "cover")[n]})
    write(root / "songs.csv", lines)
    return root


def write(path, lines):
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(lines[0]))
        table.writeheader()
        table.writerows(lines)


def edited(songs, tmp_path, **fields):
    """The songs' table with other fields in its first line."""
    lines = list(csv.DictReader((songs / "songs.csv").open()))
    lines[0] |= fields
    write(tmp_path / "songs.csv", lines)
    return [f"dataset.path={tmp_path / 'songs.csv'}", f"dataset.root={songs}"]


def test_new_songs_are_scored_by_condition(trained, songs, tmp_path, capsys):
    choices = ["dataset=csv", f"dataset.path={songs / 'songs.csv'}", "excerpts=10", "excerpt_seconds=2"]
    evaluate_new_data(trained, choices, tmp_path / "found")
    said = capsys.readouterr().out
    assert "all songs" in said and "cover" in said and "test: 6 tracks, 60 segments" in said
    found = read_predictions(tmp_path / "found" / "predictions.parquet")
    assert found.genres == read_predictions(trained / "predictions.parquet").genres
    assert [found.genres[t] for t in found.target[::10]] == ["Even", "Even", "Fast", "Fast", "Slow", "Slow"]
    metrics = json.loads((tmp_path / "found" / "metrics.json").read_text())
    rows = {row["condition"]: row for row in metrics["conditions"]}
    assert list(rows) == ["all songs", "cover", "live"]
    assert [(row["songs"], row["excerpts"]) for row in rows.values()] == [(6, 60), (3, 30), (3, 30)]
    for row in rows.values():
        assert (
            row["segment"]["top1"]["value"] <= row["segment"]["top2"]["value"] <= row["segment"]["top3"]["value"] == 1
        )
    hits = found.logits.argmax(axis=1) == found.target
    assert rows["all songs"]["segment"]["top1"]["value"] == pytest.approx(hits.mean())
    assert hits.mean() == metrics["test"]["segment"]["accuracy"]["value"]
    page = (tmp_path / "found" / "report" / "index.html").read_text()
    assert all(f"<td>{name}</td>" in page for name in ("cover", "live")) and "OVERLAP" not in page
    record = json.loads((tmp_path / "found" / "run.json").read_text())
    assert record["kind"] == "evaluation" and record["status"] == "finished" and record["overlap"]["songs"] == {}


def test_whole_songs_answer_as_predict_does(trained, songs):
    from genrelab.inference import load_predictor

    evaluate_new_data(trained, ["dataset=csv", f"dataset.path={songs / 'songs.csv'}"])
    folder = trained / "evaluations" / "songs-whole"
    found = read_predictions(folder / "predictions.parquet")
    assert len(found) == 6 * 3
    predictor = load_predictor(trained)
    samples = predictor.decode(songs / "Fast1.wav")
    wanted = predictor.window_logits(predictor.windows(samples))
    assert np.allclose(found.logits[found.track_id == "Fast1.wav"], wanted, atol=1e-5)
    evaluate_new_data(trained, ["dataset=csv", f"dataset.path={songs / 'songs.csv'}"])
    assert (trained / "evaluations" / "songs-whole-2" / "report" / "index.html").exists()


def test_the_run_keeps_tracks_artists_and_recordings(trained, music):
    known = read_training_tracks(trained, {})
    assert known["part"].value_counts().to_dict() == {"train": 18, "val": 6, "test": 6}
    assert known["artist_id"].notna().all()
    first = known.iloc[0]
    assert first["audio"] == audio_hash(music / first["track_id"])
    assert read_training_tracks(trained / "elsewhere", {"split": {"train": ["a"]}})["track_id"].tolist() == ["a"]


@pytest.mark.parametrize("why", ["track", "recording", "artist"])
def test_songs_of_train_are_refused_marked_or_left_out(trained, music, songs, tmp_path, capsys, why):
    known = read_training_tracks(trained, {})
    one = known[known["part"] == "train"].iloc[0]
    if why == "recording":
        shutil.copy(music / one["track_id"], songs / "copied.wav")
        choices = edited(songs, tmp_path, path="copied.wav", artist="")
    elif why == "artist":
        choices = edited(songs, tmp_path, artist=f"somebody; {one['artist_id'].upper()}")
    else:
        choices = [f"dataset.root={music}"]
    kind = "dataset=folder" if why == "track" else "dataset=csv"
    with pytest.raises(GenrelabError, match=rf"\b{why} .*\btrain\b") as caught:
        evaluate_new_data(trained, [kind, *choices], tmp_path / "out")
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()
    evaluate_new_data(trained, [kind, *choices, "on_overlap=warn"], tmp_path / "marked")
    said = capsys.readouterr()
    assert "OVERLAP test:" in said.out and "OVERLAP" in said.err
    page = (tmp_path / "marked" / "report" / "index.html").read_text()
    assert '<p class="lead">OVERLAP' in page and page.count("OVERLAP") > 1
    evaluate_new_data(trained, [kind, *choices, "on_overlap=drop"], tmp_path / "rest")
    rest = set(read_predictions(tmp_path / "rest" / "predictions.parquet").track_id)
    assert len(rest) == 5 if why != "track" else not rest & set(known.loc[known["part"] == "train", "track_id"])
    assert "OVERLAP" not in capsys.readouterr().out


def test_genres_that_the_run_does_not_know(trained, songs, tmp_path, capsys):
    choices = ["dataset=csv", *edited(songs, tmp_path, genre="Polka")]
    with pytest.raises(GenrelabError, match=r"\b1 .*: Polka\b.*on_unknown_genre=drop"):
        evaluate_new_data(trained, choices, tmp_path / "out")
    evaluate_new_data(trained, [*choices, "on_unknown_genre=drop"], tmp_path / "out")
    assert re.search(r"\b1 songs .*: Polka", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (["excerpts=10", "excerpt_seconds=1"], "excerpt_seconds: 1 s .*2 s"),
        (["excerpts=0"], r"excerpts: 0 .*\b1\b"),
        (["excerpt_seconds=3"], "excerpt_seconds: .*excerpts"),
        (["on_overlap=allow"], "on_overlap: 'allow' .*drop"),
        (["decision=crm"], "decision=crm: .*genrelab reevaluate"),
    ],
)
def test_choices_that_do_not_fit(trained, songs, choice, message):
    with pytest.raises((ConfigError, GenrelabError), match=message):
        evaluate_new_data(trained, ["dataset=csv", f"dataset.path={songs / 'songs.csv'}", *choice])


def test_only_a_part_of_a_dataset(trained, music, tmp_path):
    choices = ["dataset=folder", f"dataset.root={music}", "split.ratios=[0.6,0.2,0.2]", "eval_split=test"]
    done = CliRunner().invoke(app, ["evaluate", str(trained), *choices, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    found = read_predictions(tmp_path / "out" / "predictions.parquet")
    tested = read_predictions(trained / "predictions.parquet").only("test")
    order = np.lexsort((tested.segment_id, tested.track_id))
    assert found.track_id.tolist() == tested.track_id[order].tolist()
    assert np.allclose(found.logits, tested.logits[order], atol=1e-4), "the artists of test are new to the run"


def test_excerpts_lie_within_the_song_and_depend_on_seed_and_track_alone():
    spec = AudioSpec(sample_rate=1000, segment_duration=1.0, trim_top_db=None)
    samples = np.arange(10_000, dtype=np.float32)
    drawn = draw_excerpts(samples, spec, 50, 3.0, 0, "a")
    assert all(len(one) == 3000 and (np.diff(one) == 1).all() for one in drawn)
    assert len({float(one[0]) for one in drawn}) > 40
    again, other = (draw_excerpts(samples, spec, 50, 3.0, 0, track) for track in "ab")
    assert all((a == b).all() for a, b in zip(drawn, again, strict=True)) and other[0][0] != drawn[0][0]
    assert [len(one) for one in draw_excerpts(samples[:2000], spec, 10, 3.0, 0, "a")] == [2000]


def test_an_interval_of_equal_answers_is_wilsons_and_others_hold_the_share():
    track = np.repeat(np.arange(20), 10)
    found = share_interval(np.ones(200, bool), track)
    assert found["high"] == 1 and 0.8 < found["low"] < 0.9
    hits = np.random.default_rng(0).random(200) < 0.6
    found = share_interval(hits, track)
    assert found["low"] < hits.mean() < found["high"]
    whole = share_interval(np.repeat([True] * 10 + [False] * 10, 10), track)
    assert whole["high"] - whole["low"] > 0.35, "segments of one track are one piece of evidence"


def test_the_guides_commands_are_read():
    from documented import COMMANDS
    from genrelab.engine.external_evaluation.command import read_choices

    lines = [line.split() for page, line in COMMANDS if page == "protocols.md" and line.startswith("genrelab evaluate")]
    assert len(lines) == 4
    hows = [read_choices(words[3:])[0] for words in lines]
    assert (hows[0].excerpts, hows[0].excerpt_seconds, hows[1].on_overlap, hows[2].eval_split) == (
        10,
        3,
        "drop",
        "test",
    )


@pytest.mark.shared
@pytest.mark.slow
def test_real_clips_of_other_artists(tmp_path):
    """Trained on some clips of GTZAN, asked for others: scored where artists are apart, refused for the trained."""
    root = SHARED_DATA / "gtzan_mini" / "genres_original"
    overrides = [
        *("dataset=gtzan", f"dataset.root={root}", *FEATURES[1:], "split.group_by=null", "split.ratios=[0.6,0.2,0.2]"),
        *("audio.segment_duration=3.0", "accelerator=cpu", f"paths.output_dir={tmp_path}"),
    ]
    run.train(compose(overrides), tmp_path / "run", overrides)
    with pytest.raises(GenrelabError, match=r"\d+ .*on_overlap=drop"):
        evaluate_new_data(tmp_path / "run", ["dataset=gtzan", f"dataset.root={root}"])
    choices = ["dataset=gtzan", f"dataset.root={root}", "on_overlap=drop", "excerpts=10", "excerpt_seconds=3"]
    evaluate_new_data(tmp_path / "run", choices, tmp_path / "new")
    found = pd.Series(read_predictions(tmp_path / "new" / "predictions.parquet").track_id)
    known = read_training_tracks(tmp_path / "run", {})
    assert (found.value_counts() == 10).all() and not set(found) & set(known.loc[known["part"] == "train", "track_id"])


@pytest.mark.slow
def test_new_songs_of_several_genres_are_scored_by_their_own_metrics(several, tmp_path, capsys):
    root = write_jamendo(tmp_path / "new", count=12, seed=1, further="polka")
    choices = ["dataset=jamendo", f"dataset.root={root}", f"dataset.tags={root / 'tags.tsv'}"]
    with pytest.raises(GenrelabError, match=r"\b1 .*: polka\b.*on_unknown_genre=drop"):
        evaluate_new_data(several, choices, tmp_path / "refused")
    evaluate_new_data(several, [*choices, "on_unknown_genre=drop"], tmp_path / "found")
    assert "PR-AUC, macro" in capsys.readouterr().out
    found = read_predictions(tmp_path / "found" / "predictions.parquet")
    assert len(np.unique(found.track_id)) == 12 and found.targets.sum(axis=1).max() > 1
    metrics = json.loads((tmp_path / "found" / "metrics.json").read_text())
    assert metrics["test"]["track"]["roc_auc"]["value"] > 0.9
    listed = pd.read_csv(tmp_path / "found" / "songs.csv")
    assert listed["genres"].str.contains("; ").any()
    record = json.loads((tmp_path / "found" / "run.json").read_text())
    assert record["dataset"]["genres"]["drum"] == found.targets[:: len(found) // 12].sum(axis=0)[0]
    assert record["dataset"]["train_targets_of"] == 28


def test_songs_and_run_name_as_many_genres(several, trained, songs, tmp_path):
    root = write_jamendo(tmp_path / "new", count=3, seed=1)
    jamendo = ["dataset=jamendo", f"dataset.root={root}", f"dataset.tags={root / 'tags.tsv'}"]
    with pytest.raises(GenrelabError, match="target=genre"):
        evaluate_new_data(trained, jamendo, tmp_path / "a")
    with pytest.raises(GenrelabError, match="target=multi_label"):
        evaluate_new_data(several, ["dataset=csv", f"dataset.path={songs / 'songs.csv'}"], tmp_path / "b")

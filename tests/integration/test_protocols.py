"""docs/protocols.md, followed from the first line to the last: on the demo, and on folders that it names."""

import csv
import json
import shlex
from collections import Counter

import pytest
from typer.testing import CliRunner

from documented import COMMANDS
from genrelab.cli import app
from genrelab.config import compose
from genrelab.datasets.gtzan import BAD_CLIP, published_tracks
from genrelab.engine import run
from genrelab.runs.predictions import read_predictions
from genrelab.runs.training_tracks import read_training_tracks
from tones import write_tone

GENRES = ("blues", "disco", "metal")
CHEAP = [
    *("debug=fast", "augment=none", "features=mel_db", "features.mel_db.n_fft=1024", "features.mel_db.hop_length=1024"),
    *("features.mel_db.n_mels=16", "features.mel_db.frames=16", "model=cnn", "data.batch_size=8", "accelerator=cpu"),
    *("audio.sample_rate=8000", "trainer.enable_progress_bar=false", "trainer.report=false"),
]
DEMO = ["demo.genres=2", "demo.tracks_per_genre=5", "demo.artists_per_genre=5"]
TRAINED = [line for page, line in COMMANDS if page == "protocols.md" and line.startswith("python train.py")]
EVALUATED = [line for page, line in COMMANDS if page == "protocols.md" and line.startswith("genrelab evaluate")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Where the demo is composed once: overrides."""
    return [*CHEAP, *DEMO, f"paths.cache_dir={tmp_path_factory.mktemp('cache')}"]


def trained(overrides, folder):
    return run.train(compose([*overrides, f"paths.output_dir={folder.parent}"]), folder, overrides)


@pytest.mark.parametrize(
    ("audio", "seconds", "of_a_track"),
    [
        pytest.param("segments_3s", 3, 10, marks=pytest.mark.slow),
        pytest.param("default", 15, 2, marks=pytest.mark.slow),
        ("segments_30s", 30, 1),
    ],
)
def test_segments_of_every_length_train_and_are_scored_by_track(demo, tmp_path, audio, seconds, of_a_track):
    record = trained([*demo, f"audio={audio}", "audio.sample_rate=8000", "audio.trim_top_db=null"], tmp_path / "run")
    config = compose([f"audio={audio}"])
    assert config["audio"]["segment_duration"] == seconds
    found = read_predictions(tmp_path / "run" / "predictions.parquet").only("test")
    assert set(Counter(found.track_id).values()) == {of_a_track}
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    tracks = record["dataset"]["tracks"]["test"]
    assert (metrics["tracks"]["test"], metrics["segments"]["test"]) == (tracks, tracks * of_a_track)


@pytest.mark.slow
@pytest.mark.parametrize("line", TRAINED)
def test_the_guides_training_commands_run(demo, tmp_path, line):
    told = shlex.split(line)[2:]
    overrides = [*told, *demo, "taxonomy=flat" if "target=supergenre" not in told else "demo.genres=4"]
    record = trained(overrides, tmp_path / "run")
    assert record["status"] == "finished"
    split = record["split"]
    assert split["unsafe"] == ("split=random_segments" in told)
    assert split["artist_leak"] or split["unsafe"] or "split.group_by=null" not in told


def write_songs(root, artists, pitch=300):
    """Folders of genres and artists, two songs each; gives the rows of a table of them."""
    lines = []
    for g, genre in enumerate(GENRES):
        for artist in artists:
            for n in range(2):
                path = root / genre / f"{artist} of {genre}" / f"{n}.wav"
                write_tone(path, pitch + len(lines), 1.5 * 2**g, 4.0, len(lines))
                row = {"path": path, "genre": genre, "artist": path.parent.name}
                lines.append({**row, "condition": ("live", "cover")[n]})
    return lines


@pytest.mark.slow
def test_the_guides_evaluations_run(tmp_path, monkeypatch):
    known = [clip for clip in sorted(published_tracks()) if clip.split(".")[0] in GENRES and clip != BAD_CLIP]
    for part in ("train", "val", "test"):
        for g, genre in enumerate(GENRES):
            for clip in [one for one in known if one.startswith(genre) and published_tracks()[one][0] == part][:3]:
                path = tmp_path / "gtzan" / "genres_original" / genre / f"{clip}.wav"
                write_tone(path, 300, 1.5 * 2**g, 4.0, int(clip[-5:]))
    lines = write_songs(tmp_path / "music", ["Nobody"])
    with (tmp_path / "new.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(lines[0]))
        table.writeheader()
        table.writerows(lines)
    write_songs(tmp_path / "own", ["A", "B", "C", "D"], pitch=400)  # no recording of theirs is among the new
    monkeypatch.chdir(tmp_path)
    overrides = [*CHEAP, "dataset=folder", "dataset.root=own", "taxonomy=flat", "audio=segments_3s"]
    trained([*overrides, "audio.sample_rate=8000"], tmp_path / "run")
    expected = {"csv": 6, "folder": 6, "gtzan": 9}
    for line in EVALUATED:
        words = shlex.split(line)
        kind = next(word.removeprefix("dataset=") for word in words if word.startswith("dataset="))
        if kind not in expected:
            continue  # the demo has a test of its own
        done = CliRunner().invoke(app, ["evaluate", "run", *words[3:], "--out", f"found-{kind}"])
        assert done.exit_code == 0, done.output
        found = read_predictions(tmp_path / f"found-{kind}" / "predictions.parquet")
        counts = Counter(found.track_id)
        assert len(counts) == expected.pop(kind)
        if "excerpts=10" in words:
            assert set(counts.values()) == {10} and "cover" in done.output
    assert not expected, "the guide names them all"


@pytest.mark.slow
def test_another_demo_is_new_to_a_run_and_the_same_is_not(demo, tmp_path):
    """The whole of it: composed, trained, asked for songs of artists that it never heard."""
    trained([*demo, "audio=segments_3s", "audio.sample_rate=8000"], tmp_path / "run")
    line = next(shlex.split(text) for text in EVALUATED if "dataset=demo" in text)
    given = [*line[3:], *DEMO, demo[-1]]
    done = CliRunner().invoke(app, ["evaluate", str(tmp_path / "run"), *given, "--out", str(tmp_path / "found")])
    assert done.exit_code == 0, done.output
    found = read_predictions(tmp_path / "found" / "predictions.parquet")
    assert set(Counter(found.track_id).values()) == {10} and len(set(found.track_id)) == 10
    page = (tmp_path / "found" / "report" / "index.html").read_text()
    assert "OVERLAP" not in page and "stand-in" in page
    artists = set(read_training_tracks(tmp_path / "run", {})["artist_id"])
    with (tmp_path / "found" / "songs.csv").open() as file:
        assert not artists & {row["artist_id"] for row in csv.DictReader(file)}
    same = [word for word in given if not word.startswith("dataset.seed")]
    done = CliRunner().invoke(app, ["evaluate", str(tmp_path / "run"), *same, "--out", str(tmp_path / "same")])
    assert done.exit_code != 0 and "on_overlap=drop" in str(done.exception)

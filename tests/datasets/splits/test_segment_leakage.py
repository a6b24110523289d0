"""split=random_segments: UNSAFE, and marked so wherever its scores appear; all other splits keep tracks whole."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from dataset_indexes import make_dataset_index
from genrelab.cli import app
from genrelab.config import compose
from genrelab.datasets.splits import Split, SplitError, random_segments, read_split
from genrelab.datasets.splits.registry import SPLITS
from genrelab.engine import run
from genrelab.evaluation.comparison import compare, print_comparison, write_comparison
from genrelab.evaluation.report import print_summary
from genrelab.runs.predictions import read_predictions
from genrelab.utils.errors import ConfigError
from naming import naming
from several_genres import train_several

SEGMENTS = ["split=random_segments", "split.ratios=[0.5,0.25,0.25]", "audio.segment_duration=0.5"]


def test_segments_are_drawn_each_for_itself_near_the_shares():
    split = random_segments(make_dataset_index([("g", f"a{i}") for i in range(200)]), (0.7, 0.2, 0.1), seed=3)
    tracks = [track for track in split.assignment for _ in range(10)]
    places = list(range(10)) * 200
    masks = np.array([split.contains(part, tracks, places) for part in ("train", "val", "test")])
    assert (masks.sum(axis=0) == 1).all(), "a segment stands in one part"
    assert np.abs(masks.mean(axis=1) - [0.7, 0.2, 0.1]).max() < 0.03
    assert split.unsafe and split.tracks("train") == split.tracks("test") == tuple(sorted(split.assignment))
    other = random_segments(make_dataset_index([("g", f"a{i}") for i in range(200)]), (0.7, 0.2, 0.1), seed=4)
    assert other.hash != split.hash and (other.contains("test", tracks, places) != masks[2]).any()
    again = Split.from_dict(json.loads(json.dumps(split.to_dict())))
    assert again == split and (again.contains("test", tracks, places) == masks[2]).all()


def test_it_is_read_back(tmp_path):
    split = random_segments(make_dataset_index([("g", "a"), ("h", "b")]))
    split.save(tmp_path / "split.json")
    assert read_split(tmp_path / "split.json") == split


def test_ratios_are_checked():
    with pytest.raises(ConfigError, match=r"split\.ratios: \[0\.5, 0\.5\]"):
        SPLITS.build("random_segments", {"ratios": [0.5, 0.5]}, dataset_index=make_dataset_index([("g", "a")]))


def test_no_other_split_breaks_tracks():
    with pytest.raises(SplitError, match=r"'b' .*\btrain\b.*\btest\b"):
        Split.from_tracks(["a", "b"], ["c"], ["b"], "mine")
    for facts in ({"unsafe": True}, {"shares": (0.5, 0.25, 0.25)}):
        unsafe, shares = facts.get("unsafe", False), facts.get("shares")
        with pytest.raises(SplitError, match=naming("split mine", f"unsafe={unsafe}", f"shares={shares}")):
            Split({"a": "train", "b": "val", "c": "test"}, "mine", **facts)
    dataset_index = make_dataset_index([(f"g{i % 2}", f"a{i}") for i in range(20)])
    for kind in ("grouped", "stratified"):
        split = SPLITS.build(kind, {"fold": 0} if kind == "stratified" else {}, dataset_index=dataset_index)
        assert not split.unsafe and split.shares is None
        of_parts = [set(split.tracks(part)) for part in ("train", "val", "test")]
        assert sum(map(len, of_parts)) == len(set.union(*of_parts)) == 20


def words(music, outputs, *more):
    """Overrides of a run on random segments."""
    return [
        *("dataset=folder", f"dataset.root={music}", "taxonomy=flat", "audio.sample_rate=8000", "augment=none"),
        *("features=mel_db", "features.mel_db.n_fft=512", "features.mel_db.hop_length=256"),
        *("features.mel_db.n_mels=16", "features.mel_db.frames=8", "model=cnn", "trainer.max_epochs=1"),
        *("accelerator=cpu", f"paths.output_dir={outputs}", "trainer.estimate=true", *SEGMENTS, *more),
    ]


@pytest.fixture(scope="module")
def unsafe_run(music, tmp_path_factory):
    """A run on random segments."""
    folder = tmp_path_factory.mktemp("unsafe") / "run"
    overrides = words(music, folder.parent)
    run.train(compose(overrides), folder, overrides)
    return folder


def test_a_run_trains_on_segments_of_the_tracks_it_tests(unsafe_run):
    record = json.loads((unsafe_run / "run.json").read_text())
    assert record["split"]["unsafe"] and any(text.startswith("UNSAFE") for text in record["warnings"])
    predictions = read_predictions(unsafe_run / "predictions.parquet")
    found = {part: predictions.only(part) for part in ("val", "test")}
    keys = {part: set(zip(one.track_id, one.segment_id, strict=True)) for part, one in found.items()}
    assert not keys["val"] & keys["test"]
    counts = record["dataset"]["segments"]
    assert sum(counts.values()) == 30 * 8 and len(keys["test"]) == counts["test"]
    assert {track for track, _ in keys["val"]} & {track for track, _ in keys["test"]}


def test_its_results_are_marked_wherever_they_appear(unsafe_run, tmp_path, capsys):
    page = (unsafe_run / "report" / "index.html").read_text()
    assert (
        '<p class="lead">UNSAFE' in page
        and re.search('<h2 id="scores">UNSAFE', page)
        and 'class="banner alert">UNSAFE' in page
    )
    metrics = json.loads((unsafe_run / "metrics.json").read_text())
    assert metrics["unsafe"] and metrics["verdict"][0].startswith("UNSAFE")
    print_summary(unsafe_run)
    assert "UNSAFE test:" in capsys.readouterr().out
    found = compare([unsafe_run])
    print_comparison(found)
    assert "UNSAFE" in capsys.readouterr().out
    write_comparison(found, tmp_path / "table")
    for name in ("table.md", "index.html"):
        assert "% UNSAFE" in (tmp_path / "table" / name).read_text()
    assert "unsafe" in (tmp_path / "table" / "table.csv").read_text()
    done = CliRunner().invoke(app, ["reevaluate", str(unsafe_run), "decision=temperature"])
    assert "UNSAFE test:" in done.output and "UNSAFE split" in done.output


def cli(*arguments):
    """What a verb said, on standard output and beside it."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_every_page_of_the_report_has_the_mark(unsafe_run):
    pages = list((unsafe_run / "report").rglob("*.html"))
    assert len(pages) == 1 + 3, "of genres beside the first"
    assert all("UNSAFE" in page.read_text() for page in pages)


def test_its_answers_carry_the_mark(unsafe_run, music, tmp_path):
    song = next(music.rglob("*.wav"))
    soundfile.write(tmp_path / "song.flac", *soundfile.read(song))
    for verb in (("predict", unsafe_run, song), ("tag", unsafe_run, tmp_path / "song.flac"),
                 ("embed", unsafe_run, music / "Slow", "--out", tmp_path / "e.parquet")):  # fmt: skip
        assert re.search("^note: .*UNSAFE", cli(*verb)[1], re.MULTILINE)
    assert "UNSAFE" in cli("explain", unsafe_run, song, "--out", tmp_path)[0]
    assert json.loads(cli("predict", unsafe_run, song, "--json")[0])["marks"] == ["unsafe"]
    header, row = csv.reader(cli("predict", unsafe_run, song, "--csv")[0].splitlines())
    assert dict(zip(header, row, strict=True))["marks"] == "unsafe"
    alone = shutil.copy(unsafe_run / "checkpoints" / "best.ckpt", tmp_path)
    assert json.loads(cli("predict", alone, song, "--json")[0])["marks"] == ["unsafe"], "without its run"


def test_its_exports_carry_the_mark(unsafe_run, music, tmp_path):
    said, _ = cli("export", unsafe_run, "--format", "hub", "--out", tmp_path / "hub")
    assert re.search("^note: .*UNSAFE", said, re.MULTILINE)
    card = (tmp_path / "hub" / "README.md").read_text()
    front = card.split("---")[1]
    assert front.count('name: "') - 2 == front.count("(UNSAFE split)") > 0, "each metric that a hub shows"
    assert "**UNSAFE.** On" in card and card.count("UNSAFE") > front.count("UNSAFE") + 1
    assert json.loads((tmp_path / "hub" / "config.json").read_text())["marks"] == ["unsafe"]
    song = next(music.rglob("*.wav"))
    assert json.loads(cli("predict", tmp_path / "hub", song, "--json")[0])["marks"] == ["unsafe"]


@pytest.mark.slow
def test_an_ensemble_of_such_runs_is_marked(unsafe_run, music, tmp_path):
    overrides = words(music, unsafe_run.parent, "seed=1")
    run.train(compose(overrides), tmp_path / "second", overrides)
    said, _ = cli("tools", "ensemble", unsafe_run, tmp_path / "second", "--out", tmp_path / "joined")
    assert "UNSAFE test:" in said
    assert json.loads((tmp_path / "joined" / "run.json").read_text())["split"]["unsafe"]
    assert '<h2 id="scores">UNSAFE' in (tmp_path / "joined" / "report" / "index.html").read_text()
    said, _ = cli("compare", unsafe_run, tmp_path / "second", tmp_path / "joined")
    assert said.count("% UNSAFE") >= 2 or said.count("UNSAFE") >= 3


def test_a_trial_of_such_a_split_is_marked(music, tmp_path):
    from genrelab.tuning.objective import TrainingObjective
    from genrelab.tuning.study_spec import StudySpec
    from genrelab.tuning.worker import TrialJob

    overrides = words(music, tmp_path, "trainer.report=false", "trainer.baselines=false")
    spec = StudySpec("s", tmp_path, {"seed": "choice(0)"}, ("val/track/distance",), ("min",), n_trials=1)
    outcome = TrainingObjective(spec, overrides)(TrialJob(0, tmp_path / "0", {}, ()))
    assert outcome.attributes["unsafe"] is True


def test_several_genres_a_track_are_marked_too(jamendo, tmp_path, capsys):
    folder = train_several(jamendo, tmp_path, "several", "split=random_segments", "trainer.max_epochs=1")
    assert "UNSAFE" in (folder / "report" / "index.html").read_text()
    print_summary(folder)
    assert "UNSAFE" in capsys.readouterr().out


def test_wandb_is_told(music):
    from genrelab.tracking.loggers import _tags, short_names

    names = short_names(compose([f"dataset.root={music}", "dataset=folder", "split=random_segments"]))
    assert names["unsafe"] is True and "UNSAFE" in _tags(names)
    assert "UNSAFE" not in _tags(short_names(compose([])))

"""Copies of one recording and useless files in a run: found before the split, named in record, report and output."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from genrelab.audio import AudioSpec
from genrelab.audio.errors import TEXT_FILE
from genrelab.audio.usability import SILENT, too_short
from genrelab.config import compose
from genrelab.datasets.splits import official
from genrelab.datasets.validation import check_dataset
from genrelab.engine import build, run
from genrelab.engine.duplicates import SHOWN, duplicate_lines, record_duplicates
from genrelab.utils.errors import GenrelabError
from small_run import small_overrides
from sounds import music
from tones import write_tone

COPY, WRONG = "b/copy.ogg", "a/wrong.wav"


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Two genres of eight songs; one song of b is in it again as Ogg, another in a too; and three files of no use."""
    root = tmp_path_factory.mktemp("songs")
    for g, genre in enumerate("ab"):
        for n in range(8):
            write_tone(root / genre / f"{n}.wav", 300 + 50 * n, 2 + 3 * g, 4.2, 10 * g + n)
    for n, name in ((6, COPY), (7, WRONG)):
        samples = music(6.0, 8_000, seed=n)
        soundfile.write(root / "b" / f"{n}.wav", samples, 8_000)
        soundfile.write(root / name, 0.7 * samples, 8_000)
    (root / "a/text.mp3").write_text("no music\n" * 9)
    soundfile.write(root / "a/silent.wav", np.zeros(32_000), 8_000)
    write_tone(root / "b/blip.wav", 300, 2, 0.1, 0)
    return root


def useless(songs, config):
    """What is to be said of the three files."""
    spec = AudioSpec(**config["audio"])
    found = {"a/silent.wav": SILENT, "a/text.mp3": TEXT_FILE, "b/blip.wav": too_short(spec)}
    return {str(songs / name): reason for name, reason in found.items()}


def overrides(songs, tmp_path, *further):
    knn = ["model=knn", "model.n_neighbors=3", "trainer.baselines=false"]
    return [*small_overrides(["mel_db"], knn), f"dataset.root={songs}", f"paths.output_dir={tmp_path}", *further]


def test_read_dataset_names_copies_before_the_split(songs, tmp_path):
    config = compose(overrides(songs, tmp_path))
    dataset = build.read_dataset(config)
    assert dataset.index.duplicate_groups == ((WRONG, "b/7.wav"), ("b/6.wav", COPY))
    found = record_duplicates(config, dataset.index, build.make_split(config, dataset.index))
    assert found == {
        "unchecked": "",
        "groups": [[WRONG, "b/7.wav"], ["b/6.wav", COPY]],
        "across_genres": [[WRONG, "b/7.wav"]],
        "across_splits": [],
    }
    dropped = build.read_dataset(compose(overrides(songs, tmp_path, "data.conflicting_duplicates=drop")))
    assert set(dataset.index.genre_of) - set(dropped.index.genre_of) == {WRONG, "b/7.wav"}
    config = compose(overrides(songs, tmp_path, "data.find_duplicates=false"))
    index = build.read_dataset(config).index
    assert index.duplicate_groups is None
    found = record_duplicates(config, index, build.make_split(config, index))
    assert "find_duplicates" in found["unchecked"] and not found["groups"]


def test_a_run_names_copies_in_record_report_and_output(songs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("genrelab.features.cache.feature_cache.default_workers", lambda: 1)  # starting two takes longer
    given = overrides(songs, tmp_path)
    record = run.train(compose(given), tmp_path / "run", given)
    assert record["duplicates"]["groups"] == [[WRONG, "b/7.wav"], ["b/6.wav", COPY]]
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    last = " ".join(capsys.readouterr().out.split())  # of 80 columns
    for text in (page, last):
        assert f"b/6.wav = {COPY}" in text and f"{WRONG} (a) = b/7.wav (b)" in text
    left_out = useless(songs, compose(given))
    assert dict(record["dataset"]["rejected"]) == left_out
    assert all(f"{path}: {reason}" in text for path, reason in left_out.items() for text in (page, last))
    split = json.loads((tmp_path / "run" / "split.json").read_text())
    assert any({"b/6.wav", COPY} <= set(split[part]) for part in ("train", "val", "test"))


@pytest.mark.parametrize("looked_for", ["true", "false"])
def test_check_and_prepare_leave_out_the_same_files_for_the_same_reasons(songs, tmp_path, looked_for):
    config = compose(overrides(songs, tmp_path, f"data.find_duplicates={looked_for}"))
    dataset = build.read_dataset(config)
    split, cache = build.make_split(config, dataset.index), build.make_feature_cache(config, dataset.index)
    prepared = build.prepare(cache, dataset, split, (), workers=1)
    assert dict(prepared.rejected) == useless(songs, config)
    assert not set(useless(songs, config)) & set(dataset.index.tracks["path"]) or looked_for == "false"
    checked = check_dataset(build.read_dataset_index(config), AudioSpec(**config["audio"]), progress=False).tracks
    left_out = checked[checked["reason"] != ""]
    assert dict(zip(left_out["path"], left_out["reason"], strict=True)) == useless(songs, config)


def test_published_splits_are_warned_of(songs, tmp_path):
    config = compose(overrides(songs, tmp_path))
    index = build.read_dataset(config).index
    parts = {COPY: "test", "b/0.wav": "val", "a/0.wav": "val", "a/1.wav": "test"}
    tracks = index.tracks.assign(official_split=[parts.get(track, "train") for track in index.tracks["track_id"]])
    index = replace(index, tracks=tracks)
    split = official(index)
    found = record_duplicates(config, index, split)
    assert found["across_splits"] == [["b/6.wav", COPY]]
    first = duplicate_lines(found, index, split)[0]
    assert f"b/6.wav (train) = {COPY} (test)" in first and "split=grouped" in first


def test_lines_name_a_few_and_count_the_rest(songs, tmp_path):
    config = compose(overrides(songs, tmp_path))
    index = build.read_dataset(config).index
    found = {"unchecked": "", "groups": [[f"{n}", f"{n}+"] for n in range(9)], "across_genres": [], "across_splits": []}
    (line,) = duplicate_lines(found, index, build.make_split(config, index))
    assert line.count("=") == SHOWN and "4 more" in line


def test_tables_say_that_copies_are_not_looked_for(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("filename,a,label\n" + "".join(f"{n},{n},{'xy'[n % 2]}\n" for n in range(20)))
    config = compose(["dataset=table", f"dataset.path={table}", "dataset.track=filename", "dataset.label=label"])
    index = build.read_dataset(config).index
    split = build.make_split(config, index)
    found = record_duplicates(config, index, split)
    assert index.duplicate_groups is None and "audio" in found["unchecked"]
    assert found["unchecked"] in duplicate_lines(found, index, split)[0]


def test_the_demo_is_not_looked_through(tmp_path):
    small = ["demo.genres=2", "demo.tracks_per_genre=3", "demo.artists_per_genre=3", "dataset.seconds=4"]
    config = compose([f"paths.output_dir={tmp_path}", *small])
    index = build.read_dataset(config).index
    assert index.duplicate_groups is None and not (tmp_path / "cache" / "recordings").exists()
    split = build.make_split(config, index)
    assert duplicate_lines(record_duplicates(config, index, split), index, split) == []


def test_a_dataset_of_useless_files_alone_names_one_with_its_reason(tmp_path):
    for genre in "ab":
        (tmp_path / "songs" / genre).mkdir(parents=True)
        soundfile.write(tmp_path / "songs" / genre / "x.wav", np.zeros(32_000), 8_000)
    with pytest.raises(GenrelabError, match=re.escape(SILENT)):
        build.read_dataset(compose(overrides(tmp_path / "songs", tmp_path)))

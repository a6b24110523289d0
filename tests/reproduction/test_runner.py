"""Every recipe runs, on tiny data in its row's format; the command keeps, resumes and tells."""

from __future__ import annotations

import json
import re

import pytest

from genrelab.config import compose, normalize_overrides
from genrelab.engine.run import train
from genrelab.reproduction.command import reproduce
from genrelab.reproduction.jobs import plan_jobs
from genrelab.reproduction.pages import reproduction_page
from genrelab.reproduction.runner import run_jobs
from genrelab.reproduction.systems import read_systems
from genrelab.utils.errors import ConfigError, GenrelabError
from naming import naming

SYSTEMS = read_systems()
QUICK = [
    "debug=fast",
    "trainer.report=false",
    "trainer.enable_progress_bar=false",
    "data.batch_size=8",
    "accelerator=cpu",
]
BY_TRACK = ["split=grouped", "split.group_by=null", "split.ratios=[0.5,0.25,0.25]"]
TRIALS = {
    (trial.recipe, trial.data): (row, trial) for row in SYSTEMS.rows.values() for trial in row.trials if trial.protocols
}
LIGHT = {("d09_ssd", "gtzan_arff"), ("e05_knn", "gtzan_images"), ("b08_network", "gtzan_features")}  # the rest is slow
LIGHT |= {("d06_jmir_spectral", "top_magd_synthetic")}


def _small(overrides):
    """Overrides that make what a recipe asks for small, where it has such a key."""
    config = compose(normalize_overrides(overrides))
    model, dataset = config["model"], config["dataset"]
    found = [f"model.width={8 if model['kind'] != 'ast' else 24}"] if "width" in model else []
    found += ["model.weights=null"] if "weights" in model else []
    found += ["model.depth=18"] if model.get("depth") == 50 else []
    size = (224, 294) if model.get("window") else (64, 64)
    found += [f"dataset.height={size[0]}", f"dataset.width={size[1]}"] if "height" in dataset else []
    found += ["audio.segment_duration=1.0"] if config["features"] else []
    return found


def _run(overrides, folder, tiny_data):
    """Train; recipes on the same features find them in one store."""
    places = [f"paths.output_dir={folder / 'outputs'}", f"paths.feature_cache_dir={tiny_data.with_name('store')}"]
    given = normalize_overrides([*overrides, *QUICK, *_small(overrides), *places])
    record = train(compose(given), folder / "run", given)
    assert record["status"] == "finished"
    assert (folder / "run" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("recipe", "data"),
    [pytest.param(*pair, marks=() if pair in LIGHT else pytest.mark.slow) for pair in TRIALS],
)
def test_a_recipe_runs(recipe, data, tiny_data, tmp_path):
    row, trial = TRIALS[recipe, data]
    made = SYSTEMS.data[data].stands_in_for
    jobs, _ = plan_jobs(SYSTEMS, [row], None if made else tiny_data, tmp_path, 1, False)
    mine = next(job for job in jobs if job.trial == trial)
    known = SYSTEMS.protocols[mine.protocol]
    kept = [text for text in mine.overrides if text not in known.set and not text.startswith(("split.", "trainer."))]
    split = ["split=official", "split.val_share=0.25"] if data.startswith("top_magd") else BY_TRACK
    split += ["dataset.train_tracks_per_genre=4", "dataset.test_tracks=26"] if made else []
    _run([*kept, *split], tmp_path, tiny_data)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["a22_chroma", "a28_training", "c02_stacked", "e03_spectrograms"])
def test_a_recipe_without_data_of_its_own_runs_on_music(recipe, tiny_data, tmp_path):
    root = tiny_data / "gtzan"
    _run(
        [f"experiment={recipe}", "dataset=gtzan", f"dataset.root={root}", "augment=none", *BY_TRACK],
        tmp_path,
        tiny_data,
    )


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["e08_training", "e14_depth"])
def test_a_recipe_without_data_of_its_own_runs_on_pictures(recipe, tiny_data, tmp_path):
    _run([f"experiment={recipe}", f"dataset.root={tiny_data / 'gtzan_images'}", *BY_TRACK], tmp_path, tiny_data)


@pytest.fixture
def table(tiny_data, tmp_path):
    """Runs one row quickly, and gives the folder of its tables."""

    def run(**more):
        reproduce(["E05"], tiny_data, outputs=tmp_path / "runs", docs=tmp_path / "docs", seeds=1, **more)
        return tmp_path / "docs"

    return run


@pytest.mark.slow
def test_the_command_writes_both_pages_and_keeps_what_is_finished(table, capsys):
    docs = table()
    found = json.loads((docs / "reproduction.json").read_text())["E05"]
    assert set(found) == {f"e05_knn gtzan_images {name}" for name in ("fault_filtered", "e04")} | {
        "e05_knn spotify_pictures tracks"
    }
    assert "55 nearest neighbors" in (docs / "systems.md").read_text()
    page = (docs / "reproduction.md").read_text()
    assert "fault-filtered, `gtzan_images`: **" in page and "needs [`musicmap`](#data)" in page
    capsys.readouterr()
    table()
    assert re.search(naming(3, 3), capsys.readouterr().out.splitlines()[0])


def test_without_data_it_says_what_to_name(monkeypatch, tmp_path):
    monkeypatch.delenv("GENRELAB_DATA", raising=False)
    with pytest.raises(GenrelabError, match=naming("--data FOLDER", "GENRELAB_DATA=FOLDER")):
        reproduce(docs=tmp_path)
    with pytest.raises(GenrelabError, match=naming(tmp_path / "x", "--data FOLDER")):
        reproduce(data=tmp_path / "x", docs=tmp_path)
    (tmp_path / "empty").mkdir()
    reproduce(["A16"], tmp_path / "empty", docs=tmp_path / "docs")
    assert "not run" in (tmp_path / "docs" / "reproduction.md").read_text()


def test_made_data_stand_in_only_where_published_ones_are_not_at_hand(tiny_data, tmp_path, capsys, monkeypatch):
    rows = SYSTEMS.select(["D06", "D08", "D10"])
    here, _ = plan_jobs(SYSTEMS, rows, tiny_data, tmp_path, 1, False)
    assert {job.trial.data for job in here} == {"top_magd"}
    made, missing = plan_jobs(SYSTEMS, rows, None, tmp_path, 1, False)
    assert [job.trial.data for job in made] == ["top_magd_synthetic"] * 3 and list(missing) == ["top_magd"]
    monkeypatch.delenv("GENRELAB_DATA", raising=False)
    reproduce(["D06"], outputs=tmp_path, docs=tmp_path, seeds=1, dry_run=True)
    assert "d06_jmir_spectral on top_magd_synthetic" in capsys.readouterr().out
    with pytest.raises(GenrelabError, match="no data named"):
        reproduce(["D06", "D09"], docs=tmp_path, dry_run=True)


def test_a_run_that_fails_is_told_and_the_others_run(tiny_data, tmp_path, capsys):
    jobs, _ = plan_jobs(SYSTEMS, SYSTEMS.select(["E05"]), tiny_data, tmp_path, 1, False)
    broken = [*jobs[:1], *jobs[2:]]
    (jobs[0].folder).mkdir(parents=True)
    (jobs[0].folder / "run.json").write_text('{"status": "interrupted"}')  # its configuration is gone
    failed = run_jobs(broken)
    assert [job for job, _ in failed] == [jobs[0]] and "config.yaml" in failed[0][1]
    assert "error:" in (jobs[0].folder / "log.txt").read_text()
    assert "failed: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ConfigError(["a: b", "c: d"]), "a: b"), (GenrelabError("e: f\ng\nh"), "e: f"), (OSError(), "OSError")],
)
def test_the_first_reason_of_a_failure_is_named(error, reason, tiny_data, tmp_path, monkeypatch):
    jobs, _ = plan_jobs(SYSTEMS, SYSTEMS.select(["E05"]), tiny_data, tmp_path, 1, False)

    def fail(job):
        raise error

    monkeypatch.setattr("genrelab.reproduction.runner._run", fail)
    [(_, said)] = run_jobs(jobs[:1])
    assert reason in said and "\n" not in said


def test_scores_of_an_unsafe_split_say_so_on_the_terminal_and_in_the_table(tiny_data, tmp_path, capsys, monkeypatch):
    jobs, _ = plan_jobs(SYSTEMS, SYSTEMS.select(["B08"]), tiny_data, tmp_path, 1, False)
    unsafe = [job for job in jobs if job.protocol == "segments"][:1]

    def run(job):
        config = compose(normalize_overrides(job.overrides))
        return {"seconds": 3.0, "split": {"unsafe": config["split"]["kind"] == "random_segments"}}

    monkeypatch.setattr("genrelab.reproduction.runner._run", run)
    run_jobs([*unsafe, next(job for job in jobs if job.protocol == "tracks")])
    lines = capsys.readouterr().out.splitlines()
    assert ": UNSAFE " in lines[1] and "UNSAFE" not in lines[2]
    found = {name: [0.5, 0.4, 0.6] for name in ("accuracy", "distance_skill")}
    found |= {"unsafe": True, "each_seed": [0.5], "scored": 9, "seconds": 3}
    results = {"B08": {job.key: found for job in jobs}}
    cells = [text for text in reproduction_page(SYSTEMS, results).split("<br>") if "n = 9 segments" in text]
    assert len(cells) > 2 and all("UNSAFE" in text for text in cells)

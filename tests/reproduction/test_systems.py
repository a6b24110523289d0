"""The facts about the published systems: every row is answered, every named thing exists, every recipe fits."""

from __future__ import annotations

import re
from functools import cache

import pytest
import typer
import yaml

from genrelab.cli import app
from genrelab.config import compose, conf_dir, normalize_overrides
from genrelab.engine.validate_config import check
from genrelab.reproduction.jobs import plan_jobs
from genrelab.reproduction.pages import reproduction_page, row_status, systems_page
from genrelab.reproduction.scores import read_results
from genrelab.reproduction.systems import read_systems
from genrelab.utils.errors import GenrelabError
from paths import REPOSITORY, SHARED_DATA

SYSTEMS = read_systems()
ROWS = {"A": 40, "B": 12, "C": 14, "D": 13, "E": 15}
# Recipes that are no row's own.
BASES = {"plain_training", "quickstart", "musicnn", "gtzan_tables", "gtzan_pictures", "gtzan_pictures_small"}


@cache
def recipe_alone(name: str):
    """A composed recipe, once for all tests."""
    return compose([f"experiment={name}"])


def test_every_row_is_there_and_answered():
    assert list(SYSTEMS.rows) == [f"{letter}{i + 1:02}" for letter, count in ROWS.items() for i in range(count)]
    for row in SYSTEMS.rows.values():
        assert row.recipes or row.files or row.command, row.id
        assert isinstance(row.name, str) and 1 < len(row.name.split()) <= 7, row.id


@pytest.mark.shared
def test_the_rows_are_those_of_the_list_they_were_taken_from():
    found = re.findall(r"^\| ([A-E]\d\d) \|", (SHARED_DATA.parent / "systems.md").read_text(), re.MULTILINE)
    assert found == list(SYSTEMS.rows)


def test_every_row_has_a_status():
    results = read_results(REPOSITORY / "docs" / "reproduction.json")
    assert set(SYSTEMS.sources) == set(SYSTEMS.titles) == set(ROWS)
    for row in SYSTEMS.rows.values():
        known = bool(row.trials or row.same)
        assert known != bool(row.status), f"{row.id}: runs (or same) say its status, or the key status does"
        status = row_status(SYSTEMS, row, results)
        assert re.fullmatch(r"full(: on .+)?|shortened: .+|synthetic: .+|cannot run: needs .+", status), row.id


def test_a_status_is_what_the_results_say():
    def status(row, *keys, **more):
        known = {"short": [], **more}
        return row_status(SYSTEMS, SYSTEMS.rows[row], {row: dict.fromkeys(keys, known)})

    real, made = "d06_jmir_spectral top_magd listed", "d06_jmir_spectral top_magd_synthetic listed"
    assert status("D06") == "cannot run: needs [`top_magd`](#data)"
    assert status("D06", made, synthetic=True) == "synthetic: `top_magd_synthetic`"
    assert status("D06", real) == "full: on `top_magd`"
    assert status("A24", "a24_cnn gtzan_images fault_filtered", short=["x=1", "y=2"]) == (
        "shortened: `gtzan_images` with `x=1 y=2`"
    )
    assert status("C04", "c04_pca_gmm gtzan_clips folds").endswith(f"with {SYSTEMS.data['gtzan_clips'].part}")
    of_a22 = {"A22": {"a22_resnet18flex_dual musicmap artists": {"short": []}}}
    assert row_status(SYSTEMS, SYSTEMS.rows["A23"], of_a22) == "full: on `musicmap`", "its trials are A22's"


@pytest.mark.parametrize("row", SYSTEMS.rows.values(), ids=lambda row: row.id)
def test_what_a_row_names_exists(row):
    for path in row.files:
        assert (REPOSITORY / path).exists(), path
    for recipe in (*row.recipes, *(trial.recipe for trial in row.trials)):
        assert (conf_dir() / "experiment" / f"{recipe}.yaml").exists(), recipe
    for trial in row.trials:
        assert trial.data in SYSTEMS.data and set(trial.protocols) <= set(SYSTEMS.protocols)
        assert trial.recipe in row.recipes
    assert row.same is None or row.same in SYSTEMS.rows
    if row.command.startswith("genrelab"):
        assert row.command.split()[1] in typer.main.get_group(app).commands
    elif row.command:
        assert (REPOSITORY / row.command.split()[1]).exists()


def test_every_recipe_belongs_to_a_row():
    named = {recipe for row in SYSTEMS.rows.values() for recipe in row.recipes}
    for path in sorted((conf_dir() / "experiment").glob("*.yaml")):
        assert path.stem in named | BASES, f"{path.stem}: name its row in systems.yaml"


@pytest.mark.slow
def test_every_recipe_composes():
    for path in sorted((conf_dir() / "experiment").glob("*.yaml")):
        check(recipe_alone(path.stem), [f"experiment={path.stem}"], training=False)


def test_recipes_are_short_and_say_what_they_are():
    for recipe in {recipe for row in SYSTEMS.rows.values() for recipe in row.recipes}:
        lines = (conf_dir() / "experiment" / f"{recipe}.yaml").read_text().splitlines()
        assert len(lines) <= 30 and lines[1].startswith("# "), recipe


def test_no_recipe_repeats_what_its_default_holds():
    for path in sorted((conf_dir() / "experiment").glob("*.yaml")):
        values = yaml.safe_load(path.read_text())
        parents = [name for name in values.pop("defaults", []) if isinstance(name, str) and name != "_self_"]
        for parent in parents:
            before = recipe_alone(parent)
            for key, value in _leaves(values):
                assert _at(before, key) != value, f"{path.stem}: {'.'.join(key)} stands in {parent} already"


def _leaves(values, key=()):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*key, name))
        else:
            yield (*key, name), value


def _at(config, key):
    for name in key:
        config = config.get(name) if isinstance(config, dict) else None
    return config


@pytest.mark.slow
def test_every_run_fits(tiny_data, tmp_path):
    """Each trial once, and each protocol: all pairs would take a minute to compose."""
    full, missing = plan_jobs(SYSTEMS, SYSTEMS.select([]), tiny_data, tmp_path, 1, short=False)
    short, _ = plan_jobs(SYSTEMS, SYSTEMS.select([]), tiny_data, tmp_path, 1, short=True)
    assert not missing and len({job.folder for job in (*full, *short)}) == len(full) + sum(job.short for job in short)
    seen: set[object] = set()
    for job in [job for job in short if job.short] + full:
        if not {(job.row, job.trial), job.protocol} <= seen:
            overrides = normalize_overrides(job.overrides)
            check(compose(overrides), overrides)
            seen |= {(job.row, job.trial), job.protocol}
    assert set(SYSTEMS.protocols) <= seen


def test_rows_are_chosen_by_id_system_and_recipe():
    assert [row.id for row in SYSTEMS.select(["b08", "A21"])] == ["A21", "B08"]
    assert len(SYSTEMS.select(["d"])) == ROWS["D"]
    assert [row.id for row in SYSTEMS.select(["d09_ssd"])] == ["D09"]
    with pytest.raises(GenrelabError, match=r"^--only B80: .*'B\d\d'"):
        SYSTEMS.select(["B80"])


def test_the_pages_are_what_the_facts_make():
    docs = REPOSITORY / "docs"
    assert (docs / "systems.md").read_text() == systems_page(SYSTEMS)
    results = read_results(docs / "reproduction.json")
    assert (docs / "reproduction.md").read_text() == reproduction_page(SYSTEMS, results)

"""From command lines to studies; recipes compose to what they were made of."""

import re
import subprocess
import sys

import pytest
import yaml

from genrelab.config import compose, conf_dir
from genrelab.tuning.compose import DISPLAY_KEYS, Composer, is_group
from genrelab.tuning.plan import iter_searches, read_plan
from genrelab.utils.errors import ConfigError

SEARCHES = sorted(path.stem for path in (conf_dir() / "search").glob("*.yaml"))
SEARCHES.remove("graph_study")  # several studies in one


def test_a_search_and_its_short_keys():
    plan = read_plan(["search=beta", "n_trials=4", "sampler=random", "sampler.seed=3", "study=mine", "pruner=median"])
    assert plan.spec.name == plan.spec.folder.name == "mine"
    assert plan.spec.n_trials == 4
    assert plan.spec.sampler == {"kind": "random", "seed": 3}
    assert plan.spec.pruner["kind"] == "median"
    assert (plan.spec.objectives, plan.spec.directions) == (("val/track/distance",), ("min",))
    assert plan.overrides == ("search=beta",)
    assert plan.spec.fixed["trainer.max_epochs"] == 20
    assert "beta" not in plan.spec.fixed and not any(key.startswith("paths") for key in plan.spec.fixed)
    assert plan.spec == type(plan.spec).from_json(plan.spec.to_json())


def test_keys_of_ones_own_and_values_that_take_a_key_out():
    plan = read_plan(["search=optuna", "data.batch_size=8", "beta=choice(1,2)", "optimizer.lr=interval(0.1,0.2)"])
    assert plan.spec.params["beta"] == "choice(1,2)"
    assert plan.spec.params["optimizer.lr"] == "interval(0.1,0.2)"
    assert "data.batch_size" not in plan.spec.params


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["search=bta"], "search=bta: .*'beta'"),
        (["search=beta", "sampler=tpee"], "hydra/sweeper/sampler 'tpee'.*'tpe'"),
        (["search=beta", "model.widht=3"], r"model\.widht: .*'width'"),
        (["beta=choice(1,-2)", "n_trials=2"], "loss.beta: -2"),
        (["model=choice(cnn,rnnn)", "n_trials=2", "features=pcen"], "model 'rnnn'"),
        (["beta=interval(1.0,2.0)"], "n_trials: "),
        ([], "params: .*search=beta"),
        (["search=beta", "study=experiment"], "'experiment'"),
        (["search=beta", "objectives=[test/track/accuracy]"], "'test/track/accuracy' .*val/"),
        (["search=beta", "prune_on=val/track/accuracy"], "prune_on: val/track/accuracy "),
    ],
)
def test_mistakes_are_found_before_anything_runs(arguments, told):
    with pytest.raises(ConfigError) as error:
        read_plan(arguments)
    assert re.search(told, str(error.value))


LARGE = ("graph_study_demo", "graph_study_gtzan")  # each has hundreds of choices


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in SEARCHES]
)
def test_every_search_composes(name):
    few = ["features=choice([pcen,mfcc],[pcen,mel_db])"] if name == "features_pairs" else []
    short = [] if name == "graph_study_gtzan" else ["debug=short"]  # which sets the ratios of a split that has lists
    plan = read_plan([f"search={name}", *short, *few])
    assert plan.spec.name == name
    text = (conf_dir() / "search" / f"{name}.yaml").read_text()
    assert "Figure:" in text, "say in the header which figure it draws"


def test_a_search_of_several_studies_is_one_command():
    parts = iter_searches(["search=graph_study", "debug=short"])
    assert [part[0] for part in parts] == [f"search=graph_study_{name}" for name in ("demo", "gtzan", "audioset")]
    assert all(part[1:] == ["debug=short"] for part in parts)
    assert iter_searches(["search=beta", "beta=2"]) == [["search=beta", "beta=2"]]
    with pytest.raises(ConfigError, match=r"\b3 studies"):
        iter_searches(["search=graph_study", "study=mine"])


@pytest.mark.slow
def test_the_studies_of_the_graph_have_the_same_losses_and_seeds():
    plans = [read_plan(part) for part in iter_searches(["search=graph_study"])]
    assert len({tuple(sorted(plan.spec.params.items())) for plan in plans}) == 1
    assert "cross_entropy" in plans[0].spec.params["loss"]


def test_several_objectives_are_not_pruned():
    assert read_plan(["search=pareto", "pruner=median"]).spec.pruner == {"kind": "none"}


def test_applying_values_gives_what_hydra_composes():
    composer = Composer(["search=beta", "debug=short"])
    for overrides in (
        ["beta=2.5"],
        ["model=cnn", "data.batch_size=8"],
        ["features=[mel_db]"],
        ["augment=none", "beta=1"],
    ):
        assert composer.config(overrides) == compose(["search=beta", "debug=short", *overrides])


def test_groups_are_told_from_values():
    assert is_group("model") and is_group("features")
    assert not is_group("beta") and not is_group("model.width")


@pytest.mark.parametrize(
    ("shared", "chosen"),
    [
        (["search=beta", "experiment=quickstart", "debug=short"], ["beta=2.5"]),
        (["search=features_dual", "trainer.max_epochs=7"], ["features=[pcen,chroma_cqt]"]),
        (["search=optuna"], ["optimizer.lr=0.01", "augment=none", "data.batch_size=32"]),
        (["search=graph_weights"], ["graph.weights.primary=1.5"]),
    ],
)
def test_a_recipe_composes_to_its_trial_and_beta_stays_one_knob(shared, chosen, tmp_path):
    composer = Composer(shared)
    text = composer.recipe(chosen, ["The best."])
    assert text.startswith("# @package _global_\n# The best.\n")
    assert "hydra" not in yaml.safe_load(text)
    path = tmp_path / "experiment" / "study" / "best.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert without_talk(compose(["experiment=study/best"], [str(tmp_path)])) == without_talk(composer.config(chosen))
    if "search=beta" in shared:
        assert compose(["experiment=study/best", "beta=3"], [str(tmp_path)])["loss"]["beta"] == 3


def test_the_plugin_imports_nothing_heavy():
    heavy = ("torch", "optuna", "pandas", "numpy", "genrelab")
    code = f"import sys, hydra_plugins.genrelab_optuna.sweeper; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def without_talk(config):
    trainer = {key: value for key, value in config["trainer"].items() if key not in DISPLAY_KEYS}
    return {**config, "trainer": trainer}

"""Composition, and what it says where something does not fit."""

import re
from itertools import zip_longest

import pytest

from genrelab.config import compose, conf_dir, expand_sweep
from genrelab.utils.errors import ConfigError


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        ([], ["pcen", "mfcc"]),
        (["features=pcen"], ["pcen"]),
        (["features=[chroma_cqt,pcen]"], ["chroma_cqt", "pcen"]),
        (["features=[pcen,mfcc,mel_db]", "features.mel_db.n_mels=64"], ["pcen", "mfcc", "mel_db"]),
    ],
)
def test_features_compose_in_order(overrides, names):
    assert list(compose(overrides)["features"]) == names


def test_beta_reaches_the_loss():
    assert compose(["beta=2.5"])["loss"]["beta"] == 2.5


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.widht=3", r"^model\.widht: .*'width'"),
        ("bta=3", "^bta: .*'beta'"),
        ("modle=cnn", "^modle: .*'model'"),
        ("model=resnet18flx", "model 'resnet18flx'.*'resnet18flex'"),
        ("features=[pcen,mfc]", "features 'mfc'.*'mfcc'"),
        ("trainer.max_epocs=3", r"^trainer\.max_epocs: .*'max_epochs'"),
    ],
)
def test_compose_misspelt_name_suggests_the_right_one(override, message):
    with pytest.raises(ConfigError) as caught:
        compose([override])
    [problem] = caught.value.problems
    assert re.search(message, problem)


def test_compose_lists_all_problems_at_once():
    with pytest.raises(ConfigError) as caught:
        compose(["model.widht=3", "beta=2", "loss=graf_soft", "trainer.max_epocs=1"])
    assert {problem.split(":")[0] for problem in caught.value.problems} >= {"model.widht", "trainer.max_epocs"}
    assert len(caught.value.problems) == 3


def test_a_sweep_shows_every_value_once():
    jobs = expand_sweep(["beta=1,1.5,2", "model=cnn", "loss=cross_entropy,graph_soft"])
    assert len(jobs) == 4
    assert jobs[0] == ["beta=1", "model=cnn", "loss=cross_entropy"]
    assert {job[0] for job in jobs} == {"beta=1", "beta=1.5", "beta=2"}


def test_every_option_of_every_group_composes():
    elsewhere = {"hydra", "search", "decision", "experiment"}  # tests of sweeps, decisions and recipes compose theirs
    groups = sorted(path for path in conf_dir().iterdir() if path.is_dir() and path.name not in elsewhere)
    options = [[f"{group.name}={option.stem}" for option in sorted(group.glob("*.yaml"))] for group in groups]
    for row in zip_longest(*options):  # composing costs a tenth of a second: an option of each group at a time
        chosen = [override for override in row if override]
        found = compose(chosen)
        # What an option without its `@package` line adds to one that has it lies a level too deep.
        for group in groups:
            nested = (found.get(group.name) or {}).get(group.name)
            assert not isinstance(nested, dict), f"{chosen}: an option of {group.name} has no @package line"


@pytest.mark.parametrize(
    ("group", "overrides", "kind"),
    [
        ("taxonomy", [], "musicmap"),
        ("taxonomy", ["dataset=gtzan"], "gtzan"),
        ("taxonomy", ["dataset=folder"], "flat"),
        ("taxonomy", ["dataset=folder", "taxonomy=musicmap"], "musicmap"),
        ("split", [], "grouped"),
        ("split", ["dataset=folder"], "auto"),
        ("split", ["dataset=csv"], "auto"),
        ("split", ["dataset=folder", "split=grouped"], "grouped"),
    ],
)
def test_a_dataset_chooses_an_option_unless_the_user_does(group, overrides, kind):
    assert compose(overrides)[group]["kind"] == kind


@pytest.mark.parametrize(
    ("overrides", "kind"),
    [
        (["model=resnet18flex_dual", "features=pcen_mfcc"], "graph_soft"),
        (["taxonomy=flat"], "cross_entropy"),
        (["taxonomy=flat", "loss=graph_soft"], "graph_soft"),
        *[([f"dataset={name}"], "cross_entropy") for name in ("folder", "csv", "table", "pictures", "embeddings")],
        (["dataset=gtzan_images"], "graph_soft"),
        (["dataset=folder", "taxonomy=musicmap"], "graph_soft"),
        (["dataset=folder", "target=multi_label"], "binary_cross_entropy"),
        (["dataset=folder", "experiment=a22_resnet18flex_dual"], "graph_soft"),
    ],
)
def test_a_taxonomy_without_a_graph_chooses_a_loss_without_one(overrides, kind):
    assert compose(overrides)["loss"]["kind"] == kind

"""conf/features under Hydra: any single, pair or list becomes an ordered mapping `features: {name: {...}}`."""

import shutil

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from genrelab.audio import AudioSpec
from genrelab.features import make_spec
from paths import REPOSITORY

CONF = REPOSITORY / "conf" / "features"
ENCODERS = {"musicnn"}  # whose weights are not here
OPTIONS = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem not in ENCODERS)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    root = tmp_path_factory.mktemp("conf")
    shutil.copytree(CONF, root / "features")
    (root / "config.yaml").write_text("defaults:\n  - _self_\n  - features: pcen_mfcc\n")
    with initialize_config_dir(str(root), version_base="1.3"):
        yield lambda *overrides: OmegaConf.to_container(compose("config", list(overrides)))["features"]


@pytest.mark.parametrize(
    ("override", "names"),
    [
        ("features=pcen_mfcc", ["pcen", "mfcc"]),
        ("features=pcen", ["pcen"]),
        ("features=[pcen,chroma_cqt]", ["pcen", "chroma_cqt"]),
        ("features=[chroma_cqt,pcen]", ["chroma_cqt", "pcen"]),
        ("features=[pcen_mfcc,tabular57]", ["pcen", "mfcc", "tabular57"]),
        ("features=pcen_chroma_cqt", ["pcen", "chroma_cqt"]),
        ("features=mel_db_mfcc", ["mel_db", "mfcc"]),
    ],
)
def test_choices_keep_names_and_order(features, override, names):
    assert list(features(override)) == names


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_and_builds(features, option):
    for name, config in features(f"features={option}").items():
        assert make_spec(name, config, AudioSpec()).name == name


def test_parameters_are_overridden_under_their_feature(features):
    composed = features("features=pcen_mfcc", "features.pcen.n_mels=64", "features.mfcc.dtype=float32")
    assert (composed["pcen"]["n_mels"], composed["mfcc"]["n_mels"]) == (64, 128)
    assert make_spec("pcen", composed["pcen"], AudioSpec()).shape == (64, 256)
    with pytest.raises(ConfigCompositionException, match=r"features\.pcen\.n_mel"):
        features("features=pcen", "features.pcen.n_mel=64")


def test_the_main_job_has_its_sizes(features):
    composed = features()
    shapes = [make_spec(name, config, AudioSpec()).shape for name, config in composed.items()]
    assert shapes == [(128, 256), (32, 256)]

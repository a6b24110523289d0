"""Every exception of the package survives pickling: launchers and workers send them from process to process."""

import copy
import importlib
import inspect
import pickle
import pkgutil

import pytest

import genrelab
import hydra_plugins.genrelab_optuna
from genrelab.audio.errors import AudioError
from genrelab.features.base import FeatureError, FeatureOverflow
from genrelab.utils.errors import ConfigError, GenrelabError, Interrupted
from genrelab.utils.exit_codes import HydraBypass

ARGUMENTS = {  # of those with a constructor of their own
    ConfigError: ((["model.widht: no such key", "beta: -1 is below 0"],), (["one"],)),
    Interrupted: (("12 tracks are kept", "run it again"), ("12 tracks are kept",), ()),
    AudioError: (("song.wav", "empty file"),),
    FeatureError: (("pcen", "too short"),),
    FeatureOverflow: (("pcen", "too large"),),
    HydraBypass: ((ConfigError(["a: wrong", "b: wrong"]),),),
}


def exceptions() -> list[type[BaseException]]:
    """All exception classes that the package's modules define."""
    found: set[type[BaseException]] = set()
    for package in (genrelab, hydra_plugins.genrelab_optuna):
        names = [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
        for name in [package.__name__, *(name for name in names if not name.endswith("__main__"))]:
            module = importlib.import_module(name)
            classes = [one for one in vars(module).values() if inspect.isclass(one) and issubclass(one, BaseException)]
            found |= {one for one in classes if one.__module__ == name}
    return sorted(found, key=lambda one: one.__qualname__)


def assert_same(one: object, other: object) -> None:
    if not isinstance(one, BaseException):
        assert one == other
        return
    assert type(one) is type(other) and str(one) == str(other) and repr(one) == repr(other)
    assert len(one.args) == len(other.args) and vars(one).keys() == vars(other).keys()
    for left, right in zip([*one.args, *vars(one).values()], [*other.args, *vars(other).values()], strict=True):
        assert_same(left, right)


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__qualname__)
def test_an_exception_is_the_same_after_a_round_trip(kind):
    own = inspect.getattr_static(kind, "__init__") not in (Exception.__init__, BaseException.__init__)
    assert kind in ARGUMENTS or not own, f"{kind.__qualname__}: add its arguments above"
    for arguments in ARGUMENTS.get(kind, (("song.wav: no such file",), ())):
        error = kind(*arguments)
        error.add_note("a note")
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert_same(error, again)


def test_the_walk_finds_them():
    found = exceptions()
    assert {GenrelabError, *ARGUMENTS} <= set(found) and len(found) >= 11

"""The guides' code runs: modules are imported as plugins, files compose, the further blocks hold."""

import inspect
import re
from dataclasses import fields

import pytest
import yaml

from genrelab.config import compose
from genrelab.config.schema import ModelSpec
from genrelab.losses.registry import LOSSES
from genrelab.models.registry import MODELS
from genrelab.training.registry import OPTIMIZERS, SCHEDULERS
from paths import REPOSITORY

DOCS = REPOSITORY / "docs"


def blocks(guide, language):
    text = (DOCS / guide).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(
    params=[("write-a-model.md", MODELS, "time_conv"), ("write-a-loss.md", LOSSES, "expected_distance_demo")]
)
def guide(request):
    name, registry, kind = request.param
    module, *rest = blocks(name, "python")
    registry.kinds()
    exec(compile(module, name, "exec"), {"__name__": f"guide_{kind}"})
    yield name, registry, kind, rest
    registry._kinds.pop(kind)


def test_code_blocks_run(guide):
    name, _, _, rest = guide
    assert rest
    for block in rest:
        exec(compile(block, name, "exec"), {})


def test_the_file_is_an_option_and_fits_the_signature(guide, tmp_path):
    name, registry, kind, _ = guide
    (tmp_path / registry.noun).mkdir()
    (tmp_path / registry.noun / f"{kind}.yaml").write_text(blocks(name, "yaml")[0], encoding="utf-8")
    supplied = ("in_shapes", "n_classes", "distances")
    config = compose([f"{registry.noun}={kind}", "features=pcen"], [str(tmp_path)])[registry.noun]
    assert config.pop("kind") == kind
    for field in fields(ModelSpec):  # what every model's option has, whatever its file says
        config.pop(field.name, None)
    assert registry.check(kind, config, supplied) == []
    bare = compose([f"~{registry.noun}", f"+{registry.noun}.kind={kind}"])[registry.noun]
    assert bare["kind"] == kind and bare.keys() <= {"kind", *(field.name for field in fields(ModelSpec))}


def plain(value):
    """A default as a file holds it: tuples are lists."""
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def test_built_in_files_hold_every_parameter_with_its_default():
    conf = DOCS.parent / "conf"
    for registry in (MODELS, LOSSES, OPTIMIZERS, SCHEDULERS):
        for kind in registry.kinds():
            option = yaml.safe_load((conf / registry.noun / f"{kind}.yaml").read_text(encoding="utf-8"))
            assert option.pop("kind") == kind
            if "beta" in option:
                assert option["beta"] == "${beta}"
                option["beta"] = yaml.safe_load((conf / "config.yaml").read_text(encoding="utf-8"))["beta"]
            for entry in option.pop("defaults", []):  # a parameter that is an option of its own, as /model@backbone
                if entry != "_self_":
                    option[next(iter(entry)).partition("@")[2]] = None
            signature = inspect.signature(registry.get(kind)).parameters
            defaults = {name: p.default for name, p in signature.items() if p.default is not inspect.Parameter.empty}
            assert {name: plain(value) for name, value in defaults.items()} == option

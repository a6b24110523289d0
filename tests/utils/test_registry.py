"""The contract `build(kind, params)`."""

from typing import Literal

import pytest

from genrelab.utils.errors import ConfigError
from genrelab.utils.registry import Registry


def make_registry() -> Registry:
    registry = Registry("model", "genrelab")

    @registry.register("net")
    class Net:
        def __init__(
            self,
            n_classes: int,
            width: int = 64,
            dropout: float = 0.0,
            stem: Literal["a", "b"] = "a",
            sizes: list[int] | None = None,
        ) -> None:
            self.values = (n_classes, width, dropout, stem, sizes)

    return registry


def test_build_constructs_from_params_and_supplied_values():
    net = make_registry().build("net", {"width": 32, "dropout": 1, "sizes": [1, 2]}, n_classes=10, unused=3)
    assert net.values == (10, 32, 1, "a", [1, 2])


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("nett", {}, "no model 'nett'; did you mean 'net'?"),
        ("net", {"widht": 3}, "model.widht: model 'net' has no such parameter; did you mean 'width'?"),
        ("net", {"width": "wide"}, "model.width: 'wide' is not an int"),
        ("net", {"width": True}, "model.width: True is not an int"),
        ("net", {"stem": "c"}, "model.stem: 'c' is not one of 'a', 'b'"),
        ("net", {"sizes": ["x"]}, "model.sizes: ['x'] is not list[int] or null"),
    ],
)
def test_build_names_what_is_wrong(kind, params, message):
    with pytest.raises(ConfigError) as caught:
        make_registry().build(kind, params, n_classes=10)
    assert message in str(caught.value)


def test_all_problems_are_listed_at_once_and_missing_parameters_are_named():
    problems = make_registry().check("net", {"widht": 3, "dropout": "x"})
    assert len(problems) == 3
    assert "model.n_classes: model 'net' needs it" in problems


def test_kwargs_and_double_names_are_refused():
    registry = make_registry()
    with pytest.raises(ValueError, match=r"\*\*kwargs"):
        registry.register("loose")(lambda **kwargs: None)
    with pytest.raises(ValueError, match="registered twice"):
        registry.register("net")(lambda: None)

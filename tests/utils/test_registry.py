"""The contract `build(kind, params)`."""

import re
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
        ("nett", {}, "model 'nett'.*'net'"),
        ("net", {"widht": 3}, r"^model\.widht: .*'net'.*'width'"),
        ("net", {"width": "wide"}, r"^model\.width: 'wide'.* int\b"),
        ("net", {"width": True}, r"^model\.width: True.* int\b"),
        ("net", {"stem": "c"}, r"^model\.stem: 'c'.*'a', 'b'"),
        ("net", {"sizes": ["x"]}, r"^model\.sizes: \['x'\].*list\[int\]"),
    ],
)
def test_build_names_what_is_wrong(kind, params, message):
    with pytest.raises(ConfigError) as caught:
        make_registry().build(kind, params, n_classes=10)
    [problem] = caught.value.problems
    assert re.search(message, problem)


def test_all_problems_are_listed_at_once_and_missing_parameters_are_named():
    problems = make_registry().check("net", {"widht": 3, "dropout": "x"})
    assert len(problems) == 3
    assert {problem.split(":")[0] for problem in problems} == {"model.widht", "model.dropout", "model.n_classes"}


def test_kwargs_and_double_names_are_refused():
    registry = make_registry()
    with pytest.raises(ValueError, match=r"\*\*kwargs"):
        registry.register("loose")(lambda **kwargs: None)
    with pytest.raises(ValueError, match="'net'"):
        registry.register("net")(lambda: None)

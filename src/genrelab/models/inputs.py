"""What is wrong with the shapes and numbers that a network is given, as lines for `ConfigError`."""

from __future__ import annotations

from collections.abc import Sequence

from genrelab.errors import ConfigError

Shapes = Sequence[tuple[int, ...]]


def said(shape: tuple[int, ...]) -> str:
    """A shape as users read it: "128x256 picture", "vector of 57"."""
    return f"vector of {shape[0]}" if len(shape) == 1 else f"{'x'.join(map(str, shape))} picture"


def one_picture(kind: str, in_shapes: Shapes) -> list[str]:
    """Problems of `in_shapes` for a network that takes exactly one picture."""
    shapes = ", ".join(said(tuple(shape)) for shape in in_shapes)
    if len(in_shapes) != 1:
        remedy = "model=resnet18flex_dual takes several" if len(in_shapes) > 1 else "e.g. features=pcen"
        return [f"model {kind!r} takes 1 feature, here are {len(in_shapes)} ({shapes}); choose one, or {remedy}"]
    return pictures(kind, in_shapes)


def pictures(kind: str, in_shapes: Shapes) -> list[str]:
    """Problems of `in_shapes` for a network that takes any number of pictures."""
    if not in_shapes:
        return [f"model {kind!r} needs a feature, here is none; e.g. features=pcen"]
    return [
        f"model {kind!r} takes pictures, feature {number} is a {said(tuple(shape))}; choose a picture, or model=mlp"
        for number, shape in enumerate(in_shapes, start=1)
        if len(shape) != 2
    ]


def check_numbers(at_least_one: dict[str, int], dropout: float) -> None:
    """Refuse sizes below 1 and a dropout that is no probability.

    Raises:
        ConfigError: all of them.
    """
    problems = [f"model.{name}: {value} is below 1" for name, value in at_least_one.items() if value < 1]
    if not 0 <= dropout < 1:
        problems.append(f"model.dropout: {dropout} is not in [0, 1)")
    if problems:
        raise ConfigError(problems)


def check_shapes(problems: list[str]) -> None:
    """Refuse inputs that `check_inputs` finds fault with.

    Raises:
        ConfigError: `problems`, if any.
    """
    if problems:
        raise ConfigError(problems)

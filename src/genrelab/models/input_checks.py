"""What is wrong with the shapes and numbers that a network is given, as lines for `ConfigError`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genrelab.utils.errors import ConfigError

Shapes = Sequence[tuple[int, ...]]


def format_shape(shape: tuple[int, ...]) -> str:
    """A shape as users read it: "128x256 picture", "vector of 57"."""
    return f"vector of {shape[0]}" if len(shape) == 1 else f"{'x'.join(map(str, shape))} picture"


def check_single_2d(kind: str, in_shapes: Shapes) -> list[str]:
    """Problems of `in_shapes` for a network that takes exactly one picture."""
    shapes = ", ".join(format_shape(tuple(shape)) for shape in in_shapes)
    if len(in_shapes) != 1:
        remedy = f"model={_taking(in_shapes)} takes several" if len(in_shapes) > 1 else "e.g. features=pcen"
        return [f"model {kind!r} takes 1 feature, here are {len(in_shapes)} ({shapes}); choose one, or {remedy}"]
    return check_2d(kind, in_shapes)


def check_2d(kind: str, in_shapes: Shapes) -> list[str]:
    """Problems of `in_shapes` for a network that takes any number of pictures."""
    if not in_shapes:
        return [f"model {kind!r} needs a feature, here is none; e.g. features=pcen"]
    return [
        f"model {kind!r} takes pictures, feature {number} is a {format_shape(tuple(shape))}; "
        f"choose a picture, or model={_taking(in_shapes)}"
        for number, shape in enumerate(in_shapes, start=1)
        if len(shape) != 2
    ]


def _taking(in_shapes: Shapes) -> str:
    """A model that takes several features of these shapes."""
    dimensions = {len(shape) for shape in in_shapes}
    return "late_fusion" if len(dimensions) > 1 else "resnet18flex_dual" if dimensions == {2} else "mlp"


def same_size(kind: str, in_shapes: Shapes) -> list[str]:
    """Problems of `in_shapes` for a network that stacks pictures as channels."""
    return check_2d(kind, in_shapes) or _alike(kind, in_shapes, slice(None), "of one size", "choose one")


def same_width(kind: str, in_shapes: Shapes) -> list[str]:
    """Problems of `in_shapes` for a network that joins the rows of pictures."""
    return check_2d(kind, in_shapes) or _alike(
        kind, in_shapes, slice(1, None), "with as many columns", "use one audio.hop_length"
    )


def stack_channels(features: Sequence[Tensor]) -> Tensor:
    """Pictures `[B, H, W]` of one size as the channels of maps `[B, N, H, W]`."""
    return features[0].unsqueeze(1) if len(features) == 1 else torch.stack(list(features), dim=1)


def to_sequence(features: Sequence[Tensor]) -> Tensor:
    """Pictures `[B, H_i, W]` as W steps `[B, W, sum of H_i]`, a column each."""
    return torch.cat(list(features), dim=1).transpose(1, 2)


def check_numbers(at_least_one: dict[str, int], dropout: float = 0.0, **dropouts: float) -> None:
    """Refuse sizes below 1 and a dropout that is no probability.

    Args:
        at_least_one: sizes by the name of their parameter.
        dropout: of the parameter of that name.
        dropouts: of other parameters.

    Raises:
        ConfigError: all of them.
    """
    problems = [f"model.{name}: {value} is below 1" for name, value in at_least_one.items() if value < 1]
    rates = {"dropout": dropout, **dropouts}
    problems += [f"model.{name}: {value} is not in [0, 1)" for name, value in rates.items() if not 0 <= value < 1]
    if problems:
        raise ConfigError(problems)


def check_shapes(problems: list[str]) -> None:
    """Refuse inputs that `check_inputs` finds fault with.

    Raises:
        ConfigError: `problems`, if any.
    """
    if problems:
        raise ConfigError(problems)


def _alike(kind: str, in_shapes: Shapes, axes: slice, wanted: str, remedy: str) -> list[str]:
    if len({tuple(shape)[axes] for shape in in_shapes}) == 1:
        return []
    shapes = ", ".join(format_shape(tuple(shape)) for shape in in_shapes)
    return [f"model {kind!r} takes pictures {wanted}, here are {shapes}; {remedy}, or model=resnet18flex_dual"]

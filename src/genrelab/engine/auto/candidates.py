"""What takes part in a race, the simplest first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

C = {"c": (0.003, 0.01, 0.03, 0.1, 0.3)}  # of logistic regression; features are standardized
TREES = {"n_estimators": 200}


@dataclass(frozen=True)
class Candidate:
    """A kind of model on some features.

    Args:
        title: In words, as tables show it.
        kind: Name of the registered model.
        features: Names of its features; none for those that come with the dataset.
        params: Parameters of the model.
        grid: A parameter and the values that inner cross-validation chooses from; at most one.
        overrides: Further overrides of the configuration, of networks.
        network: Whether it is trained by gradient.
    """

    title: str
    kind: str
    features: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    network: bool = False

    @property
    def slug(self) -> str:
        """The title as the name of a file."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    def choices(self) -> list[dict[str, float]]:
        """Return the parameters to choose from: one mapping for each value of the grid, an empty one without it."""
        return [{name: value} for name, values in self.grid.items() for value in values] or [{}]

    def compose_overrides(self, chosen: Mapping[str, float]) -> list[str]:
        """Return the overrides that make a configuration train this candidate.

        Args:
            chosen: Values of the grid's parameter.
        """
        named = [f"features=[{','.join(self.features)}]"] if self.features else []
        params = [f"model.{name}={value}" for name, value in {**self.params, **chosen}.items()]
        return [*named, f"model={self.kind}", *self.overrides, *params]


def list_candidates(precomputed: Sequence[str] = (), musicnn: bool = False, networks: bool = True) -> list[Candidate]:
    """List the candidates, the simplest first, which is the order of the one-standard-error rule.

    Args:
        precomputed: Names of the features that come with the dataset; empty where they are computed from audio.
        musicnn: Whether musicnn's weights are there.
        networks: Whether networks take part.
    """
    sets: dict[str, tuple[str, ...]] = {"+".join(precomputed): ()}
    if not precomputed:
        sets = {"tabular57": ("tabular57",)}
        sets |= {"musicnn": ("musicnn",)} if musicnn else {}
        sets |= {"averages": ("mel_db", "mfcc"), "tabular57 and averages": ("tabular57", "mel_db", "mfcc")}
        sets |= {"all features": ("tabular57", "musicnn", "mel_db", "mfcc")} if musicnn else {}
    linear, forest = "logistic_regression", "random_forest"
    found = [Candidate("majority", "majority", next(iter(sets.values())))]
    found += [Candidate(f"logistic regression on {title}", linear, names, grid=C) for title, names in sets.items()]
    found += [Candidate(f"random forest on {title}", forest, names, TREES) for title, names in sets.items()]
    if networks and not precomputed:
        strong = ("recipe=strong", "loss=cross_entropy")
        found.append(Candidate("vgg_mel", "vgg_mel", ("mel_db",), overrides=strong, network=True))
        found.append(
            Candidate("resnet18flex_dual", "resnet18flex_dual", ("mel_db", "mfcc"), overrides=strong, network=True)
        )
    return found


def needed_features(candidates: Sequence[Candidate]) -> list[str]:
    """List the features that candidates are made of, each once."""
    return list(dict.fromkeys(name for candidate in candidates for name in candidate.features))

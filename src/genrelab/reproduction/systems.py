"""`systems.yaml`: every row of the published systems, the data they need, the protocols they are scored by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from genrelab.utils.errors import GenrelabError, suggest


@dataclass(frozen=True)
class SplitProtocol:
    """How tracks are split.

    Args:
        title: for people.
        set: overrides.
        honest: whether its score holds for new tracks as it stands.
        seed: key that a further seed changes beside `seed`.
    """

    title: str
    set: tuple[str, ...]
    honest: bool = False
    seed: str | None = None


@dataclass(frozen=True)
class DataSource:
    """What a recipe may be run on.

    Args:
        needs: what a reader would have to get.
        set: overrides; `{at}` is the path.
        at: where it lies below the folder of all data; the first that exists.
        key: that is given the path.
        part: what of it docs/reproduction.json was made with, "" where that was all.
        stands_in_for: another's name, where that is not at hand; genrelab makes the data itself.
    """

    needs: str
    set: tuple[str, ...]
    at: tuple[str, ...] = ()
    key: str | None = None
    part: str = ""
    stands_in_for: str | None = None

    def find(self, folder: Path | None) -> Path | None:
        """Its path below `folder`, None where it is not at hand."""
        places = [folder / name for name in self.at] if folder else []
        return next((place for place in places if place.exists()), None)

    def overrides(self, path: Path | None) -> list[str]:
        """What a command line says to read it from `path`; None where genrelab makes it."""
        named = [f"{self.key}={path}"] if self.key else []
        return [text.replace("{at}", str(path)) for text in self.set] + named


@dataclass(frozen=True)
class Trial:
    """A recipe on data, by one protocol after the other.

    Args:
        recipe: of conf/experiment.
        data: name in `Systems.data`.
        protocols: names in `Systems.protocols`.
        set: further overrides.
        short: overrides of `--short`.
    """

    recipe: str
    data: str
    protocols: tuple[str, ...]
    set: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


@dataclass(frozen=True)
class PublishedSystem:
    """One published thing.

    Args:
        id: "A22".
        name: in five words or so.
        published: the number that was claimed, "" where there is none.
        truth: what the claim really was.
        recipes: of conf/experiment.
        files: options, tests and documents that answer it.
        command: that does it.
        note: of what is done otherwise or left out, and what to use.
        same: another row, whose trials are its own.
        status: what came of it here, where there are no trials whose results say so; see `pages.row_status`.
        trials: how it is scored here.
    """

    id: str
    name: str
    published: str = ""
    truth: str = ""
    recipes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    command: str = ""
    note: str = ""
    same: str | None = None
    status: str = ""
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Systems:
    """All of `systems.yaml`."""

    titles: Mapping[str, str]
    sources: Mapping[str, str]
    protocols: Mapping[str, SplitProtocol]
    data: Mapping[str, DataSource]
    rows: Mapping[str, PublishedSystem]

    def select(self, only: Sequence[str]) -> list[PublishedSystem]:
        """The rows that are named, by "A22", "a", or a recipe's name; all where nothing is.

        Raises:
            GenrelabError: a name fits no row.
        """
        if not only:
            return list(self.rows.values())
        found: dict[str, PublishedSystem] = {}
        for name in only:
            fits = {
                row.id: row for row in self.rows.values() if name.upper() in (row.id, row.id[0]) or name in row.recipes
            }
            if not fits:
                near = suggest(name.upper(), self.rows)
                known = near if "mean" in near else f"; there are {', '.join(self.titles)} and rows such as A22"
                raise GenrelabError(f"--only {name}: no such row{known}")
            found |= fits
        return [row for row in self.rows.values() if row.id in found]


@cache
def read_systems() -> Systems:
    """Read `systems.yaml`."""
    known: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "systems.yaml").read_text(encoding="utf-8"))
    return Systems(
        titles=known["systems"],
        sources=known["sources"],
        protocols={name: SplitProtocol(**_tuples(values)) for name, values in known["protocols"].items()},
        data={name: DataSource(**_tuples(values)) for name, values in known["data"].items()},
        rows={name: _row(name, values) for name, values in known["rows"].items()},
    )


def _row(name: str, values: Mapping[str, Any]) -> PublishedSystem:
    plain = {key: value for key, value in values.items() if key != "runs"}
    trials = [{"recipe": (plain.get("recipes") or [None])[0], **trial} for trial in values.get("runs", ())]
    return PublishedSystem(id=name, trials=tuple(Trial(**_tuples(trial)) for trial in trials), **_tuples(plain))


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}

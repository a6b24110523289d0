"""Verbs on a dataset, before training. They take Hydra's overrides."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

commands = typer.Typer()
command = partial(commands.command, rich_help_panel="Data")
Overrides = Annotated[
    list[str] | None, typer.Argument(help="group=option and group.key=value, as for train.py", metavar="[OVERRIDES]...")
]


@command()
def prepare(
    overrides: Overrides = None,
    export: Annotated[str | None, typer.Option(help="also write feature tables: csv")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of exported tables; outputs/export")] = None,
    workers: Annotated[int | None, typer.Option(help="processes; all cores by default")] = None,
) -> None:
    """Compute what the store lacks for a dataset, with train's augmented copies.

    Example: genrelab prepare dataset=folder dataset.root=music features=tabular57 --export csv
    """
    from genrelab.datasets.splits import split_folds
    from genrelab.engine import build
    from genrelab.utils.errors import GenrelabError

    if export not in (None, "csv"):
        raise GenrelabError(f"--export {export}: there is: csv")
    config = _config(overrides)
    dataset = build.read_dataset(config)
    store, augments = build.make_store(config, dataset.catalog), build.make_augments(config)
    folds: list[int | None] = [*split_folds(config["split"])]
    for fold in folds or [None]:
        split = build.make_split(config, dataset.catalog, fold)
        report = build.prepare(store, dataset, split, augments, workers, config["data"]["engine"])
        print(report.summary())
    if export:
        from genrelab.engine.export_features import export_tables

        for path in export_tables(store, dataset, out or _below(config, "export")):
            print(f"wrote {path}")


@command()
def check(
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="folder of check.csv and check.json; outputs/check")] = None,
) -> None:
    """Scan a dataset before anyone trains on it: counts, durations, broken, short, silent and double files.

    Example: genrelab check dataset=folder dataset.root=music
    """
    from rich.console import Console

    from genrelab.audio.spec import AudioSpec
    from genrelab.datasets.validation import check_dataset
    from genrelab.engine import build

    config = _config(overrides)
    catalog = build.read_catalog(config)
    taxonomy = build.read_taxonomy(config, catalog.genres)
    report = check_dataset(catalog, AudioSpec(**config["audio"]), taxonomy=taxonomy)
    report.print(Console())
    for path in report.write(out or _below(config, "check")):
        print(f"wrote {path}")


@command()
def graph(
    overrides: Overrides = None,
    genre: Annotated[str | None, typer.Option(help="show this genre's nearest neighbours")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of its pictures and distances; outputs/graph")] = None,
) -> None:
    """Show a taxonomy: statistics, a genre's neighbours, an interactive picture.

    Example: genrelab graph taxonomy=musicmap --genre "Cool Jazz"
    """
    from genrelab.engine import build
    from genrelab.taxonomy.summary import show_graph

    config = _config(overrides)
    wants_data = config["taxonomy"]["kind"] == "flat"
    taxonomy = build.read_dataset(config).taxonomy if wants_data else build.read_taxonomy(config, ())
    show_graph(taxonomy, genre, out or _below(config, "graph"))


@command()
def features(
    file: Annotated[Path, typer.Argument(help="an audio file")],
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="the PNG or its folder; outputs/<file>-features.png")] = None,
) -> None:
    r"""Draw a gallery of a file's features: every one, or those that are named.

    Example: genrelab features song.mp3 'features=\[pcen,chroma_cqt]'
    """
    from genrelab.audio.spec import AudioSpec
    from genrelab.features import make_spec
    from genrelab.features.plot import GALLERY, draw_gallery

    config = _config(overrides)
    audio = AudioSpec(**config["audio"])
    named = any(text.startswith("features") for text in overrides or [])
    chosen = config["features"] if named else {kind: {"kind": kind} for kind in GALLERY}
    specs = [make_spec(name, option, audio) for name, option in chosen.items()]
    print(f"wrote {draw_gallery(file, out or _below(config), specs)}")


@command()
def rename(
    folder: Annotated[Path, typer.Argument(help="holds the genre folders")],
    overrides: Overrides = None,
    to: Annotated[str, typer.Option(help="names, or codes of the taxonomy")] = "names",
    files: Annotated[bool, typer.Option("--files", help="also the files in them whose names begin with it")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="do it; without, it is only shown")] = False,
) -> None:
    """Rename genre folders between a taxonomy's codes and its names; shown first, nothing is ever overwritten.

    Example: genrelab rename music --to names taxonomy=musicmap
    """
    from genrelab.datasets.folder_rename import apply_renaming, plan_renaming
    from genrelab.engine import build
    from genrelab.utils.errors import GenrelabError

    if to not in ("names", "codes"):
        raise GenrelabError(f"--to {to}: there is: names, codes")
    found = plan_renaming(folder, build.read_taxonomy(_config(overrides), ()), to, files)  # type: ignore[arg-type]
    for old, new in found.moves:
        print(f"{old.relative_to(folder.expanduser())} -> {new.name}")
    for path, reason in found.unknown:
        print(f"{path.name}: left as it is ({reason})")
    if apply:
        apply_renaming(found)
    told = "renamed" if apply else "to rename; add --apply to do it"
    print(f"{len(found.moves)} {told}, {len(found.right)} folders named so already")


def _config(overrides: list[str] | None) -> dict[str, Any]:
    from genrelab.config import compose, normalize_overrides
    from genrelab.engine.validate_config import check as check_config

    overrides = normalize_overrides(overrides or [])
    config = compose(overrides)
    check_config(config, overrides, training=False)
    return config


def _below(config: dict[str, Any], name: str = "") -> Path:
    """The folder that a verb writes into unless told otherwise."""
    return Path(config["paths"]["output_dir"]).expanduser() / name

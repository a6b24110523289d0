"""Commands on a dataset, before training. They take Hydra's overrides."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

commands = typer.Typer()
command = partial(commands.command, rich_help_panel="Data")
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Overrides group=option and group.key=value, as for train.py.", metavar="[OVERRIDES]..."),
]


@command()
def check(
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write check.csv and check.json to (default: outputs/check).")
    ] = None,
) -> None:
    """Scan a dataset for broken and duplicate files.

    Prints counts, durations, and broken, short, silent and duplicate files.

    Example: genrelab check dataset=folder dataset.root=music
    """
    from rich.console import Console

    from genrelab.audio.spec import AudioSpec
    from genrelab.config.schema import resolve_path
    from genrelab.datasets.validation import check_dataset
    from genrelab.engine import build

    config = compose_config(overrides)
    dataset_index = build.read_dataset_index(config)
    taxonomy = build.read_taxonomy(config, dataset_index.genres)
    cache = resolve_path(config["paths"]["cache_dir"])
    report = check_dataset(dataset_index, AudioSpec(**config["audio"]), taxonomy=taxonomy, cache=cache)
    report.print(Console())
    for path in report.write(out or output_dir(config, "check")):
        print(f"wrote {path}")


@command()
def prepare(
    overrides: Overrides = None,
    to_csv: Annotated[bool, typer.Option("--to-csv", help="Also write the features as a CSV table.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write the CSV table to (default: outputs/export).")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Number of worker processes (default: all cores).")] = None,
) -> None:
    """Compute the features of a dataset into the cache.

    Computes what the cache lacks, the augmented copies of train included.

    Example: genrelab prepare dataset=folder dataset.root=music features=tabular57 --to-csv
    """
    from genrelab.datasets.splits import resolve_split, split_folds
    from genrelab.engine import build
    from genrelab.engine.duplicates import duplicate_lines, record_duplicates

    config = compose_config(overrides)
    dataset = build.read_dataset(config)
    feature_cache, augments = build.make_feature_cache(config, dataset.index), build.make_augments(config)
    config["split"] = resolve_split(config["split"], lambda: dataset.index)
    folds: list[int | None] = [*split_folds(config["split"])]
    for fold in folds or [None]:
        split = build.make_split(config, dataset.index, fold)
        report = build.prepare(feature_cache, dataset, split, augments, workers, config["data"]["feature_backend"])
        print(report.summary())
    for line in duplicate_lines(record_duplicates(config, dataset.index, split), dataset.index, split):
        print(line)
    if to_csv:
        from genrelab.engine.export_features import export_tables

        for path in export_tables(feature_cache, dataset, out or output_dir(config, "export")):
            print(f"wrote {path}")


def compose_config(overrides: list[str] | None) -> dict[str, Any]:
    """Compose and check the configuration of a command that does not train."""
    from genrelab.config import compose, normalize_overrides
    from genrelab.engine.validate_config import check as check_config

    overrides = normalize_overrides(overrides or [])
    config = compose(overrides)
    check_config(config, overrides, training=False)
    return config


def output_dir(config: dict[str, Any], name: str = "") -> Path:
    """Return the folder that a command writes to by default."""
    return Path(config["paths"]["output_dir"]).expanduser() / name

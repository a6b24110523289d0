"""Verbs around experiments: dashboards, studies, the table of published systems."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()
command = partial(commands.command, rich_help_panel="Dashboards and tables")


@command()
def reproduce(
    only: Annotated[str | None, typer.Option(help="rows, systems or recipes: B08,D or a22_resnet18flex_dual")] = None,
    data: Annotated[Path | None, typer.Option(help="folder of all data; GENRELAB_DATA by default")] = None,
    short: Annotated[bool, typer.Option("--short", help="shortened recipes where the full ones are long")] = False,
    seeds: Annotated[int, typer.Option(help="runs of each recipe that takes ten minutes at most")] = 3,
    outputs: Annotated[Path, typer.Option(help="folder of the runs")] = Path("outputs/reproduce"),
    docs: Annotated[Path, typer.Option(help="folder of the tables")] = Path("docs"),
    tables: Annotated[bool, typer.Option("--tables", help="write the tables from what was kept; run nothing")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list the runs")] = False,
) -> None:
    """Run the published systems' recipes on the data at hand, and write docs/reproduction.md.

    What finished is kept; the same command goes on after Ctrl-C.

    Example: genrelab reproduce --data DATA --only B --short
    """
    from genrelab.reproduction.command import reproduce as run_rows

    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    run_rows(names, data, short, seeds, outputs, docs, tables, dry_run)


@command("wandb-sync")
def wandb_sync(
    folder: Annotated[Path, typer.Argument(help="where to look for runs, at any depth")] = Path("outputs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list what would be uploaded")] = False,
) -> None:
    """Upload the W&B runs that were logged offline, those that were uploaded before aside.

    Example: genrelab wandb-sync outputs/sweeps/beta --dry-run
    """
    from genrelab.tracking.wandb_sync import sync

    sync(folder, dry_run)


@command()
def dashboard(
    project: Annotated[str, typer.Option(help="of W&B, as logger.wandb.project")] = "genrelab",
    entity: Annotated[str | None, typer.Option(help="team or user; by default the account's")] = None,
    features: Annotated[str, typer.Option(help="whose example pictures the single run shows")] = "pcen,mfcc",
    save: Annotated[bool, typer.Option("--save", help="make them; needs `wandb login`")] = False,
) -> None:
    """Lay out three W&B workspaces: beta sweep, features, single run. Without --save it says what they would show.

    Example: genrelab dashboard --project genrelab --save
    """
    from genrelab.tracking import wandb_workspaces as layout

    boards = layout.dashboards([name.strip() for name in features.split(",") if name.strip()])
    if not save:
        print("\n\n".join(layout.describe(board) for board in boards))
        print(f"\n--save makes these {len(boards)} workspaces in project {project}")
        return
    for address in layout.save(project, entity, boards):
        print(address)


@command()
def studies(
    outputs: Annotated[Path, typer.Argument(help="that training and sweeps wrote")] = Path("outputs"),
    study: Annotated[str | None, typer.Option(help="only this one")] = None,
    port: Annotated[int, typer.Option(help="of the first study; the others follow")] = 8080,
    curves: Annotated[int, typer.Option(help="port of TensorBoard")] = 6006,
) -> None:
    """Show studies in optuna-dashboard and curves in TensorBoard, in a browser, until Ctrl-C.

    Example: genrelab studies --study beta
    """
    from genrelab.tuning.dashboard import serve

    serve(outputs, study, port, curves)

"""The console script `genrelab`: one module per group of commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from genrelab.cli import data, evaluation, inference, tools
from genrelab.utils.exit_codes import exit_interrupted, exit_on_error

GROUPS = ("Train", "Data", "Evaluate", "Use a model", "More")


class CommandGroup(TyperGroup):
    """Commands with a help of one line each, and an interruption that says what is kept (Typer says "Aborted.")."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            return exit_interrupted(stop)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help so that all commands fit one screen: the group at the left, one line per command."""
        named = [(getattr(self.commands[name], "rich_help_panel", None), name) for name in self.list_commands(ctx)]
        rows = sorted(named, key=lambda row: GROUPS.index(row[0]) if row[0] in GROUPS else len(GROUPS))
        indent = max((len(group) + 2 for group, _ in rows if group in GROUPS), default=2)
        width = max(len(name) for _, name in rows) + 2
        formatter.write(f"Usage: {ctx.command_path} COMMAND [ARGS]...   {self.help}\n\n")
        before = None
        for group, name in rows:
            title = group if group in GROUPS and group != before else ""
            text = self.commands[name].get_short_help_str(limit=formatter.width - indent - width)
            formatter.write(f"{title:<{indent}}{name:<{width}}{text}\n")
            before = group
        version = "--version, " if ctx.parent is None else ""
        formatter.write(f"\nOptions: {version}--help; each command has a --help of its own, with examples.\n")


app = typer.Typer(
    cls=CommandGroup,
    help="Music genre recognition on a graph of genres.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (data, evaluation, inference):
    app.add_typer(module.commands)  # without a name: its commands stand beside the others
app.add_typer(tools.commands, name="tools", cls=CommandGroup, rich_help_panel="More", no_args_is_help=True)


def _version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        print(f"genrelab {version('genrelab')}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Music genre recognition on a graph of genres."""


PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command(context_settings=PASS_ON, rich_help_panel="Train")
def train(context: typer.Context) -> None:
    """Train a run, as `python train.py` does.

    `genrelab train --help` lists the groups of the configuration.
    """
    from genrelab.cli.launch import train as launch_train  # Hydra

    launch_train(context.args)


@app.command(rich_help_panel="Train")
def auto(
    music: Annotated[str | None, typer.Argument(help="Folder that holds one folder per genre.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Overrides of dataset, audio, split, seed, logger and paths.", metavar="[OVERRIDES]..."),
    ] = None,
    budget: Annotated[str, typer.Option(help="Time for all, such as 30s, 10min or 1h.")] = "10min",
    out: Annotated[Path | None, typer.Option(help="Folder of the run (default: a new one in outputs/runs).")] = None,
    resume: Annotated[Path | None, typer.Option(help="Folder of an interrupted race to go on with.")] = None,
    trust_config: Annotated[bool, typer.Option(help="Let a resumed race import the modules that it names.")] = False,
) -> None:
    """Find the best model for a folder of music.

    Runs simple models and, where the time allows, networks in nested cross-validation with artists kept apart, and
    writes one run of what it chooses.

    Example: genrelab auto music --budget 10min
    """
    from genrelab.config import normalize_overrides
    from genrelab.engine.auto.command import resume_race, start_race
    from genrelab.utils.errors import GenrelabError

    given = normalize_overrides([*([music] if music and "=" in music else []), *(overrides or [])])
    folder = None if music and "=" in music else music
    if resume is None:
        start_race(folder, given, budget, out)
    elif music or given:
        raise GenrelabError(f"--resume {resume}: a resumed race keeps its music and overrides (leave them out)")
    else:
        resume_race(resume, trusted=trust_config)


def main() -> None:
    """Entry point of the console script."""
    # Torch's threads wait by spinning; where others want the cores, that takes seconds. Torch reads it when imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    with exit_on_error():
        app()

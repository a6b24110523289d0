"""The console script `genrelab`: verbs around training."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from genrelab.cli import data, evaluation, inference, tools
from genrelab.utils.exit_codes import exit_interrupted, exit_on_error


class CommandGroup(TyperGroup):
    """The verbs; typer would say "Aborted." at Ctrl-C, and keep to itself what an interruption says."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            return exit_interrupted(stop)


app = typer.Typer(
    cls=CommandGroup,
    help="Music genre recognition on a graph of genres.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (data, evaluation, inference, tools):
    app.add_typer(module.commands)  # without a name: its verbs stand beside the others


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"genrelab {version('genrelab')}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="say it and exit")
    ] = False,
) -> None:
    """Music genre recognition on a graph of genres."""


PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command(context_settings=PASS_ON, rich_help_panel="Training")
def train(context: typer.Context) -> None:
    """Train a run: the same as `python train.py`, from anywhere. `genrelab train --help` lists the groups."""
    from genrelab.cli.launch import train as launch_train  # Hydra

    launch_train(context.args)


def main() -> None:
    """Entry point of the console script."""
    # Torch's threads wait by spinning; where others want the cores, that takes seconds. Torch reads it when imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    with exit_on_error():
        app()

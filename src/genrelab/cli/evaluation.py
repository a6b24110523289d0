"""Commands on finished runs: score, evaluate, compare."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()
command = partial(commands.command, rich_help_panel="Evaluate")
Run = Annotated[Path, typer.Argument(help="Folder of a run.")]


@command()
def report(run: Run) -> None:
    """Score a run's predictions and write its report.

    Example: genrelab report outputs/runs/20260101-120000-ab12cd
    """
    from genrelab.evaluation.report import print_summary, write_report

    print(f"wrote {write_report(run)}")
    print_summary(run)


@command()
def evaluate(
    run: Run,
    settings: Annotated[
        list[str],
        typer.Argument(help="The dataset and how it is scored: dataset=..., excerpts=...", metavar="SETTINGS..."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to (default: a new one in RUN/evaluations).")
    ] = None,
) -> None:
    """Evaluate a run on another dataset.

    Settings: dataset=... and other overrides of the dataset; excerpts=10, excerpt_seconds=3,
    on_overlap=error|warn|drop, on_unknown_genre=error|drop, eval_split=test (of split=...).

    Example: genrelab evaluate outputs/runs/20260101-120000-ab12cd dataset=csv dataset.path=new.csv excerpts=10
    """
    from genrelab.config import normalize_overrides
    from genrelab.engine.external_evaluation.command import evaluate_new_data

    evaluate_new_data(run, normalize_overrides(settings), out)


@command()
def reevaluate(
    run: Run,
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Decision rule and aggregation: decision=..., aggregation=...", metavar="[SETTINGS]..."),
    ] = None,
) -> None:
    """Apply another decision rule to a run's predictions.

    Nothing is trained. Decision rules: argmax, temperature, crm, prior_correction, hedge; thresholds for multi-label
    runs. Their parameters are fitted on val. aggregation=... sets how segments are joined, eval_split=val scores val
    instead of test.

    Example: genrelab reevaluate outputs/runs/20260101-120000-ab12cd decision=crm decision.truncate=4 aggregation=vote
    """
    from genrelab.config import compose, normalize_overrides
    from genrelab.engine.validate_config import split_name_and_params
    from genrelab.evaluation.decisions import print_reevaluation, reevaluate_run, write_reevaluation
    from genrelab.runs.run_dir import RunDir
    from genrelab.utils.errors import ConfigError

    settings = settings or []
    if wrong := [text for text in settings if text.startswith("dataset")]:
        raise ConfigError([f"{wrong[0]}: reevaluate takes no dataset (genrelab evaluate scores another dataset)"])
    run_dir = RunDir.read(run, allow_multilabel=True)
    named = any(text.startswith("decision=") for text in settings)
    default = [] if named else [f"decision={run_dir.output_type.default_decision}"]
    config = compose(normalize_overrides([*default, *settings]), name="reevaluate")
    rule, params = split_name_and_params(config["decision"])
    result = reevaluate_run(run_dir, rule, params, config["aggregation"], config["eval_split"])
    print_reevaluation(run_dir, result)
    print(f"wrote {write_reevaluation(run_dir, result)}")


@command()
def compare(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders of runs, or folders that hold them.", metavar="FOLDER")
    ],
    filter: Annotated[
        list[str] | None,
        typer.Option(help="Condition that runs must meet, such as model=cnn, 'beta>=1.5' or 'loss=hxe|focal'."),
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(help="Keys that runs are grouped by, or run (default: every key that differs but the seed)."),
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="Run that every row is tested against.", metavar="RUN")] = None,
    common_tracks: Annotated[
        bool, typer.Option("--common-tracks", help="Test on the common tracks where test tracks differ.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write table.csv, table.md and index.html to.")] = None,
) -> None:
    """Compare runs in one table, with paired tests.

    Shows mean and spread over seeds, and paired tests on the same tracks.

    Example: genrelab compare outputs/runs --filter dataset=demo --baseline outputs/runs/20260101-120000-ab12cd
    """
    from genrelab.evaluation.comparison import compare as compare_runs
    from genrelab.evaluation.comparison import print_comparison, write_comparison

    keys = [key.strip() for key in (group_by or "").split(",") if key.strip()]
    comparison = compare_runs(folders, filter or (), keys, baseline, common_tracks)
    print_comparison(comparison)
    if out:
        print(f"wrote {write_comparison(comparison, out)}")

"""Verbs on finished runs: score, decide, compare, join."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()
command = partial(commands.command, rich_help_panel="Finished runs")


@command()
def report(run: Annotated[Path, typer.Argument(help="folder of a run")]) -> None:
    """Score a run's predictions again and write its report anew.

    Example: genrelab report outputs/runs/20260101-120000-ab12cd
    """
    from genrelab.evaluation.report import print_summary, write_report

    print(f"wrote {write_report(run)}")
    print_summary(run)


@command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="folder of a run")],
    choices: Annotated[
        list[str] | None,
        typer.Argument(help="decision=..., aggregate=..., part=...; or dataset=...", metavar="[CHOICES]..."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="of new songs: folder to write; below RUN/evaluations")] = None,
) -> None:
    """Decide a run's answers anew from its predictions, or let it answer for new songs; nothing is trained.

    Decisions: argmax, temperature, crm, hub_corrected, hedge; thresholds of runs of several genres a track. What they
    need is fitted on val.

    New songs: dataset=..., excerpts=10, excerpt_seconds=3, overlap=refuse|mark|leave_out, unknown=refuse|leave_out,
    part=test (of split=...).

    Example: genrelab evaluate outputs/runs/20260101-120000-ab12cd decision=crm decision.truncate=4 aggregate=vote

    Example: genrelab evaluate outputs/runs/20260101-120000-ab12cd dataset=csv dataset.path=new.csv excerpts=10
    """
    from genrelab.config import compose, normalize_overrides
    from genrelab.engine.validate_config import split_name_and_params
    from genrelab.evaluation.decisions import evaluate as decide_anew
    from genrelab.evaluation.decisions import print_evaluation, write_evaluation
    from genrelab.runs.run_dir import RunDir

    if any(text.startswith("dataset") for text in choices or []):
        from genrelab.engine.external_evaluation.command import evaluate_new_data

        return evaluate_new_data(run, normalize_overrides(choices or []), out)
    folder = RunDir.read(run, several=True)
    chosen = any(text.startswith("decision=") for text in choices or [])
    usual = [] if chosen else [f"decision={folder.reading.decision}"]
    config = compose(normalize_overrides([*usual, *(choices or [])]), name="evaluate")
    found = decide_anew(folder, *split_name_and_params(config["decision"]), config["aggregate"], config["part"])
    print_evaluation(folder, found)
    print(f"wrote {write_evaluation(folder, found)}")


@command()
def compare(
    folders: Annotated[list[Path], typer.Argument(help="of runs, or of folders of runs", metavar="FOLDER")],
    where: Annotated[
        list[str] | None,
        typer.Option(help="only runs that meet it: model=cnn, 'beta>=1.5', 'loss=hxe|focal'"),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="group by keys: model,loss; or run. By default whatever differs but the seed"),
    ] = None,
    against: Annotated[str | None, typer.Option(help="test each row against this run's", metavar="RUN")] = None,
    common: Annotated[bool, typer.Option("--common", help="test on the common tracks where tracks differ")] = False,
    out: Annotated[Path | None, typer.Option(help="folder for table.csv, table.md, index.html, pictures")] = None,
) -> None:
    """Put runs into one table: mean and spread over seeds, paired tests on the same tracks.

    Example: genrelab compare outputs/runs --where dataset=demo --against outputs/runs/20260101-120000-ab12cd
    """
    from genrelab.evaluation.comparison import compare as collect_runs
    from genrelab.evaluation.comparison import print_comparison, write_comparison

    keys = [key.strip() for key in (by or "").split(",") if key.strip()]
    found = collect_runs(folders, where or (), keys, against, common)
    print_comparison(found)
    if out:
        print(f"wrote {write_comparison(found, out)}")


@command()
def ensemble(
    folders: Annotated[list[Path], typer.Argument(help="of finished runs of one split", metavar="RUN")],
    method: Annotated[str, typer.Option(help="mean of probabilities, mean_log, or stack: fitted on val")] = "mean",
    out: Annotated[Path | None, typer.Option(help="folder to write; a new one below outputs/runs")] = None,
) -> None:
    """Join the answers of finished runs to a run of its own, with predictions and report.

    Example: genrelab ensemble outputs/runs/20260101-120000-ab12cd outputs/runs/20260101-130000-cd34ef --method stack
    """
    from genrelab.evaluation.ensemble import ensemble as combine_runs
    from genrelab.evaluation.report import print_summary

    folder = combine_runs(folders, method, out)
    print_summary(folder)
    print(f"report: {folder / 'report' / 'index.html'}")


@command()
def study(
    folders: Annotated[list[Path], typer.Argument(help="of a study's runs, at any depth", metavar="FOLDER")],
    out: Annotated[Path, typer.Option(help="folder of graph_study.md and images/")] = Path("docs"),
    resamples: Annotated[int, typer.Option(help="of the bootstrap")] = 2000,
    notes: Annotated[Path | None, typer.Option(help="Markdown on how the study was run, for the page's end")] = None,
) -> None:
    """Write a study of losses and decisions: scores over seeds, tests against cross-entropy with CRM, a verdict.

    Example: genrelab study outputs/sweeps/graph_study_demo outputs/sweeps/graph_study_audioset --out outputs
    """
    from genrelab.reproduction.graph_study import read_studies, score_study, write_page
    from genrelab.utils.errors import GenrelabError

    if notes and not notes.is_file():
        raise GenrelabError(f"--notes {notes}: no such file")
    told = notes.read_text(encoding="utf-8") if notes else ""
    for path in write_page([score_study(name, rows, resamples) for name, rows in read_studies(folders)], out, told):
        print(f"wrote {path}")

"""Commands of `genrelab tools`: rarely used ones around datasets, runs and experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genrelab.cli.data import Overrides, compose_config, output_dir

commands = typer.Typer(help="Plots, ensembles, studies, W&B and Optuna.")
command = commands.command


@command("plot-taxonomy")
def plot_taxonomy(
    overrides: Overrides = None,
    genre: Annotated[str | None, typer.Option(help="Genre whose nearest neighbors are shown.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write the plots and distances to (default: outputs/graph).")
    ] = None,
) -> None:
    """Plot a taxonomy and print its statistics.

    Example: genrelab tools plot-taxonomy taxonomy=musicmap --genre "Cool Jazz"
    """
    from genrelab.engine import build
    from genrelab.taxonomy.summary import show_graph

    config = compose_config(overrides)
    needs_data = config["taxonomy"]["kind"] == "flat"
    taxonomy = build.read_taxonomy(config, build.read_dataset_index(config).genres if needs_data else ())
    show_graph(taxonomy, genre, out or output_dir(config, "graph"))


@command("plot-features")
def plot_features(
    file: Annotated[Path, typer.Argument(help="Audio file.")],
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG to write, or its folder (default: outputs/FILE-features.png).")
    ] = None,
) -> None:
    r"""Plot the features of an audio file.

    Plots every feature, or those named by features=.

    Example: genrelab tools plot-features song.mp3 'features=\[pcen,chroma_cqt]'
    """
    from genrelab.audio.spec import AudioSpec
    from genrelab.features import make_spec
    from genrelab.features.plot import GALLERY, plot_gallery

    config = compose_config(overrides)
    audio = AudioSpec(**config["audio"])
    named = any(text.startswith("features") for text in overrides or [])
    features = config["features"] if named else {kind: {"kind": kind} for kind in GALLERY}
    specs = [make_spec(name, option, audio) for name, option in features.items()]
    print(f"wrote {plot_gallery(file, out or output_dir(config), specs)}")


@command("rename-folders")
def rename_folders(
    folder: Annotated[Path, typer.Argument(help="Folder that holds the genre folders.")],
    overrides: Overrides = None,
    to: Annotated[str, typer.Option(help="Target: names, or codes of the taxonomy.")] = "names",
    files: Annotated[bool, typer.Option("--files", help="Also rename files that begin with the old name.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Rename (default: a dry run).")] = False,
) -> None:
    """Rename genre folders between codes and names.

    The codes and names are those of the taxonomy. Nothing is overwritten.

    Example: genrelab tools rename-folders music --to names taxonomy=musicmap
    """
    from genrelab.datasets.folder_rename import apply_renaming, plan_renaming
    from genrelab.engine import build
    from genrelab.utils.errors import GenrelabError

    if to not in ("names", "codes"):
        raise GenrelabError(f"--to {to}: there is: names, codes")
    taxonomy = build.read_taxonomy(compose_config(overrides), ())
    plan = plan_renaming(folder, taxonomy, to, files)  # type: ignore[arg-type]
    for old, new in plan.moves:
        print(f"{old.relative_to(folder.expanduser())} -> {new.name}")
    for path, reason in plan.unknown:
        print(f"{path.name}: left as it is ({reason})")
    if apply:
        apply_renaming(plan)
    result = "renamed" if apply else "to rename; add --apply to do it"
    print(f"{len(plan.moves)} {result}, {len(plan.correct)} folders named so already")


@command()
def ensemble(
    folders: Annotated[list[Path], typer.Argument(help="Folders of finished runs of one split.", metavar="RUN")],
    method: Annotated[
        str, typer.Option(help="Method: mean of probabilities, mean_log, or stack (fitted on val).")
    ] = "mean",
    out: Annotated[Path | None, typer.Option(help="Folder to write to (default: a new one in outputs/runs).")] = None,
) -> None:
    """Combine the predictions of runs into an ensemble.

    The ensemble is a run of its own, with predictions and report.

    Example: genrelab tools ensemble outputs/runs/20260101-120000-ab12cd outputs/runs/20260101-130000-cd34ef
    """
    from genrelab.evaluation.ensemble import ensemble as combine_runs
    from genrelab.evaluation.report import print_summary

    folder = combine_runs(folders, method, out)
    print_summary(folder)
    print(f"report: {folder / 'report' / 'index.html'}")


@command("linear-probe")
def linear_probe(
    table: Annotated[Path, typer.Argument(help="Table written by genrelab embed, or the run that wrote one.")],
    labels: Annotated[Path, typer.Argument(help="CSV with path, label and perhaps artist.")],
) -> None:
    """Fit a linear probe for other labels on embeddings.

    Logistic regression on few tracks and on all of them.

    Example: genrelab tools linear-probe outputs/runs/20260101-120000-ab12cd moods.csv
    """
    from genrelab.inference.embeddings.linear_probe import probe_command

    probe_command(table, labels)


@command("loss-study")
def loss_study(
    folders: Annotated[list[Path], typer.Argument(help="Folders of the study's runs, at any depth.", metavar="FOLDER")],
    out: Annotated[Path, typer.Option(help="Folder to write graph_study.md and images/ to.")] = Path("docs"),
    resamples: Annotated[int, typer.Option(help="Number of bootstrap resamples.")] = 2000,
    notes: Annotated[
        Path | None, typer.Option(help="Markdown file on how the study was run, appended to the page.")
    ] = None,
) -> None:
    """Write the study of losses and decision rules.

    Scores over seeds, tests against cross-entropy with CRM, and a conclusion.

    Example: genrelab tools loss-study outputs/sweeps/graph_study_demo --out outputs
    """
    from genrelab.reproduction.graph_study import read_studies, score_study, write_page
    from genrelab.utils.errors import GenrelabError

    if notes and not notes.is_file():
        raise GenrelabError(f"--notes {notes}: no such file")
    text = notes.read_text(encoding="utf-8") if notes else ""
    for path in write_page([score_study(name, rows, resamples) for name, rows in read_studies(folders)], out, text):
        print(f"wrote {path}")


@command()
def reproduce(
    only: Annotated[
        str | None, typer.Option(help="Rows, systems or recipes to run: B08,D or a22_resnet18flex_dual.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of all data (default: GENRELAB_DATA).")] = None,
    short: Annotated[bool, typer.Option("--short", help="Use shortened recipes where the full ones are long.")] = False,
    seeds: Annotated[int, typer.Option(help="Number of runs of each recipe that takes at most ten minutes.")] = 3,
    outputs: Annotated[Path, typer.Option(help="Folder to write the runs to.")] = Path("outputs/reproduce"),
    docs: Annotated[Path, typer.Option(help="Folder to write the tables to.")] = Path("docs"),
    tables: Annotated[
        bool, typer.Option("--tables", help="Write the tables from earlier results and run nothing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the runs and run nothing.")] = False,
) -> None:
    """Run the recipes of published systems on your data.

    Writes docs/reproduction.md. What finished is kept; the same command goes on after Ctrl-C.

    Example: genrelab tools reproduce --data DATA --only B --short
    """
    from genrelab.reproduction.command import reproduce as run_rows

    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    run_rows(names, data, short, seeds, outputs, docs, tables, dry_run)


@command("wandb-sync")
def wandb_sync(
    folder: Annotated[Path, typer.Argument(help="Folder of runs, at any depth.")] = Path("outputs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the runs and upload nothing.")] = False,
) -> None:
    """Upload the W&B runs that were logged offline.

    Runs that were uploaded before are skipped.

    Example: genrelab tools wandb-sync outputs/sweeps/beta --dry-run
    """
    from genrelab.tracking.wandb_sync import sync

    sync(folder, dry_run)


@command("wandb-workspaces")
def wandb_workspaces(
    project: Annotated[str, typer.Option(help="W&B project, as logger.wandb.project.")] = "genrelab",
    entity: Annotated[str | None, typer.Option(help="W&B team or user (default: that of the account).")] = None,
    features: Annotated[str, typer.Option(help="Features whose example plots the single run shows.")] = "pcen,mfcc",
    save: Annotated[bool, typer.Option("--save", help="Create the workspaces (needs `wandb login`).")] = False,
) -> None:
    """Create W&B workspaces for runs and sweeps.

    Three of them: beta sweep, features, single run. Without --save their content is printed.

    Example: genrelab tools wandb-workspaces --project genrelab --save
    """
    from genrelab.tracking import wandb_workspaces as workspaces

    boards = workspaces.workspace_specs([name.strip() for name in features.split(",") if name.strip()])
    if not save:
        print("\n\n".join(workspaces.describe_workspace(board) for board in boards))
        print(f"\n--save makes these {len(boards)} workspaces in project {project}")
        return
    for address in workspaces.save_workspaces(project, entity, boards):
        print(address)


@command("optuna-ui")
def optuna_ui(
    outputs: Annotated[Path, typer.Argument(help="Folder that training and sweeps wrote.")] = Path("outputs"),
    study: Annotated[str | None, typer.Option(help="Study to show (default: all).")] = None,
    port: Annotated[int, typer.Option(help="Port of the first study; the others follow.")] = 8080,
    tensorboard_port: Annotated[int, typer.Option(help="Port of TensorBoard.")] = 6006,
) -> None:
    """Show Optuna studies in a browser, until Ctrl-C.

    Serves optuna-dashboard, and TensorBoard for the curves of runs.

    Example: genrelab tools optuna-ui --study beta
    """
    from genrelab.tuning.dashboard import serve

    serve(outputs, study, port, tensorboard_port)

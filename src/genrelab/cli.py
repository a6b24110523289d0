"""The console script `genrelab`: verbs around training. Those that need a configuration take Hydra's overrides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from genrelab.launch import exit_codes
from genrelab.launch import train as launch_train

app = typer.Typer(
    help="Music genre recognition on a graph of genres.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Overrides = Annotated[
    list[str] | None, typer.Argument(help="group=option and group.key=value, as for train.py", metavar="[OVERRIDES]...")
]


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


@app.command(context_settings=PASS_ON)
def train(context: typer.Context) -> None:
    """Train a run: the same as `python train.py`, from anywhere. `genrelab train --help` lists the groups."""
    launch_train(context.args)


@app.command()
def prepare(
    overrides: Overrides = None,
    export: Annotated[str | None, typer.Option(help="also write feature tables: csv")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of exported tables; outputs/export")] = None,
    workers: Annotated[int | None, typer.Option(help="processes; all cores by default")] = None,
) -> None:
    """Compute what the store lacks for a dataset, with train's augmented copies.

    Example: genrelab prepare dataset=folder dataset.root=music features=tabular57 --export csv
    """
    from genrelab import assemble
    from genrelab.errors import GenrelabError
    from genrelab.split import split_folds

    if export not in (None, "csv"):
        raise GenrelabError(f"--export {export}: there is: csv")
    config = _config(overrides)
    dataset = assemble.read_dataset(config)
    store, augments = assemble.make_store(config, dataset.catalog), assemble.make_augments(config)
    folds: list[int | None] = [*split_folds(config["split"])]
    for fold in folds or [None]:
        split = assemble.make_split(config, dataset.catalog, fold)
        report = assemble.prepare(store, dataset, split, augments, workers, config["data"]["engine"])
        print(report.summary())
    if export:
        from genrelab.export import export_tables

        for path in export_tables(store, dataset, out or _below(config, "export")):
            print(f"wrote {path}")


@app.command()
def check(
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="folder of check.csv and check.json; outputs/check")] = None,
) -> None:
    """Scan a dataset before anyone trains on it: counts, durations, broken, short, silent and double files.

    Example: genrelab check dataset=folder dataset.root=music
    """
    from rich.console import Console

    from genrelab import assemble
    from genrelab.audio.spec import AudioSpec
    from genrelab.check import check_dataset

    config = _config(overrides)
    catalog = assemble.read_catalog(config)
    taxonomy = assemble.read_taxonomy(config, catalog.genres)
    report = check_dataset(catalog, AudioSpec(**config["audio"]), taxonomy=taxonomy)
    report.print(Console())
    for path in report.write(out or _below(config, "check")):
        print(f"wrote {path}")


@app.command()
def graph(
    overrides: Overrides = None,
    genre: Annotated[str | None, typer.Option(help="show this genre's nearest neighbours")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of its pictures and distances; outputs/graph")] = None,
) -> None:
    """Show a taxonomy: statistics, a genre's neighbours, an interactive picture.

    Example: genrelab graph taxonomy=musicmap --genre "Cool Jazz"
    """
    from genrelab import assemble
    from genrelab.taxonomy.show import show_graph

    config = _config(overrides)
    wants_data = config["taxonomy"]["kind"] == "flat"
    taxonomy = assemble.read_dataset(config).taxonomy if wants_data else assemble.read_taxonomy(config, ())
    show_graph(taxonomy, genre, out or _below(config, "graph"))


@app.command()
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
    from genrelab.features.gallery import GALLERY, draw_gallery

    config = _config(overrides)
    audio = AudioSpec(**config["audio"])
    named = any(text.startswith("features") for text in overrides or [])
    chosen = config["features"] if named else {kind: {"kind": kind} for kind in GALLERY}
    specs = [make_spec(name, option, audio) for name, option in chosen.items()]
    print(f"wrote {draw_gallery(file, out or _below(config), specs)}")


@app.command()
def report(run: Annotated[Path, typer.Argument(help="folder of a run")]) -> None:
    """Score a run's predictions again and write its report anew.

    Example: genrelab report outputs/runs/20260101-120000-ab12cd
    """
    from genrelab.report import print_summary, write_report

    print(f"wrote {write_report(run)}")
    print_summary(run)


@app.command()
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
    from genrelab import assemble
    from genrelab.errors import GenrelabError
    from genrelab.rename import apply_renaming, plan_renaming

    if to not in ("names", "codes"):
        raise GenrelabError(f"--to {to}: there is: names, codes")
    found = plan_renaming(folder, assemble.read_taxonomy(_config(overrides), ()), to, files)  # type: ignore[arg-type]
    for old, new in found.moves:
        print(f"{old.relative_to(folder.expanduser())} -> {new.name}")
    for path, reason in found.unknown:
        print(f"{path.name}: left as it is ({reason})")
    if apply:
        apply_renaming(found)
    told = "renamed" if apply else "to rename; add --apply to do it"
    print(f"{len(found.moves)} {told}, {len(found.right)} folders named so already")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="folder of a run")],
    choices: Annotated[
        list[str] | None,
        typer.Argument(help="decision=..., aggregate=..., part=...; or dataset=...", metavar="[CHOICES]..."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="of new songs: folder to write; below RUN/evaluations")] = None,
) -> None:
    """Decide a run's answers anew from its predictions, or let it answer for new songs; nothing is trained.

    Decisions: argmax, temperature, crm, hub_corrected, hedge. What they need is fitted on val.

    New songs: dataset=..., excerpts=10, excerpt_seconds=3, overlap=refuse|mark|leave_out, unknown=refuse|leave_out,
    part=test (of split=...).

    Example: genrelab evaluate outputs/runs/20260101-120000-ab12cd decision=crm decision.truncate=4 aggregate=vote

    Example: genrelab evaluate outputs/runs/20260101-120000-ab12cd dataset=csv dataset.path=new.csv excerpts=10
    """
    from genrelab.config import compose, tidy
    from genrelab.config.check import options
    from genrelab.evaluate import evaluate as decide_anew
    from genrelab.evaluate import print_evaluation, write_evaluation
    from genrelab.report.folder import RunFolder

    if any(text.startswith("dataset") for text in choices or []):
        from genrelab.newdata.command import evaluate_new_data

        return evaluate_new_data(run, tidy(choices or []), out)
    config = compose(tidy(choices or []), name="evaluate")
    folder = RunFolder.read(run)
    found = decide_anew(folder, *options(config["decision"]), config["aggregate"], config["part"])
    print_evaluation(folder, found)
    print(f"wrote {write_evaluation(folder, found)}")


@app.command()
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
    from genrelab.compare import compare as collect_runs
    from genrelab.compare import print_comparison, write_comparison

    keys = [key.strip() for key in (by or "").split(",") if key.strip()]
    found = collect_runs(folders, where or (), keys, against, common)
    print_comparison(found)
    if out:
        print(f"wrote {write_comparison(found, out)}")


@app.command("export")
def export_model(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    form: Annotated[str, typer.Option("--format", help="onnx, torch-export, safetensors, hub")] = "onnx",
    out: Annotated[Path | None, typer.Option(help="folder to write; <run>/export/<format>")] = None,
    wanted: Annotated[str, typer.Option("--input", help="what goes in: auto, waveform, features")] = "auto",
    licence: Annotated[str, typer.Option("--license", help="of the weights: mit, cc-by-nc-4.0, ...")] = "unknown",
) -> None:
    """Write a run for other programs, with a model card, and hold the file against the run.

    onnx and torch-export take sound in and give logits and probabilities. safetensors and hub hold weights for
    genrelab.load_predictor.

    Example: genrelab export outputs/runs/20260101-120000-ab12cd --format onnx --license cc-by-nc-4.0
    """
    from genrelab.deploy import export_run
    from genrelab.deploy.write import summary

    folder, config = export_run(run, form, out, wanted, licence)
    print(summary(folder, config))


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    files: Annotated[list[Path], typer.Argument(help="audio files, and folders of them at any depth", metavar="FILE")],
    top: Annotated[int, typer.Option(help="how many genres are named")] = 3,
    hop: Annotated[float | None, typer.Option(help="seconds from window to window; end to end by default")] = None,
    coverage: Annotated[float, typer.Option(help="share of val's tracks that get a genre, not a supergenre")] = 0.8,
    json: Annotated[bool, typer.Option("--json", help="JSON lines on standard output")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="CSV on standard output")] = False,
    out: Annotated[
        Path | None, typer.Option(help="write FILE.csv or FILE.jsonl; what it has is not done again")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="files at once; as many as cores by default")] = None,
    device: Annotated[str, typer.Option(help="of the network: cpu, cuda")] = "cpu",
    plugins: Annotated[list[str] | None, typer.Option(help="a module with kinds of your own")] = None,
) -> None:
    """Name the genres of recordings: probabilities, supergenre, timeline, or unknown.

    Exit code 0: all predicted; 3: some files could not be read, they are listed; 2: nothing was predicted.

    Example: genrelab predict outputs/runs/20260101-120000-ab12cd song.mp3

    Example: genrelab predict outputs/runs/20260101-120000-ab12cd MUSIC --out answers.csv
    """
    from genrelab.predict.command import Options, predict_command

    options = Options(top, hop, coverage, json, csv, out, workers, device, tuple(plugins or ()))
    if code := predict_command(run, files, options):
        raise typer.Exit(code)


@app.command()
def explain(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    file: Annotated[Path, typer.Argument(help="an audio file")],
    genre: Annotated[str | None, typer.Option(help="what to explain, code or title; the likeliest by default")] = None,
    method: Annotated[str, typer.Option(help="occlusion, or gradcam: quicker, less telling")] = "occlusion",
    at: Annotated[float | None, typer.Option(help="second in the file; by default where it is likeliest")] = None,
    layers: Annotated[bool, typer.Option("--layers", help="also draw feature maps of the convolutions")] = False,
    out: Annotated[Path, typer.Option(help="folder to write")] = Path("outputs/explain"),
) -> None:
    """Show what in a recording spoke for a genre: a picture, and the salient part as sound.

    Example: genrelab explain outputs/runs/20260101-120000-ab12cd song.mp3 --layers
    """
    from genrelab.explain.command import explain_file

    lines, written = explain_file(run, file, out, genre, method, at, layers)
    print(lines)
    for path in written:
        print(f"wrote {path}")


@app.command()
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
    from genrelab.reproduce.command import reproduce as run_rows

    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    with exit_codes():  # here, since typer keeps what an interruption says to itself
        run_rows(names, data, short, seeds, outputs, docs, tables, dry_run)


@app.command()
def study(
    folders: Annotated[list[Path], typer.Argument(help="of a study's runs, at any depth", metavar="FOLDER")],
    out: Annotated[Path, typer.Option(help="folder of graph_study.md and images/")] = Path("docs"),
    resamples: Annotated[int, typer.Option(help="of the bootstrap")] = 2000,
    notes: Annotated[Path | None, typer.Option(help="Markdown on how the study was run, for the page's end")] = None,
) -> None:
    """Write a study of losses and decisions: scores over seeds, tests against cross-entropy with CRM, a verdict.

    Example: genrelab study outputs/sweeps/graph_study_demo outputs/sweeps/graph_study_audioset --out outputs
    """
    from genrelab.errors import GenrelabError
    from genrelab.study import read_studies, score_study, write_page

    if notes and not notes.is_file():
        raise GenrelabError(f"--notes {notes}: no such file")
    told = notes.read_text(encoding="utf-8") if notes else ""
    for path in write_page([score_study(name, rows, resamples) for name, rows in read_studies(folders)], out, told):
        print(f"wrote {path}")


@app.command("ensemble")
def join_runs(
    folders: Annotated[list[Path], typer.Argument(help="of finished runs of one split", metavar="RUN")],
    method: Annotated[str, typer.Option(help="mean of probabilities, mean_log, or stack: fitted on val")] = "mean",
    out: Annotated[Path | None, typer.Option(help="folder to write; a new one below outputs/runs")] = None,
) -> None:
    """Join the answers of finished runs to a run of its own, with predictions and report.

    Example: genrelab ensemble outputs/runs/20260101-120000-ab12cd outputs/runs/20260101-130000-cd34ef --method stack
    """
    from genrelab.ensemble import ensemble
    from genrelab.report import print_summary

    folder = ensemble(folders, method, out)
    print_summary(folder)
    print(f"report: {folder / 'report' / 'index.html'}")


@app.command("app")
def web_app(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    host: Annotated[str, typer.Option(help="address to listen at; 0.0.0.0 lets others in")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="of the page")] = 7860,
    browser: Annotated[bool, typer.Option("--browser", help="open one")] = False,
    minutes: Annotated[float, typer.Option(help="longest recording")] = 15.0,
    megabytes: Annotated[int, typer.Option(help="largest file")] = 60,
    at_once: Annotated[int, typer.Option(help="recordings worked on at the same time")] = 1,
    waiting: Annotated[int, typer.Option(help="recordings that may wait for their turn")] = 8,
) -> None:
    """Open a web page that names the genre of what one uploads or records, until Ctrl-C. It works offline.

    Example: genrelab app outputs/runs/20260101-120000-ab12cd --browser
    """
    from genrelab.app.listen import Limits
    from genrelab.app.serve import serve

    serve(run, Limits(minutes, megabytes, at_once, waiting), host, port, browser)


@app.command()
def tag(
    run: Annotated[Path | None, typer.Argument(help="folder of a run, or a checkpoint")] = None,
    library: Annotated[list[Path] | None, typer.Argument(help="folders and files", metavar="LIBRARY")] = None,
    write: Annotated[bool, typer.Option("--write", help="write; without it nothing is changed")] = False,
    threshold: Annotated[float, typer.Option(help="least probability of what is written")] = 0.5,
    what: Annotated[str, typer.Option(help="genre, supergenre, or either: the supergenre if need be")] = "genre",
    undo: Annotated[Path | None, typer.Option(help="take back what this undo file tells of", metavar="FILE")] = None,
    undo_file: Annotated[Path | None, typer.Option(help="to write; genrelab-undo-<time>.jsonl")] = None,
    workers: Annotated[int | None, typer.Option(help="files at once; as many as cores by default")] = None,
    device: Annotated[str, typer.Option(help="of the network: cpu, cuda")] = "cpu",
    plugins: Annotated[list[str] | None, typer.Option(help="a module with kinds of your own")] = None,
) -> None:
    """Write genre tags into a music library; a dry run unless --write is given. Audio is never touched.

    What the genre was stays in the tag GENRELAB_OLD_GENRE, and an undo file puts everything back.

    Example: genrelab tag outputs/runs/20260101-120000-ab12cd MUSIC --threshold 0.7

    Example: genrelab tag --undo genrelab-undo-20260101-120000.jsonl
    """
    from genrelab.tag.command import TagOptions, tag_command

    options = TagOptions(write, threshold, what, undo_file, workers, device, tuple(plugins or ()))
    if code := tag_command(run, library or [], undo, options):
        raise typer.Exit(code)


@app.command()
def embed(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    library: Annotated[list[Path], typer.Argument(help="folders and files", metavar="LIBRARY")],
    out: Annotated[Path | None, typer.Option(help="the table; <run>/embeddings.parquet")] = None,
    map: Annotated[str | None, typer.Option(help="also draw a map: pca, tsne")] = None,
    colour: Annotated[str, typer.Option(help="of the map: genre (the run's answers), folder")] = "genre",
    workers: Annotated[int | None, typer.Option(help="files at once; as many as cores by default")] = None,
    device: Annotated[str, typer.Option(help="of the network: cpu, cuda")] = "cpu",
    plugins: Annotated[list[str] | None, typer.Option(help="a module with kinds of your own")] = None,
) -> None:
    """Turn a library into vectors, one a track, as the run's network sees them; what the table has is not done again.

    Example: genrelab embed outputs/runs/20260101-120000-ab12cd MUSIC --map tsne
    """
    from genrelab.embed.command import EmbedOptions, embed_command

    options = EmbedOptions(out, map, colour, workers, device, tuple(plugins or ()))
    if code := embed_command(run, library, options):
        raise typer.Exit(code)


@app.command()
def similar(
    table: Annotated[Path, typer.Argument(help="a table of genrelab embed, or the run that made one")],
    file: Annotated[Path, typer.Argument(help="an audio file")],
    count: Annotated[int, typer.Option(help="how many")] = 10,
    run: Annotated[Path | None, typer.Option(help="where the run lies, if it has moved")] = None,
    device: Annotated[str, typer.Option(help="of the network: cpu, cuda")] = "cpu",
) -> None:
    """Find the tracks of a library that are nearest to a file.

    Example: genrelab similar outputs/runs/20260101-120000-ab12cd song.mp3
    """
    from genrelab.embed.command import similar_command

    similar_command(table, file, count, run, device)


@app.command()
def probe(
    table: Annotated[Path, typer.Argument(help="a table of genrelab embed")],
    labels: Annotated[Path, typer.Argument(help="CSV: path,label and perhaps artist")],
) -> None:
    """See how much the vectors know of other labels: logistic regression on few tracks and on all.

    Example: genrelab probe outputs/runs/20260101-120000-ab12cd/embeddings.parquet moods.csv
    """
    from genrelab.embed.probe import probe_command

    probe_command(table, labels)


@app.command("wandb-sync")
def wandb_sync(
    folder: Annotated[Path, typer.Argument(help="where to look for runs, at any depth")] = Path("outputs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list what would be uploaded")] = False,
) -> None:
    """Upload the W&B runs that were logged offline, those that were uploaded before aside.

    Example: genrelab wandb-sync outputs/sweeps/beta --dry-run
    """
    from genrelab.tracking.sync import sync

    sync(folder, dry_run)


@app.command()
def dashboard(
    project: Annotated[str, typer.Option(help="of W&B, as logger.wandb.project")] = "genrelab",
    entity: Annotated[str | None, typer.Option(help="team or user; by default the account's")] = None,
    features: Annotated[str, typer.Option(help="whose example pictures the single run shows")] = "pcen,mfcc",
    save: Annotated[bool, typer.Option("--save", help="make them; needs `wandb login`")] = False,
) -> None:
    """Lay out three W&B workspaces: beta sweep, features, single run. Without --save it says what they would show.

    Example: genrelab dashboard --project genrelab --save
    """
    from genrelab.tracking import dashboard as layout

    boards = layout.dashboards([name.strip() for name in features.split(",") if name.strip()])
    if not save:
        print("\n\n".join(layout.describe(board) for board in boards))
        print(f"\n--save makes these {len(boards)} workspaces in project {project}")
        return
    for address in layout.save(project, entity, boards):
        print(address)


@app.command()
def studies(
    outputs: Annotated[Path, typer.Argument(help="that training and sweeps wrote")] = Path("outputs"),
    study: Annotated[str | None, typer.Option(help="only this one")] = None,
    port: Annotated[int, typer.Option(help="of the first study; the others follow")] = 8080,
    curves: Annotated[int, typer.Option(help="port of TensorBoard")] = 6006,
) -> None:
    """Show studies in optuna-dashboard and curves in TensorBoard, in a browser, until Ctrl-C.

    Example: genrelab studies --study beta
    """
    from genrelab.sweep.serve import serve

    serve(outputs, study, port, curves)


def _config(overrides: list[str] | None) -> dict[str, Any]:
    from genrelab.config import compose, tidy
    from genrelab.config.check import check as check_config

    overrides = tidy(overrides or [])
    config = compose(overrides)
    check_config(config, overrides, training=False)
    return config


def _below(config: dict[str, Any], name: str = "") -> Path:
    """The folder that a verb writes into unless told otherwise."""
    return Path(config["paths"]["outputs"]).expanduser() / name


def main() -> None:
    """Entry point of the console script."""
    with exit_codes():
        app()


if __name__ == "__main__":
    main()

"""Verbs that put a run to use on recordings, and in other programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()
command = partial(commands.command, rich_help_panel="Use")
Plugins = Annotated[list[str] | None, typer.Option(help="a module with kinds of your own")]


@command()
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
    plugins: Plugins = None,
) -> None:
    """Name the genres of recordings: probabilities, supergenre, timeline, or unknown.

    Exit code 0: all predicted; 3: some files could not be read, they are listed; 2: nothing was predicted.

    Example: genrelab predict outputs/runs/20260101-120000-ab12cd song.mp3

    Example: genrelab predict outputs/runs/20260101-120000-ab12cd MUSIC --out answers.csv
    """
    from genrelab.inference.command import Options, predict_command

    options = Options(top, hop, coverage, json, csv, out, workers, device, tuple(plugins or ()))
    if code := predict_command(run, files, options):
        raise typer.Exit(code)


@command()
def tag(
    run: Annotated[Path | None, typer.Argument(help="folder of a run, or a checkpoint")] = None,
    library: Annotated[list[Path] | None, typer.Argument(help="folders and files", metavar="LIBRARY")] = None,
    write: Annotated[bool, typer.Option("--write", help="write; without it nothing is changed")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="least probability of what is written [default: 0.5; of several genres a track each one's own]"
        ),
    ] = None,
    what: Annotated[str, typer.Option(help="genre, supergenre, or either: the supergenre if need be")] = "genre",
    undo: Annotated[Path | None, typer.Option(help="take back what this undo file tells of", metavar="FILE")] = None,
    undo_file: Annotated[Path | None, typer.Option(help="to write; genrelab-undo-<time>.jsonl")] = None,
    workers: Annotated[int | None, typer.Option(help="files at once; as many as cores by default")] = None,
    device: Annotated[str, typer.Option(help="of the network: cpu, cuda")] = "cpu",
    plugins: Plugins = None,
) -> None:
    """Write genre tags into a music library; a dry run unless --write is given. Audio is never touched.

    What the genre was stays in the tag GENRELAB_OLD_GENRE, and an undo file puts everything back.

    Example: genrelab tag outputs/runs/20260101-120000-ab12cd MUSIC --threshold 0.7

    Example: genrelab tag --undo genrelab-undo-20260101-120000.jsonl
    """
    from genrelab.inference.tagging.command import TagOptions, tag_command

    options = TagOptions(write, threshold, what, undo_file, workers, device, tuple(plugins or ()))
    if code := tag_command(run, library or [], undo, options):
        raise typer.Exit(code)


@command()
def embed(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    library: Annotated[list[Path], typer.Argument(help="folders and files", metavar="LIBRARY")],
    out: Annotated[Path | None, typer.Option(help="the table; <run>/embeddings.parquet")] = None,
    map: Annotated[str | None, typer.Option(help="also draw a map: pca, tsne")] = None,
    colour: Annotated[str, typer.Option(help="of the map: genre (the run's answers), folder")] = "genre",
    workers: Annotated[int | None, typer.Option(help="files at once; as many as cores by default")] = None,
    device: Annotated[str, typer.Option(help="of the network: cpu, cuda")] = "cpu",
    plugins: Plugins = None,
) -> None:
    """Turn a library into vectors, one a track, as the run's network sees them; what the table has is not done again.

    Example: genrelab embed outputs/runs/20260101-120000-ab12cd MUSIC --map tsne
    """
    from genrelab.inference.embeddings.command import EmbedOptions, embed_command

    options = EmbedOptions(out, map, colour, workers, device, tuple(plugins or ()))
    if code := embed_command(run, library, options):
        raise typer.Exit(code)


@command()
def similar(
    table: Annotated[Path, typer.Argument(help="a table of genrelab embed, or the run that made one")],
    file: Annotated[Path, typer.Argument(help="an audio file")],
    count: Annotated[int, typer.Option(help="how many")] = 10,
    run: Annotated[Path | None, typer.Option(help="where the run lies, if it has moved")] = None,
    device: Annotated[str, typer.Option(help="of the network: cpu, cuda")] = "cpu",
    plugins: Plugins = None,
) -> None:
    """Find the tracks of a library that are nearest to a file.

    Example: genrelab similar outputs/runs/20260101-120000-ab12cd song.mp3
    """
    from genrelab.inference.command import import_plugins
    from genrelab.inference.embeddings.command import similar_command

    import_plugins(plugins or ())
    similar_command(table, file, count, run, device)


@command()
def probe(
    table: Annotated[Path, typer.Argument(help="a table of genrelab embed, or the run that made one")],
    labels: Annotated[Path, typer.Argument(help="CSV: path,label and perhaps artist")],
) -> None:
    """See how much the vectors know of other labels: logistic regression on few tracks and on all.

    Example: genrelab probe outputs/runs/20260101-120000-ab12cd moods.csv
    """
    from genrelab.inference.embeddings.linear_probe import probe_command

    probe_command(table, labels)


@command()
def explain(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    file: Annotated[Path, typer.Argument(help="an audio file")],
    genre: Annotated[str | None, typer.Option(help="what to explain, code or title; the likeliest by default")] = None,
    method: Annotated[str, typer.Option(help="occlusion, or gradcam: quicker, less telling")] = "occlusion",
    at: Annotated[float | None, typer.Option(help="second in the file; by default where it is likeliest")] = None,
    layers: Annotated[bool, typer.Option("--layers", help="also draw feature maps of the convolutions")] = False,
    out: Annotated[Path, typer.Option(help="folder to write")] = Path("outputs/explain"),
    plugins: Plugins = None,
) -> None:
    """Show what in a recording spoke for a genre: a picture, and the salient part as sound.

    Example: genrelab explain outputs/runs/20260101-120000-ab12cd song.mp3 --layers
    """
    from genrelab.inference.command import import_plugins
    from genrelab.inference.explain.command import explain_file

    import_plugins(plugins or ())
    lines, written = explain_file(run, file, out, genre, method, at, layers)
    print(lines)
    for path in written:
        print(f"wrote {path}")


@command()
def app(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    host: Annotated[str, typer.Option(help="address to listen at; 0.0.0.0 lets others in")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="of the page")] = 7860,
    browser: Annotated[bool, typer.Option("--browser", help="open one")] = False,
    minutes: Annotated[float, typer.Option(help="longest recording")] = 15.0,
    megabytes: Annotated[int, typer.Option(help="largest file")] = 60,
    at_once: Annotated[int, typer.Option(help="recordings worked on at the same time")] = 1,
    waiting: Annotated[int, typer.Option(help="recordings that may wait for their turn")] = 8,
    plugins: Plugins = None,
) -> None:
    """Open a web page that names the genre of what one uploads or records, until Ctrl-C. It works offline.

    Example: genrelab app outputs/runs/20260101-120000-ab12cd --browser
    """
    from genrelab.inference.app.gradio_app import serve
    from genrelab.inference.app.service import Limits
    from genrelab.inference.command import import_plugins

    import_plugins(plugins or ())
    serve(run, Limits(minutes, megabytes, at_once, waiting), host, port, browser)


@command()
def export(
    run: Annotated[Path, typer.Argument(help="folder of a run, or a checkpoint")],
    form: Annotated[str, typer.Option("--format", help="onnx, torch-export, safetensors, hub")] = "onnx",
    out: Annotated[Path | None, typer.Option(help="folder to write; <run>/export/<format>")] = None,
    wanted: Annotated[str, typer.Option("--input", help="what goes in: auto, waveform, features")] = "auto",
    licence: Annotated[str, typer.Option("--license", help="of the weights: mit, cc-by-nc-4.0, ...")] = "unknown",
    plugins: Plugins = None,
) -> None:
    """Write a run for other programs, with a model card, and hold the file against the run.

    onnx and torch-export take sound in and give logits and probabilities. safetensors and hub hold weights for
    genrelab.load_predictor.

    Example: genrelab export outputs/runs/20260101-120000-ab12cd --format onnx --license cc-by-nc-4.0
    """
    from genrelab.inference.command import import_plugins
    from genrelab.inference.export import export_run
    from genrelab.inference.export.exporter import summary

    import_plugins(plugins or ())
    folder, config = export_run(run, form, out, wanted, licence)
    print(summary(folder, config))

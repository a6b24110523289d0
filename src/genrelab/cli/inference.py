"""Commands that use a run on recordings, and export it for other programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()
command = partial(commands.command, rich_help_panel="Use a model")
Run = Annotated[Path, typer.Argument(help="Folder of a run, or a checkpoint.")]
Library = typer.Argument(help="Folders and files.", metavar="LIBRARY")
Workers = Annotated[int | None, typer.Option(help="Number of files processed in parallel (default: all cores).")]
Device = Annotated[str, typer.Option(help="Device of the network: cpu or cuda.")]
Plugins = Annotated[
    list[str] | None, typer.Option(help="Module that registers models, features or datasets.", metavar="MODULE")
]


@command()
def predict(
    run: Run,
    files: Annotated[list[Path], typer.Argument(help="Audio files, and folders of them at any depth.", metavar="FILE")],
    top: Annotated[int, typer.Option(help="Number of genres to show.")] = 3,
    hop: Annotated[
        float | None, typer.Option(help="Seconds between the starts of windows (default: the length of a window).")
    ] = None,
    coverage: Annotated[float, typer.Option(help="Share of val's tracks that get a genre, not a supergenre.")] = 0.8,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="File to write, .csv or .jsonl; recordings already in it are skipped.")
    ] = None,
    workers: Workers = None,
    device: Device = "cpu",
    plugins: Plugins = None,
) -> None:
    """Predict the genres of recordings.

    Shows probabilities, supergenre and timeline, or "unknown". Exit code 0: all predicted; 3: some files could not be
    read, they are listed; 2: nothing was predicted.

    Example: genrelab predict outputs/runs/20260101-120000-ab12cd song.mp3

    Example: genrelab predict outputs/runs/20260101-120000-ab12cd MUSIC --out answers.csv
    """
    from genrelab.inference.command import PredictOptions, predict_command

    options = PredictOptions(top, hop, coverage, json, csv, out, workers, device, tuple(plugins or ()))
    if code := predict_command(run, files, options):
        raise typer.Exit(code)


@command()
def tag(
    run: Annotated[Path | None, typer.Argument(help="Folder of a run, or a checkpoint.")] = None,
    library: Annotated[list[Path] | None, Library] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the tags (default: a dry run).")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Smallest probability of a genre to write (default: 0.5; multi-label: the run's thresholds)."
        ),
    ] = None,
    level: Annotated[
        str, typer.Option(help="Level to write: genre, supergenre, or either (the supergenre of unsure genres).")
    ] = "genre",
    undo: Annotated[Path | None, typer.Option(help="Undo file whose changes are taken back.", metavar="FILE")] = None,
    undo_file: Annotated[
        Path | None, typer.Option(help="Undo file to write (default: genrelab-undo-<time>.jsonl).")
    ] = None,
    workers: Workers = None,
    device: Device = "cpu",
    plugins: Plugins = None,
) -> None:
    """Write genre tags into a music library.

    A dry run unless --write is given. Audio is never changed. What the genre was stays in the tag GENRELAB_OLD_GENRE,
    and an undo file puts everything back.

    Example: genrelab tag outputs/runs/20260101-120000-ab12cd MUSIC --threshold 0.7

    Example: genrelab tag --undo genrelab-undo-20260101-120000.jsonl
    """
    from genrelab.inference.tagging.command import TagOptions, tag_command

    options = TagOptions(write, threshold, level, undo_file, workers, device, tuple(plugins or ()))
    if code := tag_command(run, library or [], undo, options):
        raise typer.Exit(code)


@command()
def embed(
    run: Run,
    library: Annotated[list[Path], Library],
    out: Annotated[Path | None, typer.Option(help="Table to write (default: RUN/embeddings.parquet).")] = None,
    map: Annotated[str | None, typer.Option(help="Also plot a map: pca or tsne.")] = None,
    color_by: Annotated[str, typer.Option(help="Colors of the map: genre (predicted) or folder.")] = "genre",
    workers: Workers = None,
    device: Device = "cpu",
    plugins: Plugins = None,
) -> None:
    """Compute an embedding of every track of a library.

    Tracks that the table has are skipped.

    Example: genrelab embed outputs/runs/20260101-120000-ab12cd MUSIC --map tsne
    """
    from genrelab.inference.embeddings.command import EmbedOptions, embed_command

    options = EmbedOptions(out, map, color_by, workers, device, tuple(plugins or ()))
    if code := embed_command(run, library, options):
        raise typer.Exit(code)


@command()
def similar(
    table: Annotated[Path, typer.Argument(help="Table written by genrelab embed, or the run that wrote one.")],
    file: Annotated[Path, typer.Argument(help="Audio file.")],
    count: Annotated[int, typer.Option(help="Number of tracks to show.")] = 10,
    run: Annotated[Path | None, typer.Option(help="Folder of the run, if it has moved.")] = None,
    device: Device = "cpu",
    plugins: Plugins = None,
) -> None:
    """Find the tracks of a library most similar to a file.

    Example: genrelab similar outputs/runs/20260101-120000-ab12cd song.mp3
    """
    from genrelab.inference.command import import_plugins
    from genrelab.inference.embeddings.command import similar_command

    import_plugins(plugins or ())
    similar_command(table, file, count, run, device)


@command()
def explain(
    run: Run,
    file: Annotated[Path, typer.Argument(help="Audio file.")],
    genre: Annotated[
        str | None, typer.Option(help="Genre to explain, code or title (default: the most probable).")
    ] = None,
    method: Annotated[str, typer.Option(help="Method: occlusion, or gradcam (faster, coarser).")] = "occlusion",
    offset: Annotated[
        float | None, typer.Option(help="Start in seconds (default: where the genre is most probable).")
    ] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Also plot the feature maps of the convolutions.")] = False,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("outputs/explain"),
    plugins: Plugins = None,
) -> None:
    """Show which parts of a recording led to its genre.

    Writes a plot, and the salient part as audio.

    Example: genrelab explain outputs/runs/20260101-120000-ab12cd song.mp3 --layers
    """
    from genrelab.inference.command import import_plugins
    from genrelab.inference.explain.command import explain_file

    import_plugins(plugins or ())
    lines, written = explain_file(run, file, out, genre, method, offset, layers)
    print(lines)
    for path in written:
        print(f"wrote {path}")


@command()
def app(
    run: Run,
    host: Annotated[str, typer.Option(help="Address to bind; 0.0.0.0 accepts other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.")] = 7860,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in a browser.")] = False,
    max_minutes: Annotated[float, typer.Option(help="Length limit of a recording, in minutes.")] = 15.0,
    max_megabytes: Annotated[int, typer.Option(help="Size limit of a file, in megabytes.")] = 60,
    max_concurrent: Annotated[int, typer.Option(help="Number of recordings processed in parallel.")] = 1,
    max_queued: Annotated[int, typer.Option(help="Number of recordings that may wait.")] = 8,
    plugins: Plugins = None,
) -> None:
    """Serve a web page that predicts genres, until Ctrl-C.

    For uploads and recordings of the microphone; works offline.

    Example: genrelab app outputs/runs/20260101-120000-ab12cd --browser
    """
    from genrelab.inference.app.gradio_app import serve
    from genrelab.inference.app.service import Limits
    from genrelab.inference.command import import_plugins

    import_plugins(plugins or ())
    serve(run, Limits(max_minutes, max_megabytes, max_concurrent, max_queued), host, port, browser)


@command()
def export(
    run: Run,
    format: Annotated[str, typer.Option(help="Format: onnx, torch-export, safetensors or hub.")] = "onnx",
    out: Annotated[Path | None, typer.Option(help="Folder to write to (default: RUN/export/FORMAT).")] = None,
    input_type: Annotated[str, typer.Option(help="Input of the exported model: auto, waveform or features.")] = "auto",
    license: Annotated[str, typer.Option(help="License of the weights, such as mit or cc-by-nc-4.0.")] = "unknown",
    plugins: Plugins = None,
) -> None:
    """Export a run for other programs, with a model card.

    The exported file is compared with the run. onnx and torch-export take sound in and give logits and probabilities.
    safetensors and hub hold weights for genrelab.load_predictor.

    Example: genrelab export outputs/runs/20260101-120000-ab12cd --format onnx --license cc-by-nc-4.0
    """
    from genrelab.inference.command import import_plugins
    from genrelab.inference.export import export_run
    from genrelab.inference.export.exporter import summary

    import_plugins(plugins or ())
    folder, config = export_run(run, format, out, input_type, license)
    print(summary(folder, config))

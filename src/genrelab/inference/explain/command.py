"""`genrelab explain`: files beside each other in a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genrelab.audio.io import probe
from genrelab.inference import load_predictor
from genrelab.inference.console import format_duration, format_percent
from genrelab.inference.explain.explanation import Explanation, explain
from genrelab.inference.explain.plots import plot_explanation, plot_layers, save_figure
from genrelab.inference.explain.saliency import Progress
from genrelab.inference.explain.sonification import sonify_saliency
from genrelab.utils.io import atomic_path


def explain_file(
    run: Path,
    file: Path,
    out: Path,
    genre: str | None = None,
    method: str = "occlusion",
    at: float | None = None,
    layers: bool = False,
) -> tuple[str, list[Path]]:
    """Explain a run's answer to a file.

    Args:
        run: folder of a run, or a checkpoint.
        file: the recording.
        out: folder of `<name>-explained.png`, `<name>-salient.wav` and, with `layers`, `<name>-layers.png`.
        genre: see `explain`.
        method: likewise.
        at: likewise.
        layers: also draw feature maps.

    Returns:
        what to say, and the files written.

    Raises:
        GenrelabError: the file or the run cannot be used; see `explain`.
    """
    import soundfile

    probe(file)  # what is no audio is told before a network is loaded
    predictor = load_predictor(run)
    with _bar() as progress:
        found = explain(predictor, predictor.decode(file), genre, method, at, progress=progress)
    written = [save_figure(plot_explanation(found, predictor.in_specs, file.name), out / f"{file.stem}-explained.png")]
    sound = sonify_saliency(found.window.samples, predictor.in_specs, found.saliency_maps)
    written.append(out / f"{file.stem}-salient.wav")
    with atomic_path(written[-1]) as part:
        soundfile.write(part, sound, predictor.audio.sample_rate)
    if layers:
        features = predictor.features(found.window.samples)
        written.append(save_figure(plot_layers(predictor.model, features, file.name), out / f"{file.stem}-layers.png"))
    notes = "".join(f"note: {note}\n" for note in predictor.caveat_messages)
    return notes + _told(found, predictor.audio.sample_rate), written


@contextmanager
def _bar() -> Iterator[Progress]:
    """On a terminal a bar of the share that is done."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("listening"), BarColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda done: bar.update(task, completed=done)


def _told(found: Explanation, sample_rate: int) -> str:
    """The answer and the window it is shown on, for the terminal."""
    answer, start = found.prediction, found.window.start / sample_rate
    end = start + len(found.window.samples) / sample_rate
    likeliest = ", ".join(f"{guess.title} {format_percent(guess.probability).strip()}" for guess in answer.top)
    sure = format_percent(found.probability).strip()
    return (
        f"{answer.label}; likeliest: {likeliest}\n"
        f"shown: {format_duration(start)} to {format_duration(end)}, where {found.title} has {sure} ({found.method})"
    )

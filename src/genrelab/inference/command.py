"""`genrelab predict`: files in, answers on the terminal or in a file, and how many could not be read."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genrelab.utils.errors import RESUME_HINT, ConfigError, GenrelabError, report_progress_on_interrupt
from genrelab.utils.processes import default_workers

if TYPE_CHECKING:
    from genrelab.inference.prediction import Prediction
    from genrelab.inference.predictor import Predictor
    from genrelab.inference.writers import OutputFile

SOME_REJECTED = 3  # exit code: answers, but not for every file


@dataclass(frozen=True)
class PredictOptions:
    """What `genrelab predict` was asked for; see its help."""

    top: int = 3
    hop: float | None = None
    coverage: float = 0.8
    json: bool = False
    csv: bool = False
    out: Path | None = None
    workers: int | None = None
    device: str = "cpu"
    plugins: tuple[str, ...] = ()


def import_plugins(modules: Sequence[str]) -> None:
    """Import a user's own modules, which register kinds, from the working folder too. Raises ConfigError."""
    for module in modules:
        try:
            sys.path.insert(0, str(Path.cwd()))
            importlib.import_module(module)
        except ImportError as error:
            raise ConfigError([f"--plugins {module}: cannot be imported ({error})"]) from error
        finally:
            sys.path.pop(0)


def load_run(run: Path, device: str, coverage: float, plugins: Sequence[str]) -> Predictor:
    """Load a run for a verb of the console script, a user's own modules first, and say what must be said of it."""
    import_plugins(plugins)
    from genrelab.inference import load_predictor

    predictor = load_predictor(run, device, coverage)
    for note in predictor.caveat_messages:
        print_err(f"note: {note}")
    return predictor


def predict_command(run: Path, paths: Sequence[Path], options: PredictOptions) -> int:
    """Predict files and show or write the answers; returns the exit code.

    Raises:
        GenrelabError: the run, the files or the options cannot be used; nothing was predicted.
    """
    from genrelab.inference.batch import find_audio_files, map_files
    from genrelab.inference.windowing import check_hop
    from genrelab.utils.rejected_files import format_rejected

    _check(options)
    files, rejected, left_out = find_audio_files(paths)
    if left_out:
        print_err(left_out)
    if not files:
        raise GenrelabError(f"{rejected[0][0]}: {rejected[0][1]}" if rejected else "name a file or a folder")
    if not any(path.exists() for path in files):  # known before a network is loaded
        raise GenrelabError(f"{files[0]}: no such file")
    predictor = load_run(run, options.device, options.coverage, options.plugins)
    check_hop(options.hop, predictor.audio)
    out = _output(predictor, options)
    left = [path for path in files if out is None or _key(path) not in out.done]
    workers = min(options.workers or default_workers(), len(left))
    show = _shower(predictor, options, out, alone=len(files) == 1)
    if not predictor.calibration.fitted:
        print_err("note: the checkpoint lies apart from its run, so probabilities are not calibrated")
    if predictor.calibration.content_thresholds is None:
        print_err("note: an older run: silence, noise and speech are told by constants, not by what its val part holds")
    if len(left) < len(files):
        print_err(f"{len(files) - len(left)} of {len(files)} files are in {options.out} already")
    done, how = _after_ctrl_c(out)
    with report_progress_on_interrupt(done, how), limit_torch_threads(workers), progress_bar(len(left)) as advance:
        begin, heard, answered, unknown = time.monotonic(), 0.0, 0, 0
        for path, reason in rejected:  # what a folder has that cannot even be tried
            show(Path(path), None, reason)
        work = _work(predictor, options)
        for outcome in map_files(work, left, workers):
            show(outcome.path, outcome.value, outcome.reason)
            if outcome.value is None:
                rejected.append((str(outcome.path), outcome.reason))
            else:
                answered += 1
                unknown += outcome.value.rejection_reason is not None
                heard += outcome.value.seconds
            advance(heard)
        seconds = time.monotonic() - begin
    if out is not None:
        out.close()
    print_err(_summary(answered, unknown, heard, seconds, options.out))
    for line in format_rejected(rejected):
        print_err(line)
    n_done = answered + len(files) - len(left)
    return 0 if not rejected else SOME_REJECTED if n_done else 2


def _check(options: PredictOptions) -> None:
    if options.json and options.csv:
        raise ConfigError(["--json and --csv: choose one; --out FILE writes the other"])
    if options.top < 1:
        raise ConfigError([f"--top {options.top}: 1 or more"])
    if options.workers is not None and options.workers < 1:
        raise ConfigError([f"--workers {options.workers}: 1 or more"])


def _key(path: Path) -> str:
    from genrelab.inference.writers import file_key

    return file_key(path)


def _output(predictor: Predictor, options: PredictOptions) -> OutputFile | None:
    from genrelab.inference.writers import OutputFile, get_format

    if options.out is None:
        return None
    return OutputFile(options.out, get_format(options.out, predictor, options.top))


def _work(predictor: Predictor, options: PredictOptions) -> Callable[[Path], Prediction]:
    return lambda path: predictor.predict(path, hop=options.hop, top=options.top)


def _shower(
    predictor: Predictor, options: PredictOptions, out: OutputFile | None, alone: bool
) -> Callable[[Path, Prediction | None, str], None]:
    """What is done with each answer."""
    from genrelab.inference.console import TableWriter, format_card
    from genrelab.inference.writers import get_format

    if options.json or options.csv:
        name = Path("answers.jsonl" if options.json else "answers.csv")
        form = get_format(name, predictor, options.top)
        _print(form.header)
    lines = TableWriter(predictor.titles, predictor.output_type.multilabel)
    told = False

    def show(path: Path, prediction: Prediction | None, reason: str) -> None:
        nonlocal told
        if out is not None:
            out.add(str(path), prediction, reason)
        if options.json or options.csv:
            _print(form.format_row(str(path), prediction, reason))
        elif out is None and prediction is not None and alone:
            _print("\n".join(format_card(prediction, predictor.titles)) + "\n")
        elif out is None and prediction is not None:
            _print(("" if told else lines.header() + "\n") + lines.row(prediction) + "\n")
            told = True

    return show


def _after_ctrl_c(out: OutputFile | None) -> tuple[Callable[[], str], str]:
    """What to say then: what is kept, and how to go on."""
    if out is None:
        return lambda: "what was shown is in no file", "with --out FILE the same command would go on"
    return lambda: f"{out.path} has {len(out.done)} answers", RESUME_HINT


def _summary(answered: int, unknown: int, heard: float, seconds: float, out: Path | None) -> str:
    """The last line: how many, how fast."""
    files = f"{answered} file{'s' * (answered != 1)}"
    behind = f", {unknown} of them unknown" if unknown else ""
    speed = f", {heard / seconds:.0f} x real time" if answered and seconds > 0 else ""
    told = f" in {out}" if out else ""
    return f"{files} predicted{told}{behind}; {heard / 60:.1f} min of audio in {seconds:.1f} s{speed}"


@contextmanager
def limit_torch_threads(workers: int) -> Iterator[None]:
    """Where files are worked on side by side, the network gets one thread for each."""
    import torch

    before = torch.get_num_threads()
    if workers > 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[float], None]]:
    """A progress bar on a terminal, for two files or more; call with the seconds heard so far."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda heard: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("files  {task.fields[speed]}"), TimeRemainingColumn())
    both = sys.stdout.isatty()  # lines then go above the bar; to a pipe they go as they are
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=both) as progress:
        task = progress.add_task("", total=total, speed="")
        begin = time.monotonic()

        def advance(heard: float) -> None:
            passed = max(time.monotonic() - begin, 1e-6)
            progress.update(task, advance=1, speed=f"{heard / passed:.0f} x real time")

        yield advance


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def print_err(text: str) -> None:
    """Tell the user, beside what goes to standard output."""
    print(text, file=sys.stderr, flush=True)

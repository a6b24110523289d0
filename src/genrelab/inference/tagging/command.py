"""`genrelab tag`: what a library's genre tags would become, and with --write what they are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genrelab.audio import AudioError
from genrelab.inference.batch import find_audio_files, map_files
from genrelab.inference.command import SOME_REJECTED, limit_torch_threads, load_run, print_err, progress_bar
from genrelab.inference.console import truncate_middle
from genrelab.inference.tagging.audio_tags import SUFFIXES, GenreTag, mutagen, read_genre, write_genre
from genrelab.inference.tagging.undo_log import UndoLog, undo
from genrelab.utils.errors import RESUME_HINT, ConfigError, GenrelabError, report_progress_on_interrupt, suggest
from genrelab.utils.io import printable
from genrelab.utils.processes import default_workers
from genrelab.utils.rejected_files import format_rejected

if TYPE_CHECKING:
    from genrelab.inference.prediction import ClassScore, Prediction

HALF = 0.5
ALREADY_TAGGED = "has it already"  # a reason of `Proposal`
LEVELS = ("genre", "supergenre", "either")


@dataclass(frozen=True)
class TagOptions:
    """What `genrelab tag` was asked for; see its help."""

    write: bool = False
    threshold: float | None = None
    level: str = "genre"
    undo_file: Path | None = None
    workers: int | None = None
    device: str = "cpu"
    plugins: tuple[str, ...] = ()


class Proposal(NamedTuple):
    """A file's genre as it is, and what to write; nothing with the reason why it stays."""

    before: GenreTag
    guesses: tuple[ClassScore, ...]
    reason: str


def propose_genres(prediction: Prediction, before: GenreTag, threshold: float | None, level: str) -> Proposal:
    """What to write into a file: one genre, or where a track has several all that are sure enough.

    Args:
        prediction: of the file.
        before: what its tags say.
        threshold: least probability; None: a half, and where a track has several genres what each needs by itself.
        level: the likeliest genre, its likeliest supergenre, or the genre and where that is not sure the supergenre.
    """
    if prediction.rejection_reason:
        return Proposal(before, (), f"unknown ({prediction.rejection_reason})")
    sure, best = _sure(prediction, threshold, level)
    if not sure:
        return Proposal(before, (), f"not sure ({best.title} {100 * best.probability:.0f} %)")
    if set(before.values) == {guess.title for guess in sure} and len(before.values) == len(sure):
        return Proposal(before, (), ALREADY_TAGGED)
    return Proposal(before, sure, "")


def _sure(prediction: Prediction, threshold: float | None, level: str) -> tuple[tuple[ClassScore, ...], ClassScore]:
    """What is sure enough, and what comes nearest to it."""
    best = prediction.top[0]
    if prediction.thresholds is not None:
        enough = prediction.genres
        if threshold is not None:
            enough = tuple(guess for guess in prediction.top if guess.probability >= threshold)
        return enough, best
    least = HALF if threshold is None else threshold
    guesses = {"genre": (best,), "supergenre": (prediction.supergenre,), "either": (best, prediction.supergenre)}
    asked = [guess for guess in guesses[level] if guess is not None]
    return tuple(guess for guess in asked if guess.probability >= least)[:1], asked[-1]


def tag_command(run: Path | None, library: Sequence[Path], undo_from: Path | None, options: TagOptions) -> int:
    """Tag a library, or take back what was written; returns the exit code.

    Raises:
        GenrelabError: the run, the library or the options cannot be used; nothing was written.
    """
    mutagen()
    if undo_from is not None:
        return _undo(undo_from)
    if run is None or not library:
        raise ConfigError(["name a run and a library: genrelab tag RUN LIBRARY; or --undo FILE"])
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise ConfigError([f"--threshold {options.threshold:g}: a probability, from 0 to 1"])
    if options.level not in LEVELS:
        raise ConfigError([f"--level {options.level}: no such choice{suggest(options.level, LEVELS)}"])
    found, rejected, left_out = find_audio_files(library)
    if left_out:
        print_err(left_out)
    files = [path for path in found if path.suffix.lower() in SUFFIXES]
    if not files:
        kinds = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
        raise GenrelabError(f"{library[0]}: no file in it whose tags can be written ({kinds})")
    if len(files) < len(found):
        others = sorted({path.suffix.lower() or "no suffix" for path in found} - set(SUFFIXES))
        print_err(f"{len(found) - len(files)} of other formats left alone: {', '.join(others)}")
    return _tag(run, files, rejected, options)


def _tag(run: Path, files: list[Path], rejected: list[tuple[str, str]], options: TagOptions) -> int:
    undo_file = UndoLog(options.undo_file or _free_name())
    predictor = load_run(run, options.device, 0.8, options.plugins)
    if predictor.output_type.multilabel and options.level != LEVELS[0]:
        raise ConfigError(
            [f"--level {options.level}: this run names several genres a track, and no supergenre of them"]
        )
    top = len(predictor.genres) if predictor.output_type.multilabel else 1
    if options.write and options.undo_file is not None:
        undo_file.begin()  # what was named is there, even if nothing is sure enough to be written

    def propose(path: Path) -> Proposal:
        prediction = predictor.predict(path, top=top)  # first: it knows best why a file is no music
        return propose_genres(prediction, read_genre(path), options.threshold, options.level)

    kept: Counter[str] = Counter()
    heard, written, workers = 0.0, 0, min(options.workers or default_workers(), len(files))
    width = max(20, min(60, max(len(str(path)) for path in files)))

    def done() -> str:
        back = f"; to take it back: genrelab tag --undo {undo_file.path}" if written else ""
        return f"{written} of {len(files)} files are tagged{back}" if options.write else "nothing was written"

    how = RESUME_HINT + " with another --undo-file" * bool(options.write and options.undo_file)
    try:
        with report_progress_on_interrupt(done, how), limit_torch_threads(workers), progress_bar(len(files)) as advance:
            for outcome in map_files(propose, files, workers):
                advance(heard)
                if outcome.value is None:
                    rejected.append((str(outcome.path), outcome.reason))
                    continue
                try:
                    written += _handle(outcome.path, outcome.value, undo_file, options.write, width)
                except AudioError as error:
                    rejected.append((error.path, error.reason))
                if not outcome.value.guesses:
                    kept[outcome.value.reason.partition(" (")[0]] += 1
    finally:
        undo_file.close()
    told = "".join(f", {count} {reason}" for reason, count in kept.items())
    told += f", {len(rejected)} not tagged" if rejected else ""
    print_err(f"{written} of {len(files)} files {'tagged' if options.write else 'would be tagged'}{told}")
    if not options.write:
        print_err("dry run: nothing was written; add --write")
    elif written:
        print_err(f"to take it back: genrelab tag --undo {undo_file.path}")
    return _listed("not tagged", rejected, written + sum(kept.values()))


def _handle(path: Path, proposal: Proposal, undo_file: UndoLog, write: bool, width: int) -> int:
    """Show a proposal and write it where asked for; returns 1 where there was one."""
    was = printable("; ".join(proposal.before.values)) or "no genre"
    name = f"{truncate_middle(printable(str(path)), width):<{width}}"
    if not proposal.guesses:
        print(f"{name}  {was}  stays: {proposal.reason}", flush=True)
        return 0
    if write:
        before = proposal.before
        first = before.values if before.old is None else before.old  # what stood there before genrelab's first answer
        after = GenreTag(tuple(guess.title for guess in proposal.guesses), first)
        write_genre(path, after, lambda: undo_file.add(path, before, after))
    told = "; ".join(f"{guess.title} ({100 * guess.probability:.0f} %)" for guess in proposal.guesses)
    print(f"{name}  {was} -> {told}", flush=True)
    return 1


def _free_name() -> Path:
    """An undo file in the working folder that is not there yet."""
    stamp = f"genrelab-undo-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (f"{stamp}{suffix}.jsonl" for suffix in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(Path(name) for name in names if not Path(name).exists())


def _undo(path: Path) -> int:
    back, left = undo(path)
    print(f"{back} file{'s have their' if back != 1 else ' has its'} genre back", flush=True)
    return _listed("left alone", left, back)


def _listed(what: str, rejected: Sequence[tuple[str, str]], done: int) -> int:
    """List what went wrong on standard error; the exit code."""
    for line in format_rejected(rejected, what):
        print_err(line)
    if not rejected:
        return 0
    return SOME_REJECTED if done else 2

"""`genrelab tag`: what a library's genre tags would become, and with --write what they are."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genrelab.audio import AudioError
from genrelab.errors import ConfigError, GenrelabError, suggest
from genrelab.predict.command import SOME_UNREAD, bar, cores, one_thread_each, open_run, say
from genrelab.predict.files import find_files, for_each
from genrelab.predict.show import printable, shortened
from genrelab.tag.tags import SUFFIXES, Genre, mutagen, read_genre, write_genre
from genrelab.tag.undo import UndoFile, undo

if TYPE_CHECKING:
    from genrelab.predict.prediction import Prediction

WHATS = ("genre", "supergenre", "either")


@dataclass(frozen=True)
class TagOptions:
    """What `genrelab tag` was asked for; see its help."""

    write: bool = False
    threshold: float = 0.5
    what: str = "genre"
    undo_file: Path | None = None
    workers: int | None = None
    device: str = "cpu"
    plugins: tuple[str, ...] = ()


class Proposal(NamedTuple):
    """A file's genre as it is, and the one to write; None with the reason why it stays."""

    before: Genre
    genre: str | None
    probability: float
    reason: str


def choose(prediction: Prediction, before: Genre, threshold: float, what: str) -> Proposal:
    """The genre to write into a file.

    Args:
        prediction: of the file.
        before: what its tags say.
        threshold: least probability.
        what: the likeliest genre, its likeliest supergenre, or the genre and where that is not sure the supergenre.
    """
    if prediction.unknown:
        return Proposal(before, None, 0.0, f"unknown ({prediction.unknown})")
    guesses = {"genre": prediction.top[:1], "supergenre": (prediction.supergenre,)}
    guesses["either"] = (*guesses["genre"], *guesses["supergenre"])
    for guess in guesses[what]:
        if guess.probability >= threshold:
            if before.values == (guess.title,):
                return Proposal(before, None, guess.probability, "has it already")
            return Proposal(before, guess.title, guess.probability, "")
    best = guesses[what][-1]
    return Proposal(before, None, best.probability, f"not sure ({best.title} {100 * best.probability:.0f} %)")


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
    if not 0 <= options.threshold <= 1:
        raise ConfigError([f"--threshold {options.threshold:g}: a probability, from 0 to 1"])
    if options.what not in WHATS:
        raise ConfigError([f"--what {options.what}: no such choice{suggest(options.what, WHATS)}"])
    found, rejected = find_files(library)
    files = [path for path in found if path.suffix.lower() in SUFFIXES]
    if not files:
        kinds = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
        raise GenrelabError(f"{library[0]}: no file in it whose tags can be written ({kinds})")
    if len(files) < len(found):
        say(f"{len(found) - len(files)} files of other formats left alone")
    return _tag(run, files, rejected, options)


def _tag(run: Path, files: list[Path], rejected: list[tuple[str, str]], options: TagOptions) -> int:
    undo_file = UndoFile(options.undo_file or _free_name())
    predictor = open_run(run, options.device, 0.8, options.plugins)
    if options.write and options.undo_file is not None:
        undo_file.begin()  # what was named is there, even if nothing is sure enough to be written
    for note in predictor.notes:
        say(f"note: {note}")

    def propose(path: Path) -> Proposal:
        before = read_genre(path)
        return choose(predictor.predict(path), before, options.threshold, options.what)

    kept: Counter[str] = Counter()
    heard, written, workers = 0.0, 0, min(options.workers or cores(), len(files))
    width = max(20, min(60, max(len(str(path)) for path in files)))
    try:
        with one_thread_each(workers), bar(len(files)) as advance:
            for outcome in for_each(propose, files, workers):
                advance(heard)
                if outcome.value is None:
                    rejected.append((str(outcome.path), outcome.reason))
                    continue
                try:
                    written += _handle(outcome.path, outcome.value, undo_file, options.write, width)
                except AudioError as error:
                    rejected.append((error.path, error.reason))
                if outcome.value.genre is None:
                    kept[outcome.value.reason.partition(" (")[0]] += 1
    finally:
        undo_file.close()
    told = "".join(f", {count} {reason}" for reason, count in kept.items())
    say(f"{written} of {len(files)} files {'tagged' if options.write else 'would be tagged'}{told}")
    if not options.write:
        say("dry run: nothing was written; add --write")
    elif written:
        say(f"to take it back: genrelab tag --undo {undo_file.path}")
    return _listed("not tagged", rejected, written + sum(kept.values()))


def _handle(path: Path, proposal: Proposal, undo_file: UndoFile, write: bool, width: int) -> int:
    """Show a proposal and write it where asked for; returns 1 where there was one."""
    was = printable("; ".join(proposal.before.values)) or "-"
    name = f"{shortened(printable(str(path)), width):<{width}}"
    if proposal.genre is None:
        print(f"{name}  {was}  stays: {proposal.reason}", flush=True)
        return 0
    if write:
        before = proposal.before
        first = before.values if before.old is None else before.old  # what stood there before genrelab's first answer
        after = Genre((proposal.genre,), first)
        write_genre(path, after, lambda: undo_file.add(path, before, after))
    print(f"{name}  {was} -> {proposal.genre} ({100 * proposal.probability:.0f} %)", flush=True)
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
    if not rejected:
        return 0
    say(f"{len(rejected)} {what}:")
    for path, reason in rejected:
        say(f"  {printable(path)}: {printable(reason)}")
    sys.stderr.flush()
    return SOME_UNREAD if done else 2

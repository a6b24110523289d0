"""`genrelab embed` and `genrelab similar`: a library to a table of vectors, and what lies near a track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genrelab.audio.io import probe
from genrelab.inference.batch import find_audio_files, map_files
from genrelab.inference.command import SOME_REJECTED, limit_torch_threads, load_run, print_err, progress_bar
from genrelab.inference.console import format_duration, truncate_middle
from genrelab.inference.embeddings.projection import METHODS, plot_projection
from genrelab.inference.embeddings.table import (
    EMBEDDINGS_FILE,
    Embeddings,
    find_table,
    merge_embeddings,
    nearest_rows,
    read_embeddings,
    resolve_path,
    write_embeddings,
)
from genrelab.utils.errors import ConfigError, GenrelabError, report_progress_on_interrupt, suggest
from genrelab.utils.io import printable, shown
from genrelab.utils.processes import default_workers
from genrelab.utils.rejected_files import format_rejected

if TYPE_CHECKING:
    from genrelab.inference.predictor import Predictor

SAVE_EVERY = 200  # tracks
COLORS = ("genre", "folder")


@dataclass(frozen=True)
class EmbedOptions:
    """What `genrelab embed` was asked for; see its help."""

    out: Path | None = None
    map: str | None = None
    color: str = "genre"
    workers: int | None = None
    device: str = "cpu"
    plugins: tuple[str, ...] = ()


class TrackEmbedding(NamedTuple):
    """One track's row."""

    genre: str
    seconds: float
    vector: np.ndarray


def embed_track(predictor: Predictor, path: Path) -> TrackEmbedding:
    """A track's likeliest genre and its vector: the mean over windows. Raises AudioError."""
    samples = predictor.decode(path)
    parts, logits = [], []
    for features in predictor.iter_feature_batches(predictor.windows(samples)):
        parts.append(predictor.embed(features).cpu().numpy())
        logits.append(predictor.logits(features).cpu().numpy())
    best = int(predictor.track_probabilities(np.concatenate(logits)).argmax())
    seconds = len(samples) / predictor.audio.sample_rate
    return TrackEmbedding(predictor.titles[best], seconds, np.concatenate(parts).mean(axis=0))


def embed_command(run: Path, library: Sequence[Path], options: EmbedOptions) -> int:
    """Embed a library, draw its map where asked for; returns the exit code.

    Raises:
        GenrelabError: the run, the library or the options cannot be used.
    """
    if options.map is not None and options.map not in METHODS:
        raise ConfigError([f"--map {options.map}: no such method{suggest(options.map, METHODS)}"])
    if options.color not in COLORS:
        raise ConfigError([f"--color-by {options.color}: no such choice{suggest(options.color, COLORS)}"])
    files, rejected, left_out = find_audio_files(library)
    if left_out:
        print_err(left_out)
    if not files:
        raise GenrelabError(f"{rejected[0][0]}: {rejected[0][1]}" if rejected else "name a folder or a file")
    if not any(path.exists() for path in files):  # known before a network is loaded
        raise GenrelabError(f"{files[0]}: no such file")
    predictor = load_run(run, options.device, 0.8, options.plugins)
    out = options.out or (run if run.is_dir() else run.parent) / EMBEDDINGS_FILE
    old = read_embeddings(out) if out.exists() else None
    if old is not None and old.run_id != predictor.run_id:
        raise GenrelabError(f"{out}: embeddings of the run {old.run_id}; choose another file with --out")
    done = set() if old is None else set(old.path)
    left = [path for path in files if resolve_path(path) not in done]
    if len(left) < len(files):
        print_err(f"{len(files) - len(left)} of {len(files)} files are in {shown(out)} already")
    table, failed = _embed(predictor, left, old, out, options.workers)
    rejected += failed
    if table is None:
        _list(rejected)
        return 2
    size = table.vectors.shape[1]
    print(f"wrote {shown(out)}: {len(table)} tracks, {size} numbers each", flush=True)
    if options.map is not None:
        picture = out.with_name(f"{out.stem}-{options.map}.png")
        names = table.genre if options.color == "genre" else table.folder
        print(f"wrote {shown(plot_projection(table.vectors, names.tolist(), picture, options.map))}", flush=True)
    _list(rejected)
    print_err(f"next: genrelab similar {shown(out if options.out else run)} SONG finds the tracks that sound like one")
    return SOME_REJECTED if rejected else 0


def _embed(
    predictor: Predictor, files: list[Path], old: Embeddings | None, out: Path, workers: int | None
) -> tuple[Embeddings | None, list[tuple[str, str]]]:
    """The table with what is new in it, written now and then, and what could not be read."""
    rows: list[tuple[Path, TrackEmbedding]] = []
    failed: list[tuple[str, str]] = []
    heard, several = 0.0, min(workers or default_workers(), len(files))

    def save() -> Embeddings | None:
        if not rows:
            return old
        table = merge_embeddings(old, _table(predictor, rows))
        write_embeddings(out, table)
        return table

    def kept() -> str:
        return f"{shown(out)} has {(0 if old is None else len(old)) + len(rows)} tracks"

    with report_progress_on_interrupt(kept), limit_torch_threads(several), progress_bar(len(files)) as advance:
        try:
            for outcome in map_files(lambda path: embed_track(predictor, path), files, several):
                if outcome.value is None:
                    failed.append((str(outcome.path), outcome.reason))
                else:
                    rows.append((outcome.path, outcome.value))
                    heard += outcome.value.seconds
                    if len(rows) % SAVE_EVERY == 0:
                        save()
                advance(heard)
        finally:
            table = save()  # also after Ctrl-C: the next call goes on
    return table, failed


def _table(predictor: Predictor, rows: Sequence[tuple[Path, TrackEmbedding]]) -> Embeddings:
    paths = [resolve_path(path) for path, _ in rows]
    return Embeddings(
        track=np.array([Path(path).name for path in paths], dtype=object),
        path=np.array(paths, dtype=object),
        folder=np.array([Path(path).parent.name for path in paths], dtype=object),
        genre=np.array([one.genre for _, one in rows], dtype=object),
        seconds=np.array([one.seconds for _, one in rows], np.float64),
        vectors=np.stack([one.vector for _, one in rows]).astype(np.float32),
        run_id=predictor.run_id,
        model=resolve_path(predictor.path),
    )


def similar_command(source: Path, file: Path, count: int, run: Path | None, device: str = "cpu") -> int:
    """Show the tracks of a table that are nearest to a file; returns the exit code.

    Args:
        source: a table, or a run with one.
        file: an audio file; one of the table's is not computed anew, and not answered.
        count: how many.
        run: that embeds the file; the one that made the table by default.
        device: of the network.

    Raises:
        GenrelabError: no table, or the file cannot be read.
    """
    if count < 1:
        raise ConfigError([f"--count {count}: 1 or more"])
    table = read_embeddings(find_table(source))
    there = np.flatnonzero(table.path == resolve_path(file))
    if len(there):
        query = table.vectors[there[0]]
    else:
        probe(file)  # what is no audio is told before a network is loaded
        predictor = load_run(_maker(table, source, run), device, 0.8, ())
        if predictor.run_id != table.run_id:
            raise GenrelabError(f"{source}: made by the run {table.run_id}, not by {predictor.run_id}")
        query = embed_track(predictor, file).vector
    rows, cosine = nearest_rows(table.vectors, query, count + len(there))
    found = [(row, sure) for row, sure in zip(rows.tolist(), cosine, strict=True) if row not in there][:count]
    width = max((len(table.genre[row]) for row, _ in found), default=0)
    for row, sure in found:
        track = truncate_middle(printable(shown(Path(table.path[row]))), 70)
        print(
            f"{sure:5.2f}  {table.genre[row]:<{width}}  {format_duration(table.seconds[row]):>6}  {track}", flush=True
        )
    return 0


def _maker(table: Embeddings, source: Path, run: Path | None) -> Path:
    """Where the run lies that made a table."""
    if run is not None:
        return run
    if source.is_dir():
        return source
    if Path(table.model).exists():
        return Path(table.model)
    raise GenrelabError(f"{source}: its run has moved from {table.model}; name it with --run")


def _list(rejected: Sequence[tuple[str, str]]) -> None:
    for line in format_rejected(rejected):
        print_err(line)

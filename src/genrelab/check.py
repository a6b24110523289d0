"""`genrelab check`: look at a dataset before anyone trains on it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from genrelab.audio import AudioError, AudioSpec, load_audio, probe, trim_silence
from genrelab.catalog import Catalog
from genrelab.catalog.given import Given
from genrelab.errors import GenrelabError, keeping
from genrelab.files import atomic_path, printable, write_json
from genrelab.split import grouped
from genrelab.taxonomy import Taxonomy, UnknownGenre

if TYPE_CHECKING:
    from rich.console import Console

SILENT_PEAK = 1e-3  # -60 dB under full scale
SHOWN = 15  # lines of each list on the terminal
STATES = ("unreadable", "silent", "too_short", "duplicate")


@dataclass(frozen=True)
class CheckReport:
    """What a scan found.

    Args:
        name: of the dataset.
        tracks: one line a track: `track_id, genre, artist_id, path, duration` (s), `usable` (s, silence trimmed),
            `sample_rate` (Hz), `channels` (all four NA where unreadable), `unreadable, silent, too_short, duplicate`
            (bool), `reason`, `duplicate_of` (the first track with the same samples), `across_genres` (bool).
        summary: plain data: counts, durations, sample rates, artists, whether the default split is possible.
    """

    name: str
    tracks: pd.DataFrame
    summary: dict[str, Any]

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write check.csv (a line per track) and check.json (the summary); return their paths."""
        table, facts = Path(folder) / "check.csv", Path(folder) / "check.json"
        try:
            with atomic_path(table) as part:
                self.tracks.to_csv(part, index=False)
            write_json(facts, self.summary)
        except OSError as error:
            reason = error.strerror or error
            raise GenrelabError(f"{folder}: cannot be written ({reason}); choose another --out") from error
        return [table, facts]

    def print(self, console: Console) -> None:
        """Show a table of the genres and a list of each kind of problem."""
        from rich.markup import escape

        console.print(_genre_table(self))
        for line in self.lines():
            console.print(escape(printable(line)), highlight=False, soft_wrap=True)

    def lines(self) -> list[str]:
        """The findings as text, one a line."""
        facts = self.summary
        rates = ", ".join(f"{count} at {rate} Hz" for rate, count in facts["sample_rates"].items())
        given = ", ".join(f"{name} {shape}" for name, shape in facts["features"].items())
        lines = [f"features: {given}" if given else f"sample rates: {rates or 'none'}", _artists(facts)]
        lines += [f"note: {note}" for note in facts["notes"]]
        for state, title in (_GIVEN_TITLES if given else _TITLES).items():
            lines += _listed(title, [_line(row, state, bool(given)) for row in self._rows(state)])
        unknown = facts["unknown_genres"]
        lines += _listed(f"genres that taxonomy={facts['taxonomy']} lacks", list(unknown.values()))
        if unknown:
            lines.append("  rename them, or train with taxonomy=flat")
        elif facts["taxonomy"] not in (None, "flat"):
            lines.append(f"genres: taxonomy={facts['taxonomy']} knows all {len(facts['genres'])}")
        lines += _listed("rejected by the catalog", [f"{path}: {reason}" for path, reason in facts["rejected"]])
        split = facts["default_split"]
        apart = {"apart": ", artists apart", "unknown": ", by track, since artists are unknown"}
        verdict = f"possible{apart.get(split['artists'], '')}" if split["possible"] else split["reason"]
        return [*lines, f"default split (70/20/10): {verdict}"]

    def _rows(self, state: str) -> list[dict[str, Any]]:
        records = self.tracks[self.tracks[state]].to_dict("records")
        return [{str(key): value for key, value in record.items()} for record in records]


_TITLES = {
    "unreadable": "unreadable",
    "silent": "silent (peak under -60 dB)",
    "too_short": "shorter than one segment",
    "duplicate": "exact duplicates",
}
_GIVEN_TITLES = {**_TITLES, "unreadable": "values that are no numbers", "silent": "nothing but zeros"}


_HEADS = {"unreadable": "broken", "silent": "silent", "too_short": "short", "duplicate": "double"}


def check_dataset(
    catalog: Catalog,
    audio: AudioSpec,
    workers: int | None = None,
    progress: bool = True,
    taxonomy: Taxonomy | None = None,
) -> CheckReport:
    """Decode every track once and count what is wrong with the dataset; of given features look at every value.

    Args:
        catalog: the tracks.
        audio: says how long a segment is, and how silence is trimmed.
        workers: threads (decoding leaves Python's lock); all cores by default.
        progress: show a bar on the terminal.
        taxonomy: names the genres that can be learnt; None asks nothing of them.
    """
    if catalog.given is None:
        found = _scan_files(list(catalog.tracks["path"]), audio, workers or os.cpu_count() or 1, progress)
    else:
        found = [_scan_rows(catalog.given, rows) for rows in _rows_of(catalog)]
    columns = ["track_id", "genre", "artist_id", "path"]
    scanned = pd.DataFrame(found).astype({"sample_rate": "Int64", "channels": "Int64"})  # unknown where unreadable
    tracks = pd.concat([catalog.tracks[columns], scanned], axis=1)
    tracks = _mark_duplicates(tracks).drop(columns="sha256")
    return CheckReport(catalog.name, tracks, _summary(catalog, tracks, audio, taxonomy))


BLANK = {"duration": np.nan, "usable": np.nan, "sample_rate": None, "channels": None, "sha256": None}
GOOD = {"unreadable": False, "silent": False, "too_short": False, "reason": ""}


def _rows_of(catalog: Catalog) -> Iterator[np.ndarray]:
    """Of each track, the rows of its segments."""
    assert catalog.given is not None
    rows = pd.Series(np.arange(len(catalog.given.track_id))).groupby(catalog.given.track_id).agg(list)
    for track in catalog.tracks["track_id"]:
        yield np.asarray(rows.get(track, []), dtype=np.int64)


def _scan_rows(given: Given, rows: np.ndarray) -> dict[str, Any]:
    """What the features of one track hold."""
    digest, faults, silent = hashlib.sha256(), [], True
    for feature in given.features:
        values = np.asarray(feature.values[rows])
        digest.update(np.ascontiguousarray(values).tobytes())
        silent = silent and not values.any()
        if bad := int((~np.isfinite(values)).sum()):
            faults.append(f"{bad} of {values.size} values of {feature.name} are not finite")
    found = {**BLANK, **GOOD, "silent": silent, "sha256": digest.hexdigest()}
    return {**found, "unreadable": bool(faults), "reason": "; ".join(faults)}


def _scan_files(paths: list[str], audio: AudioSpec, workers: int, progress: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def read() -> str:
        return f"{len(found)} of {len(paths)} files were read, none of it is kept"

    again = "the same command starts anew"
    with keeping(read, again), _progress(len(paths), progress) as advance, ThreadPoolExecutor(workers) as pool:
        try:
            for one in pool.map(lambda path: _scan(path, audio), paths):
                found.append(one)
                advance()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _scan(path: str, audio: AudioSpec) -> dict[str, Any]:
    """What one file holds, decoded at its own rate."""
    try:
        info = probe(path)
        samples = load_audio(path, info.sample_rate)
    except AudioError as error:
        return {**BLANK, **GOOD, "unreadable": True, "reason": error.reason}
    kept = samples if audio.trim_db is None else trim_silence(samples, audio.trim_db)
    usable = len(kept) / info.sample_rate
    return {
        **GOOD,
        "duration": len(samples) / info.sample_rate,
        "usable": usable,
        "sample_rate": info.sample_rate,
        "channels": info.channels,
        "sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
        "silent": bool(np.abs(samples).max() < SILENT_PEAK),
        "too_short": round(usable * audio.sample_rate) < audio.segment_samples,
    }


def _mark_duplicates(tracks: pd.DataFrame) -> pd.DataFrame:
    """Add `duplicate`, `duplicate_of`, `across_genres`; silence is its own kind of fault."""
    sound = tracks["sha256"].where(~tracks["silent"])
    groups = tracks[sound.notna()].groupby(sound[sound.notna()])
    first = groups["track_id"].transform("first").reindex(tracks.index)
    genres = groups["genre"].transform("nunique").reindex(tracks.index)
    duplicate = first.notna() & (first != tracks["track_id"])
    return tracks.assign(
        duplicate=duplicate,
        duplicate_of=first.where(duplicate),
        across_genres=(genres > 1) & duplicate,
    )


def _summary(catalog: Catalog, tracks: pd.DataFrame, audio: AudioSpec, taxonomy: Taxonomy | None) -> dict[str, Any]:
    readable = tracks[~tracks["unreadable"]]
    rates = readable["sample_rate"].value_counts().sort_index()
    per_genre = {}
    for genre, part in tracks.groupby("genre"):
        artists = int(part["artist_id"].nunique())
        per_genre[str(genre)] = {**_durations(part), "artists": artists, **{s: int(part[s].sum()) for s in STATES}}
    return {
        "dataset": catalog.name,
        "stand_in": catalog.stand_in,
        "tracks": len(tracks),
        **_durations(tracks),
        **{state: int(tracks[state].sum()) for state in STATES},
        "duplicates_across_genres": int(tracks["across_genres"].sum()),
        "segment_seconds": audio.segment_seconds,
        "features": {f.name: list(f.values.shape[1:]) for f in catalog.given.features} if catalog.given else {},
        "sample_rates": {str(rate): int(count) for rate, count in rates.items()},
        "artists": catalog.artists,
        "artist_tracks": {str(k): int(v) for k, v in tracks["artist_id"].dropna().value_counts().items()},
        "genres": per_genre,
        "notes": list(catalog.notes),
        "taxonomy": taxonomy.name if taxonomy else None,
        "unknown_genres": _unknown(taxonomy, per_genre),
        "rejected": [list(pair) for pair in catalog.rejected],
        "default_split": _try_split(catalog, tracks),
    }


def _unknown(taxonomy: Taxonomy | None, genres: Iterable[str]) -> dict[str, str]:
    """Genres that the taxonomy lacks, each with what it says about them."""
    found: dict[str, str] = {}
    if taxonomy is None:
        return found
    for name in genres:
        try:
            taxonomy.resolve(name)
        except UnknownGenre as error:
            found[name] = str(error)
    return found


def _durations(tracks: pd.DataFrame) -> dict[str, Any]:
    known = tracks["duration"].dropna()
    pick = {"min": known.min(), "median": known.median(), "max": known.max()} if len(known) else {}
    seconds = {f"{name}_seconds": round(float(value), 2) for name, value in pick.items()}
    return {"tracks": len(tracks), "hours": round(float(known.sum()) / 3600, 3), **seconds}


def _try_split(catalog: Catalog, tracks: pd.DataFrame) -> dict[str, Any]:
    """Whether the default split works on what can be read, and if not, why."""
    try:
        split = grouped(catalog.only(tracks.loc[~tracks["unreadable"], "track_id"]))
    except GenrelabError as error:
        return {"possible": False, "reason": str(error), "artists": None}
    return {"possible": True, "reason": "", "artists": split.artists, "notes": list(split.notes)}


def _artists(facts: dict[str, Any]) -> str:
    known = sum(facts["artist_tracks"].values())
    if not known:
        return "artists: none is known, so nothing keeps one artist out of train and test at once"
    return f"artists: {len(facts['artist_tracks'])}, known for {known} of {facts['tracks']} tracks"


def _listed(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    more = [f"  and {len(lines) - SHOWN} more, in check.csv"] if len(lines) > SHOWN else []
    return [f"{title}: {len(lines)}", *(f"  {line}" for line in lines[:SHOWN]), *more]


def _line(row: dict[str, Any], state: str, given: bool) -> str:
    name = row["track_id"] if given else row["path"]
    if state == "unreadable":
        return f"{name}: {row['reason']}"
    if state == "too_short":
        return f"{row['path']}: {row['usable']:.1f} s of sound"
    if state == "duplicate":
        other = "; THE TWO HAVE DIFFERENT GENRES" if row["across_genres"] else ""
        return f"{name}: same {'values' if given else 'samples'} as {row['duplicate_of']}{other}"
    return str(name)


def _genre_table(report: CheckReport) -> Any:
    """A line a genre, 80 columns wide where names are not long; of faults only those that occur."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    lengths = "" if report.summary["features"] else f", {report.summary['hours']:.2f} hours; lengths in seconds"
    title = f"{report.name}: {report.summary['tracks']} tracks{lengths}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("genre", overflow="fold", min_width=10)
    shown = [state for state in STATES if report.summary[state]]
    times = () if lengths == "" else ("min", "median", "max")
    heads = ("tracks", "artists", *times, *(_HEADS[state] for state in shown))
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    total = {**report.summary, "artists": len(report.summary["artist_tracks"])}
    for genre, facts in [*report.summary["genres"].items(), ("all", total)]:
        if genre == "all":
            table.add_section()
        known = "min_seconds" in facts
        seconds = [f"{facts[f'{name}_seconds']:.1f}" if known else "-" for name in times]
        faults = [str(facts[state]) if facts[state] else "" for state in shown]
        table.add_row(Text(genre), str(facts["tracks"]), str(facts["artists"] or "-"), *seconds, *faults)
    return table


@contextmanager
def _progress(total: int, show: bool) -> Iterator[Any]:
    if not show:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("checking", total=total)
        yield lambda: bar.advance(task)

"""What `genrelab check` found, as a table, lines and files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from genrelab.audio.usability import SILENT
from genrelab.utils.errors import GenrelabError
from genrelab.utils.io import printable, write_json, write_table

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 15  # lines of each list on the terminal
STATES = ("unreadable", "silent", "too_short", "duplicate")


@dataclass(frozen=True)
class CheckReport:
    """What a scan found.

    Args:
        name: of the dataset.
        tracks: one line a track: `track_id, genre, artist_id, path, duration` (s), `usable` (s, silence trimmed),
            `sample_rate` (Hz), `channels` (all four NA where unreadable), `unreadable, silent, too_short, duplicate`
            (bool), `reason` (why `train` leaves it out, or ""), `notes` (on files that are read), `duplicate_of` (the
            first track of the same recording), `same_samples` (as that one has), `across_genres` (its genre is another
            one).
        summary: plain data: counts, durations, sample rates, artists, whether the default split is possible.
    """

    name: str
    tracks: pd.DataFrame
    summary: dict[str, Any]

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write check.csv (a line per track) and check.json (the summary); return their paths."""
        table, facts = Path(folder) / "check.csv", Path(folder) / "check.json"
        try:
            write_table(self.tracks, table)
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
        precomputed = ", ".join(f"{name} {shape}" for name, shape in facts["features"].items())
        lines = [f"features: {precomputed}" if precomputed else f"sample rates: {rates or 'none'}", _artists(facts)]
        lines += [f"note: {note}" for note in facts["notes"]]
        for state, title in (_PRECOMPUTED_TITLES if precomputed else _TITLES).items():
            lines += _listed(title, [_line(row, state, bool(precomputed)) for row in self._rows(state)])
        noted = self.tracks[self.tracks["notes"] != ""]
        lines += _listed("read with a note", [f"{path}: {note}" for path, note in noted[["path", "notes"]].to_numpy()])
        crossing = facts["duplicates_across_official_split"]
        lines += _listed("copies across the official split", [" = ".join(group) for group in crossing])
        unknown = facts["unknown_genres"]
        lines += _listed(f"genres that taxonomy={facts['taxonomy']} lacks", list(unknown.values()))
        if unknown:
            lines.append("  rename them, or train with taxonomy=flat")
        elif facts["taxonomy"] not in (None, "flat"):
            lines.append(f"genres: taxonomy={facts['taxonomy']} knows all {len(facts['genres'])}")
        lines += _listed("rejected by the dataset index", [f"{path}: {reason}" for path, reason in facts["rejected"]])
        split = facts["default_split"]
        apart = {"apart": ", artists apart", "unknown": ", by track, since artists are unknown"}
        verdict = f"possible{apart.get(split['artists'], '')}" if split["possible"] else split["reason"]
        return [*lines, f"default split (70/20/10): {verdict}"]

    def _rows(self, state: str) -> list[dict[str, Any]]:
        records = self.tracks[self.tracks[state]].to_dict("records")
        return [{str(key): value for key, value in record.items()} for record in records]


_TITLES = {
    "unreadable": "unreadable",
    "silent": SILENT,
    "too_short": "shorter than one segment",
    "duplicate": "copies of one recording",
}
_PRECOMPUTED_TITLES = {**_TITLES, "unreadable": "values that are no numbers", "silent": "nothing but zeros"}
_HEADS = {"unreadable": "broken", "silent": "silent", "too_short": "short", "duplicate": "double"}


def _artists(facts: dict[str, Any]) -> str:
    known = sum(facts["artist_tracks"].values())
    if not known:
        return "artists: 0, so nothing keeps one artist out of train and test at once"
    return f"artists: {len(facts['artist_tracks'])}, known for {known} of {facts['tracks']} tracks"


def _listed(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    more = [f"  and {len(lines) - SHOWN} more, in check.csv"] if len(lines) > SHOWN else []
    return [f"{title}: {len(lines)}", *(f"  {line}" for line in lines[:SHOWN]), *more]


def _line(row: dict[str, Any], state: str, precomputed: bool) -> str:
    name = row["track_id"] if precomputed else row["path"]
    if state == "unreadable":
        return f"{name}: {row['reason']}"
    if state == "too_short":
        done = "left out" if row["reason"] else "padded with silence"
        return f"{row['path']}: {row['usable']:.1f} s of sound, {done}"
    if state == "duplicate":
        other = "; THE TWO HAVE DIFFERENT GENRES" if row["across_genres"] else ""
        same = "values" if precomputed else "samples" if row["same_samples"] else "recording"
        return f"{name}: same {same} as {row['duplicate_of']}{other}"
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

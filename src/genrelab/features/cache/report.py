"""`PrepareReport`: what a build did, for the terminal, the log and the run record."""

from __future__ import annotations

from dataclasses import dataclass

from genrelab.utils.rejected_files import format_rejected

SHOWN = 20  # lines of a list


@dataclass(frozen=True)
class PrepareReport:
    """What a build did.

    Args:
        built: tracks that something was computed for.
        present: tracks whose features were all there.
        rejected: (path, reason) of files of no use, in the dataset index's order.
        seconds: wall clock, s.
        audio_seconds: length of the built, s.
        startup_seconds: of `seconds`, until the first worker began.
        padded: tracks shorter than one segment, filled up with silence.
        short: their ids.
        upsampled: (path, Hz) of the tracks whose sample rate is lower than asked for.
        notes: (path, what to know of it) of files that were read all the same.
    """

    built: int
    present: int
    rejected: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    audio_seconds: float = 0.0
    startup_seconds: float = 0.0
    padded: int = 0
    short: tuple[str, ...] = ()
    upsampled: tuple[tuple[str, int], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    def counts(self) -> dict[str, int]:
        """What a run's record keeps: tracks padded, and of a lower sample rate."""
        return {"padded": self.padded, "upsampled": len(self.upsampled)}

    def lines(self) -> list[str]:
        """One line for each thing a reader must know."""
        spent = self.seconds - self.startup_seconds
        rate = f"{self.built / spent:.1f} tracks/s, {self.audio_seconds / spent:.0f} x real time" if spent > 0 else ""
        speed = f" in {self.seconds:.1f} s ({rate} once started)" if rate else ""
        lines = [f"features: {_tracks(self.built)} built{speed if self.built else ''}, {self.present} were there"]
        if self.padded:
            lines.append(
                f"{_tracks(self.padded)} shorter than one segment padded with silence (audio.short_tracks=pad)"
            )
        lines += [f"  {track}" for track in self.short[:SHOWN]]
        if self.upsampled:
            lines.append(f"{_tracks(len(self.upsampled))} of a lower sample rate, with nothing in the high bands:")
            lines += [f"  {path}: {rate} Hz" for path, rate in self.upsampled[:SHOWN]]
        listed = format_rejected(self.rejected, f"file{'s' * (len(self.rejected) > 1)} left out")
        if more := len(listed[1 + SHOWN :]):
            listed = [*listed[: 1 + SHOWN], f"  and {more} more (genrelab check lists all in check.csv)"]
        lines += listed
        lines += format_rejected(self.notes, "read with a note")[: 1 + SHOWN]
        return lines

    def summary(self) -> str:
        """`lines` as one text."""
        return "\n".join(self.lines())


def _tracks(count: int) -> str:
    return "1 track" if count == 1 else f"{count} tracks"

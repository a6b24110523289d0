"""Answers on the terminal: a card for one recording, a line each for several."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import PurePath

from genrelab.predict.prediction import Prediction, TimelineEntry

BAR = 24


def card(prediction: Prediction, titles: Sequence[str]) -> list[str]:
    """Everything about one recording."""
    lines = [f"{printable(PurePath(prediction.path or 'samples').name)}  {clock(prediction.seconds)}", ""]
    lines += [f"  answer      {prediction.answer}{_backing(prediction)}", ""]
    width = max(len(guess.title) for guess in prediction.top)
    for guess in prediction.top:
        bar = "\N{FULL BLOCK}" * round(BAR * guess.probability)
        lines.append(f"  {guess.title:<{width}}  {percent(guess.probability)}  {bar}".rstrip())
    lines += ["", f"  supergenre  {prediction.supergenre.title} {percent(prediction.supergenre.probability).strip()}"]
    if prediction.neighbours:
        near = ", ".join(f"{near.title} ({near.distance:g})" for near in prediction.neighbours)
        lines.append(f"  nearby      {near}")
    lines.append("  timeline    " + "\n              ".join(timeline(prediction.segments, titles)))
    return lines


def timeline(segments: Sequence[TimelineEntry], titles: Sequence[str]) -> list[str]:
    """One line for each stretch of windows with the same likeliest genre."""
    stretches: list[tuple[int, list[TimelineEntry]]] = []
    for entry in segments:
        best = int(entry.probabilities.argmax())
        if not stretches or stretches[-1][0] != best:
            stretches.append((best, []))
        stretches[-1][1].append(entry)
    lines = []
    ends = [entries[0].start for _, entries in stretches[1:]]  # windows may overlap
    for (best, entries), end in zip(stretches, [*ends, segments[-1].start + segments[-1].seconds], strict=True):
        sure = [entry.probabilities[best] for entry in entries]
        low, high = percent(min(sure)).strip(), percent(max(sure)).strip()
        told = low if low == high else f"{low.removesuffix(' %')} to {high}"
        lines.append(f"{clock(entries[0].start)} - {clock(end)}  {titles[best]}, {told}")
    return lines


class Lines:
    """A line for each of several recordings, in columns; paths are cut in the middle.

    Args:
        titles: of the genres, for the width of the columns.
    """

    def __init__(self, titles: Sequence[str]) -> None:
        total = shutil.get_terminal_size((100, 24)).columns
        self.genre = min(max(len(title) for title in titles), 28)
        self.path = max(20, total - 2 * (self.genre + 7) - 10)

    def head(self) -> str:
        """Names of the columns."""
        return f"{'file':<{self.path}}  {'length':>6}  {'answer':<{self.genre}}   sure  {'else':<{self.genre}}".rstrip()

    def line(self, prediction: Prediction) -> str:
        """One recording."""
        path = shortened(printable(prediction.path or "samples"), self.path)
        sure = "" if prediction.unknown else percent(prediction.hedged.probability)
        first = 1 if prediction.hedged.height == "genre" and not prediction.unknown else 0
        other = prediction.top[first] if len(prediction.top) > first else None
        beside = f"{shortened(other.title, self.genre)} {percent(other.probability).strip()}" if other else ""
        grouped = prediction.hedged.height in ("supergenre", "cluster") and not prediction.unknown
        answer = prediction.answer + (f" ({prediction.hedged.height})" if grouped else "")
        answer = shortened(answer, self.genre)
        length = clock(prediction.seconds)
        return f"{path:<{self.path}}  {length:>6}  {answer:<{self.genre}}  {sure:>5}  {beside}".rstrip()


def shortened(text: str, width: int) -> str:
    """Text of at most `width` characters; the middle goes first."""
    if len(text) <= width:
        return text
    head = (width - 1) // 3
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - (width - 1 - head) :]}"


def printable(text: str) -> str:
    """Text on one line: control characters of a file's name are written out, and steer no terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def clock(seconds: float) -> str:
    """Minutes and seconds: "4:05"; with hours from one on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, inside = divmod(minutes, 60)
    return f"{hours}:{inside:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def percent(probability: float) -> str:
    """Five characters: " 71 %"; neither certainty nor impossibility is claimed."""
    if probability >= 0.995:
        return ">99 %"
    if probability < 0.005:
        return " <1 %"
    return f"{100 * probability:3.0f} %"


def _backing(prediction: Prediction) -> str:
    """Why the answer is not the likeliest genre."""
    if prediction.unknown:
        return ": what follows means little"
    if prediction.hedged.height in ("supergenre", "cluster"):
        sure = percent(prediction.hedged.probability).strip()
        return f", a {prediction.hedged.height}, {sure}: no genre is sure enough"
    return ": no genre, and no group of genres, is sure enough" if prediction.hedged.height == "nothing" else ""

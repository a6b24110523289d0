"""Answers on the terminal: a card for one recording, a line each for several."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import PurePath

from genrelab.inference.prediction import ClassScore, Prediction, SegmentPrediction
from genrelab.utils.io import printable

BAR = 24
NONE = "no genre reaches its threshold"


def format_card(prediction: Prediction, titles: Sequence[str]) -> list[str]:
    """Everything about one recording."""
    lines = [f"{printable(PurePath(prediction.path or 'samples').name)}  {format_duration(prediction.seconds)}", ""]
    lines += [f"  answer      {prediction.label}{_backing(prediction)}", ""]
    rows = list(dict.fromkeys((*prediction.top, *prediction.genres)))
    width = max(len(guess.title) for guess in rows)
    for guess in rows:
        bar = "\N{FULL BLOCK}" * round(BAR * guess.probability)
        bar += _limit(prediction, guess, BAR - len(bar))
        lines.append(f"  {guess.title:<{width}}  {format_percent(guess.probability)}  {bar}".rstrip())
    lines.append("")
    if prediction.supergenre:
        sure = format_percent(prediction.supergenre.probability).strip()
        lines.append(f"  supergenre  {prediction.supergenre.title} {sure}")
    if prediction.neighbors:
        near = ", ".join(f"{near.title} ({near.distance:g})" for near in prediction.neighbors)
        lines.append(f"  nearby      {near}")
    lines.append("  timeline    " + "\n              ".join(format_timeline(prediction.segments, titles)))
    return lines


def format_timeline(segments: Sequence[SegmentPrediction], titles: Sequence[str]) -> list[str]:
    """One line for each stretch of windows with the same genres."""
    stretches: list[tuple[frozenset[int], list[SegmentPrediction]]] = []
    for entry in segments:
        answered = frozenset(entry.genres)
        if not stretches or stretches[-1][0] != answered:
            stretches.append((answered, []))
        stretches[-1][1].append(entry)
    ends = [entries[0].start for _, entries in stretches[1:]]  # windows may overlap
    lines = []
    for (_, entries), end in zip(stretches, [*ends, segments[-1].start + segments[-1].seconds], strict=True):
        told = "; ".join(f"{titles[genre]}, {_range(entries, genre)}" for genre in entries[0].genres)
        lines.append(f"{format_duration(entries[0].start)} - {format_duration(end)}  {told or NONE}")
    return lines


def _range(entries: Sequence[SegmentPrediction], genre: int) -> str:
    sure = [entry.probabilities[genre] for entry in entries]
    low, high = format_percent(min(sure)).strip(), format_percent(max(sure)).strip()
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def _limit(prediction: Prediction, guess: ClassScore, room: int) -> str:
    """Whether a genre reaches its threshold, where it has one."""
    if prediction.thresholds is None:
        return ""
    limit = format_percent(prediction.thresholds[guess.genre]).strip()
    return f"{'':<{room}}  {'answered, from' if guess in prediction.genres else 'below'} {limit}"


class TableWriter:
    """A line for each of several recordings, in columns; paths are cut in the middle.

    Args:
        titles: of the genres, for the width of the columns.
        multilabel: a track has several genres, which all stand in the last column, each with its probability.
    """

    def __init__(self, titles: Sequence[str], multilabel: bool = False) -> None:
        self.multilabel = multilabel
        total = shutil.get_terminal_size((100, 24)).columns
        self.genre_width = min(max(len(title) for title in titles), 28)
        self.path_width = max(20, total - 2 * (self.genre_width + 7) - 10)

    def header(self) -> str:
        """Names of the columns."""
        if self.multilabel:
            return f"{'file':<{self.path_width}}  {'length':>6}  answer"
        genre = self.genre_width
        return f"{'file':<{self.path_width}}  {'length':>6}  {'answer':<{genre}}   sure  {'else':<{genre}}".rstrip()

    def row(self, prediction: Prediction) -> str:
        """One recording."""
        path = truncate_middle(printable(prediction.path or "samples"), self.path_width)
        length = format_duration(prediction.seconds)
        if self.multilabel:
            each = [f"{guess.title} {format_percent(guess.probability).strip()}" for guess in prediction.genres]
            told = "; ".join(each) if each and not prediction.rejection_reason else prediction.label
            return f"{path:<{self.path_width}}  {length:>6}  {told}"
        sure = "" if prediction.confidence is None else format_percent(prediction.confidence)
        answered = () if prediction.rejection_reason else prediction.genres
        other = next((guess for guess in prediction.top if guess not in answered), None)
        beside = (
            f"{truncate_middle(other.title, self.genre_width)} {format_percent(other.probability).strip()}"
            if other
            else ""
        )
        group = None if prediction.rejection_reason else prediction.fallback_level
        answer = prediction.label + (f" ({group})" if group in ("supergenre", "cluster") else "")
        answer = truncate_middle(answer, self.genre_width)
        return f"{path:<{self.path_width}}  {length:>6}  {answer:<{self.genre_width}}  {sure:>5}  {beside}".rstrip()


def truncate_middle(text: str, width: int) -> str:
    """Text of at most `width` characters; the middle goes first."""
    if len(text) <= width:
        return text
    head = (width - 1) // 3
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - (width - 1 - head) :]}"


def format_duration(seconds: float) -> str:
    """Minutes and seconds: "4:05"; with hours from one on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, inside = divmod(minutes, 60)
    return f"{hours}:{inside:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_percent(probability: float) -> str:
    """Five characters: " 71 %"; neither certainty nor impossibility is claimed."""
    if probability >= 0.995:
        return ">99 %"
    if probability < 0.005:
        return " <1 %"
    return f"{100 * probability:3.0f} %"


def _backing(prediction: Prediction) -> str:
    """Why the answer is not the likeliest genre."""
    if prediction.rejection_reason:
        return ": what follows means little"
    group = prediction.fallback_level
    if group in ("supergenre", "cluster"):
        return f", a {group}, {format_percent(prediction.confidence or 0.0).strip()}: no genre is sure enough"
    if group == "nothing":
        return ": no genre, and no group of genres, is sure enough" if prediction.hedged else f": {NONE}"
    return ""

"""What the terminal shows."""

import re

import numpy as np
import pytest

from genrelab.inference import ClassScore, HedgedPrediction, Neighbor, Prediction, SegmentPrediction
from genrelab.inference.console import (
    TableWriter,
    format_card,
    format_duration,
    format_percent,
    format_timeline,
    truncate_middle,
)
from genrelab.inference.prediction import UNSURE
from genrelab.utils.io import printable
from genrelab.utils.rejected_files import format_rejected

TITLES = ("Cool Jazz", "Ska")


def prediction(height="genre", unknown=None, probability=0.75) -> Prediction:
    p = np.array([probability, 1 - probability])
    entries = (
        SegmentPrediction(0, 15, p, (0,)),
        SegmentPrediction(5, 15, p * 0.9, (0,)),
        SegmentPrediction(10, 15, p[::-1], (1,)),
    )
    said = {"genre": "Cool Jazz", "supergenre": "Jazz", "nothing": "not sure"}[height]
    top = (ClassScore("a", "Cool Jazz", probability), ClassScore("b", "Ska", 1 - probability))
    return Prediction(
        "music/a song.mp3", 245.2, top,
        ClassScore("jaz", "Jazz", 0.8), entries, (Neighbor("b", "Ska", 2.0),),
        HedgedPrediction(height, "x", said, probability),
        unknown, p, np.log(p)[None], top[:1] if height == "genre" else (), None,
    )  # fmt: skip


def test_a_card_says_it_all():
    assert "\n".join(format_card(prediction(), TITLES)) == (
        "a song.mp3  4:05\n\n"
        "  answer      Cool Jazz\n\n"
        f"  Cool Jazz   75 %  {chr(9608) * 18}\n"
        f"  Ska         25 %  {chr(9608) * 6}\n\n"
        "  supergenre  Jazz 80 %\n"
        "  nearby      Ska (2)\n"
        "  timeline    0:00 - 0:10  Cool Jazz, 68 to 75 %\n"
        "              0:10 - 0:25  Ska, 75 %"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"height": "supergenre"}, "Jazz.* 75 %"),
        ({"height": "nothing"}, UNSURE),
        ({"unknown": "noise"}, r"unknown \(noise\)"),
    ],
)
def test_a_card_says_why_no_genre_is_named(given, said):
    assert re.search(rf"answer +{said}", "\n".join(format_card(prediction(**given), TITLES)))


def test_lines_stay_in_their_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = TableWriter(TITLES)
    told = [lines.row(prediction()), lines.row(prediction("supergenre")), lines.row(prediction(unknown="silence"))]
    assert [line.index("4:05") for line in told] == [lines.header().index("length") + 2] * 3
    assert "75 %  Ska 25 %" in told[0] and "75 %  Cool Jazz 75 %" in told[1] and "%" not in told[2].split("Cool")[0]
    assert all(len(line) <= 80 for line in told)


def test_small_words():
    assert printable("a\nb\x1b[31m.mp3") == r"a\nb\x1b[31m.mp3" and printable("Bjo\u0308rk \u97f3.mp3")[0] == "B"
    assert [format_duration(seconds) for seconds in (0, 59.6, 3600)] == ["0:00", "1:00", "1:00:00"]
    assert [format_percent(p) for p in (1.0, 0.994, 0.5, 0.0)] == [">99 %", " 99 %", " 50 %", " <1 %"]
    assert truncate_middle("a/long/path/song.mp3", 13) == "a/lo\N{HORIZONTAL ELLIPSIS}song.mp3"
    assert format_timeline([SegmentPrediction(0, 3, np.array([1.0, 0.0]), (0,))], TITLES) == [
        "0:00 - 0:03  Cool Jazz, >99 %"
    ]


def test_a_reason_that_many_files_share_is_told_once():
    needs = [(f"{number}.m4a", ".m4a needs ffmpeg") for number in range(20)]
    assert format_rejected([("a\n.wav", "empty file"), *needs], "not tagged") == [
        "21 not tagged:",
        "  a\\n.wav: empty file",
        "  20 files: .m4a needs ffmpeg",
        "    0.m4a, 1.m4a, 2.m4a and 17 more",
    ]
    assert (
        format_rejected(needs[:3])[1:] == [f"  {name}: {reason}" for name, reason in needs[:3]]
        and format_rejected([]) == []
    )

import json
import re

import numpy as np
import pytest
import soundfile
from rich.console import Console

from genrelab.audio import AudioSpec
from genrelab.audio.errors import EMPTY_FILE, TEXT_FILE
from genrelab.datasets.registry import DATASETS
from genrelab.datasets.validation import check_dataset
from genrelab.utils.errors import GenrelabError
from naming import naming

AUDIO = AudioSpec(sample_rate=8_000, segment_duration=1.0)


def noise(seconds, rate=8_000, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, int(seconds * rate)).astype(np.float32)


@pytest.fixture
def report(tmp_path):
    root = tmp_path / "music"
    for seed, name in enumerate(("rock/A/a.wav", "rock/B/b.wav", "rock/c.wav", "jazz/d.wav", "jazz/e.wav")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, noise(2, seed=seed), 8_000)
    soundfile.write(root / "rock/low.wav", noise(2, 4_000, seed=9), 4_000)
    soundfile.write(root / "rock/short.wav", noise(0.5, seed=8), 8_000)
    soundfile.write(root / "rock/quiet.wav", np.r_[noise(0.5, seed=7), np.zeros(16_000, np.float32)], 8_000)
    soundfile.write(root / "jazz/silent.wav", np.zeros(16_000), 8_000)
    soundfile.write(root / "jazz/silent2.wav", np.zeros(16_000), 8_000)
    soundfile.write(root / "rock/twin.flac", soundfile.read(root / "rock/c.wav")[0], 8_000)  # other bytes, same samples
    soundfile.write(root / "jazz/twin.wav", soundfile.read(root / "rock/c.wav")[0], 8_000)
    (root / "rock/empty.wav").write_bytes(b"")
    (root / "rock/text.mp3").write_text("no music\n" * 9)
    (root / "rock/cut.wav").write_bytes((root / "rock/c.wav").read_bytes()[:9_000])
    return check_dataset(DATASETS.build("folder", {"root": str(root)}), AUDIO, progress=False)


def those(report, state):
    return set(report.tracks.loc[report.tracks[state], "track_id"])


def test_each_fault_is_found(report):
    assert those(report, "unreadable") == {"rock/empty.wav", "rock/text.mp3", "rock/cut.wav"}
    assert those(report, "silent") == {"jazz/silent.wav", "jazz/silent2.wav"}
    assert those(report, "too_short") == {"rock/short.wav", "rock/quiet.wav"}
    assert those(report, "duplicate") == {"rock/c.wav", "rock/twin.flac"}  # the first, jazz/twin.wav, is the original
    assert those(report, "across_genres") == {"rock/c.wav", "rock/twin.flac"}
    reasons = report.tracks.set_index("track_id")["reason"]
    assert reasons["rock/empty.wav"] == EMPTY_FILE
    assert reasons["rock/text.mp3"] == TEXT_FILE


def test_the_summary_counts(report):
    summary = report.summary
    assert (summary["tracks"], summary["unreadable"], summary["silent"]) == (15, 3, 2)
    assert summary["sample_rates"] == {"4000": 1, "8000": 11}
    assert summary["genres"]["jazz"] | {"hours": 0} == {
        "tracks": 5, "hours": 0, "min_seconds": 2.0, "median_seconds": 2.0, "max_seconds": 2.0,
        "artists": 0, "unreadable": 0, "silent": 2, "too_short": 0, "duplicate": 0,
    }  # fmt: skip
    assert summary["artist_tracks"] == {"A": 1, "B": 1}
    assert summary["default_split"]["possible"]


def test_it_is_written_and_shown(report, tmp_path):
    table, facts = report.write(tmp_path / "out")
    assert table.read_text().count("\n") == 16
    assert json.loads(facts.read_text()) == report.summary
    console = Console(record=True, width=80, file=(tmp_path / "screen.txt").open("w"))
    report.print(console)
    text = console.export_text()
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    heads = "genre tracks artists min median max broken silent short double"
    assert rows["genre"] == heads.split()
    jazz = rows["jazz"]
    assert jazz == ["jazz", "5", "-", "2.0", "2.0", "2.0", "2"]
    assert re.search("rock/twin.flac: .*jazz/twin.wav; .*GENRES", text)
    assert "artists: 2, known for 2 of 15 tracks" in text
    assert re.search(r"\(70/20/10\): possible.*artists", text)
    with pytest.raises(GenrelabError, match=re.escape(str(table))):
        report.write(table / "below")


def test_names_steer_no_terminal(tmp_path):
    (tmp_path / "rock").mkdir()
    (tmp_path / "rock" / "new\nline \x1b[31m.wav").write_bytes(b"")
    console = Console(record=True, width=200, file=(tmp_path / "screen.txt").open("w"))
    check_dataset(DATASETS.build("folder", {"root": str(tmp_path)}), AUDIO, progress=False).print(console)
    assert r"new\nline \x1b[31m.wav: " + EMPTY_FILE in console.export_text()


def test_why_the_default_split_fails(tmp_path):
    for genre in ("a", "b"):
        (tmp_path / genre).mkdir()
        soundfile.write(tmp_path / genre / "x.wav", noise(2), 8_000)
    found = check_dataset(DATASETS.build("folder", {"root": str(tmp_path)}), AUDIO, progress=False)
    assert "tracks" in found.summary["default_split"]["reason"]
    assert any(line.startswith("artists: 0") for line in found.lines())


def test_without_artists_tracks_are_split_and_unread_files_have_no_length(tmp_path):
    for genre in ("a", "b"):
        (tmp_path / genre).mkdir()
        for number in range(9):
            soundfile.write(tmp_path / genre / f"{number}.wav", noise(2, seed=number + 10 * (genre == "b")), 8_000)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "x.wav").write_bytes(b"")
    found = check_dataset(DATASETS.build("folder", {"root": str(tmp_path)}), AUDIO, progress=False)
    assert any(re.search(r"\(70/20/10\): possible.*track", line) for line in found.lines())
    row = found.tracks.set_index("track_id").loc["c/x.wav"]
    assert row[["duration", "usable", "sample_rate", "channels"]].isna().all()
    found.write(tmp_path / "out")
    assert f"{EMPTY_FILE},,,,,,False," in (tmp_path / "out" / "check.csv").read_text()


def test_genres_that_the_taxonomy_lacks_are_named_with_suggestions(report):
    from genrelab.datasets.validation import _unknown
    from genrelab.datasets.validation_report import CheckReport
    from genrelab.taxonomy.registry import TAXONOMIES

    musicmap = TAXONOMIES.build("musicmap", {}, genres=())
    unknown = _unknown(musicmap, ["Bebop", "Hardcor Punk", "Quux"])
    assert list(unknown) == ["Hardcor Punk", "Quux"]
    facts = {**report.summary, "taxonomy": "musicmap", "unknown_genres": unknown}
    lines = CheckReport(report.name, report.tracks, facts).lines()
    at = next(at for at, line in enumerate(lines) if re.search(naming("taxonomy=musicmap", 2), line))
    assert (
        re.search(naming("Hardcor Punk", "Horror Punk & Psychobilly"), lines[at + 1])
        and "taxonomy=flat" in lines[at + 3]
    )


def test_given_features_are_looked_at_value_by_value(tmp_path):
    table = tmp_path / "table.csv"
    rows = [
        "filename,a,b,label",
        "rock.1,1,2,rock",
        "rock.2,1,2,rock",
        "rock.3,0,0,rock",
        "jazz.1,1,2,jazz",
        "jazz.2,3,4,jazz",
    ]
    table.write_text("\n".join(rows) + "\n")
    given = DATASETS.build("table", {"path": str(table), "track": "filename", "label": "label"})
    report = check_dataset(given, AUDIO, progress=False)
    assert those(report, "duplicate") == {"rock.1", "rock.2"}  # of three the first, jazz.1, is the original
    assert those(report, "across_genres") == {"rock.1", "rock.2"}
    assert those(report, "silent") == {"rock.3"}
    text = "\n".join(report.lines())
    assert "features: " in text and "sample rates" not in text and re.search(naming("rock.1", "jazz.1"), text)


def test_copies_of_one_genre_are_not_called_different_where_a_third_differs(tmp_path):
    samples = noise(2)
    for name in ("a/1.wav", "a/2.wav", "b/3.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, samples, 8_000)
    report = check_dataset(DATASETS.build("folder", {"root": str(tmp_path)}), AUDIO, progress=False)
    assert those(report, "duplicate") == {"a/2.wav", "b/3.wav"}
    assert those(report, "across_genres") == {"b/3.wav"}
    assert report.summary["duplicates_across_genres"] == 1


def test_spellings_of_a_genre_are_noted_by_check_unless_the_taxonomy_joins_them(tmp_path):
    from genrelab.taxonomy.registry import TAXONOMIES

    names = ("Cool Jazz", "cool-jazz")
    for name in names:
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "x.wav", noise(2, seed=len(name)), 8_000)
    index = DATASETS.build("folder", {"root": str(tmp_path)})
    flat, musicmap = (TAXONOMIES.build(kind, {}, genres=names) for kind in ("flat", "musicmap"))
    (note,) = check_dataset(index, AUDIO, progress=False, taxonomy=flat).summary["notes"]
    assert "data.merge_spellings=true" in note and "Cool Jazz (1) = cool-jazz (1)" in note
    assert check_dataset(index, AUDIO, progress=False, taxonomy=musicmap).summary["notes"] == []


def test_files_that_are_read_with_a_note_are_listed(tmp_path):
    for genre, seed in (("a", 1), ("b", 2)):
        (tmp_path / "music" / genre).mkdir(parents=True)
        soundfile.write(tmp_path / "music" / genre / "x.wav", noise(2, seed=seed)[:, None] * [1, -0.9], 8_000)
    dataset_index = DATASETS.build("folder", {"root": str(tmp_path / "music")})
    for _ in range(2):  # decoded, then from the cache
        report = check_dataset(dataset_index, AUDIO, progress=False, cache=tmp_path / "cache")
        assert report.tracks["notes"].str.contains("channel 1 is taken").tolist() == [True, True]
        assert not report.tracks["silent"].any() and "read with a note: 2" in report.lines()

"""Building: resumable, each track on its own, two builders at once, clear errors."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from genrelab.datasets.synthesis import dataset as module
from genrelab.datasets.synthesis.dataset import DemoSpec, build_demo, choose_genres, list_tracks
from genrelab.utils.errors import ConfigError, GenrelabError, Interrupted
from naming import naming

SPEC = DemoSpec(("jam02", "jam04"), tracks_per_genre=4, artists_per_genre=2, seconds=1.0)


def contents(tracks):
    return {(t.genre, t.artist, t.number): soundfile.read(t.path, dtype="int16")[0].tobytes() for t in tracks}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_demo(SPEC, tmp_path_factory.mktemp("demo"), workers=1, progress=False)


def test_files_are_16_bit_mono_flac_of_the_length_asked(built):
    for track in built:
        info = soundfile.info(track.path)
        assert (info.format, info.subtype, info.channels, info.samplerate) == ("FLAC", "PCM_16", 1, 22_050)
        assert info.frames == 22_050
    assert json.loads((built[0].path.parent / "demo.json").read_text())["genres"] == ["jam02", "jam04"]


def test_parallel_and_serial_give_the_same(built, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 0.0)
    assert contents(build_demo(SPEC, tmp_path, workers=2, progress=False)) == contents(built)


def test_a_track_does_not_depend_on_how_many_others_there_are(built, tmp_path):
    more = contents(build_demo(replace(SPEC, tracks_per_genre=2, genres=("jam04", "jaz03")), tmp_path, 1, False))
    common = set(more) & set(contents(built))
    assert len(common) == 2
    assert all(more[key] == contents(built)[key] for key in common)


def test_a_stopped_build_is_resumed(built, tmp_path, monkeypatch):
    made = []

    def stop_after_three(spec, track):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(track.path)
        make(spec, track)

    make = module.make_track
    monkeypatch.setattr(module, "make_track", stop_after_three)
    with pytest.raises(Interrupted, match=r"\b3 of .* 8 tracks"):
        build_demo(SPEC, tmp_path, progress=False)
    folder = tmp_path / f"demo-{SPEC.fingerprint}"
    assert len(list(folder.glob("*.flac"))) == 3 and not list(folder.glob(".*.part*"))
    stamps = {path: path.stat().st_mtime_ns for path in made}
    (folder / ".demo-000000.1.part.flac").write_bytes(b"half")  # as a killed builder leaves it
    monkeypatch.setattr(module, "make_track", make)
    assert contents(build_demo(SPEC, tmp_path, progress=False)) == contents(built)
    assert {path: path.stat().st_mtime_ns for path in made} == stamps
    assert not list(folder.glob(".*.part*"))


def test_two_builders_make_each_track_once(tmp_path, monkeypatch):
    made, make = [], module.make_track
    monkeypatch.setattr(module, "make_track", lambda spec, track: (made.append(track.path), make(spec, track)))
    team = [threading.Thread(target=build_demo, args=(SPEC, tmp_path, None, False)) for _ in range(2)]
    for one in team:
        one.start()
    for one in team:
        one.join()
    assert len(made) == len(set(made)) == 8


def test_what_is_there_is_not_touched_and_needs_no_synthesizer(built, monkeypatch):
    monkeypatch.setattr(module, "find_soundfont", lambda: pytest.fail("nothing is to be made"))
    assert build_demo(SPEC, built[0].path.parents[1], progress=False) == built


def test_names_and_order_tell_nothing(tmp_path):
    spec = DemoSpec(choose_genres(12))
    tracks = list_tracks(spec, tmp_path)
    numbers = np.array([int(track.path.stem.removeprefix("demo-")) for track in tracks])
    assert sorted(numbers) == list(range(480))
    assert abs(np.corrcoef(numbers, np.arange(480))[0, 1]) < 0.15
    assert len({track.artist_id for track in tracks}) == 96


def test_every_parameter_has_a_folder_of_its_own():
    others = [replace(SPEC, seed=1), replace(SPEC, seconds=2.0), replace(SPEC, genres=("jam02", "jaz03"))]
    assert len({SPEC.fingerprint, *(other.fingerprint for other in others)}) == 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"genres": ("jam02", "jam4")}, "'jam4'.*'jam04'"),
        ({"genres": ("jam02", "jam02")}, r"dataset\.genres: "),
        ({"tracks_per_genre": 3, "artists_per_genre": 8}, r"\b3 tracks .*\b8 artists"),
        ({"seconds": 0.1}, r"dataset\.seconds: 0\.1 .*\b1\b.*\b600\b"),
    ],
)
def test_impossible_demands_are_refused(values, message):
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        replace(SPEC, **values)


def test_too_many_genres():
    with pytest.raises(ConfigError, match=r"dataset\.genres: 40\b.*\b16\b"):
        choose_genres(40)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GenrelabError, match=naming(tmp_path / "file", "paths.cache_dir")):
        build_demo(SPEC, tmp_path / "file", progress=False)

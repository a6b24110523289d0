import errno
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from genrelab.audio import AudioSpec, cut_segments, decode_audio, load_audio
from genrelab.audio.augmentation_presets import PinkNoise, augment_rng
from genrelab.audio.errors import NO_SUCH_FILE, TEXT_FILE
from genrelab.audio.usability import SILENT, too_short
from genrelab.features import extract, extract_segments, make_spec, quantize
from genrelab.features.cache import FeatureCache
from genrelab.features.cache import builder as build
from genrelab.features.cache.shards import FeatureShards
from genrelab.utils.errors import GenrelabError

NOISE = PinkNoise()


def test_rows_hold_what_the_features_say(make_tracks, open_store, audio, specs):
    tracks, feature_cache = make_tracks(3), open_store()
    report = feature_cache.prepare(tracks, [NOISE], {"t001"}, workers=1, progress=False)
    assert (report.built, report.present, report.rejected) == (3, 0, ())
    assert report.audio_seconds == pytest.approx(7.5)
    rows = feature_cache.rows(["t001"], ["none", NOISE.name])
    assert list(rows.columns) == ["track_id", "source", "segment", "start", "augment", "position"]
    assert list(rows["segment"]) == [0, 0, 1, 1]
    assert list(rows["augment"]) == ["none", NOISE.name] * 2
    loaded = feature_cache.load(rows)
    segments = cut_segments(load_audio(tracks["path"][1], audio.sample_rate), audio, "t001")
    for line in range(4):
        samples = segments[line // 2].samples
        if line % 2:
            rng = augment_rng(audio.data_seed, "t001", line // 2, NOISE.name)
            samples = NOISE.apply(samples, audio.sample_rate, rng)
        for spec, array, expected in zip(specs, loaded, extract(specs, samples), strict=True):
            assert array.dtype == spec.dtype
            np.testing.assert_array_equal(array[line], quantize(spec, expected))


def test_a_second_prepare_finds_everything(make_tracks, open_store):
    tracks = make_tracks(3)
    open_store().prepare(tracks, workers=1, progress=False)
    before = {path: path.stat().st_mtime_ns for path in Path(open_store().root).rglob("*.npy")}
    report = open_store().prepare(tracks, workers=1, progress=False)
    assert (report.built, report.present) == (0, 3)
    assert before == {path: path.stat().st_mtime_ns for path in Path(open_store().root).rglob("*.npy")}


def test_only_what_is_missing_is_built(make_tracks, open_store, specs, monkeypatch):
    tracks = make_tracks(2)
    open_store(specs=specs[:1]).prepare(tracks, workers=1, progress=False)
    asked = []
    monkeypatch.setattr(
        "genrelab.features.cache.worker.extract_segments",
        lambda specs, sounds, backend: (
            asked.append([s.name for s in specs]) or extract_segments(specs, sounds, backend)
        ),
    )
    feature_cache = open_store()
    assert feature_cache.prepare(tracks, workers=1, progress=False).built == 2
    assert asked == [["mfcc"]] * 2
    assert len(feature_cache.rows(tracks["track_id"])) == 4
    asked.clear()
    feature_cache.prepare(tracks, [NOISE], {"t000"}, workers=1, progress=False)  # a new split: only its train copies
    assert asked == [["mel", "mfcc"]]


def test_features_of_other_order_line_up(make_tracks, open_store, specs):
    tracks = make_tracks(4)
    open_store(specs=specs[:1]).prepare(tracks, workers=1, progress=False)
    open_store(specs=specs[1:]).prepare(tracks[::-1], workers=1, progress=False)  # rows lie in another order
    feature_cache = open_store()
    assert feature_cache.prepare(tracks, workers=1, progress=False).built == 0
    fresh = open_store("fresh")
    fresh.prepare(tracks, workers=1, progress=False)
    for one, other in zip(
        feature_cache.load(feature_cache.rows(tracks["track_id"])),
        fresh.load(fresh.rows(tracks["track_id"])),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_any_order_of_rows_is_gathered(make_tracks, open_store):
    tracks, feature_cache = make_tracks(5), open_store()
    feature_cache.prepare(tracks, workers=1, progress=False)
    rows = feature_cache.rows(tracks["track_id"])
    sorted_rows = feature_cache.load(rows)
    order = np.random.default_rng(0).permutation(len(rows))
    for one, other in zip(feature_cache.load(rows.iloc[order]), sorted_rows, strict=True):
        np.testing.assert_array_equal(one, other[order])
    assert [len(array) for array in feature_cache.load(rows.iloc[:0])] == [0, 0]


def test_one_feature_twice_shares_its_rows(make_tracks, open_store, specs):
    tracks, feature_cache = make_tracks(2), open_store(specs=[specs[0], specs[0]])
    feature_cache.prepare(tracks, workers=1, progress=False)
    first, second = feature_cache.load(feature_cache.rows(["t000", "t001"]))
    np.testing.assert_array_equal(first, second)


def test_a_changed_file_is_built_anew(make_tracks, open_store):
    tracks, feature_cache = make_tracks(2), open_store()
    feature_cache.prepare(tracks, workers=1, progress=False)
    before = feature_cache.load(feature_cache.rows(["t000"]))[0]
    make_tracks(1, seconds=3.5)
    report = feature_cache.prepare(tracks, workers=1, progress=False)
    assert (report.built, report.present) == (1, 1)
    assert len(feature_cache.rows(["t000"])) == 3
    assert len(open_store().rows(["t000"])) == 3  # another process takes the file that was committed last
    assert not np.array_equal(before, feature_cache.load(feature_cache.rows(["t000"]))[0][:2]) or len(before) == 2


def test_audio_specs_do_not_mix(make_tracks, open_store, audio):
    tracks = make_tracks(1)
    open_store().prepare(tracks, workers=1, progress=False)
    other = AudioSpec(**{**audio.__dict__, "trim_top_db": 30.0})
    assert open_store(audio=other).prepare(tracks, workers=1, progress=False).built == 1


def test_what_was_not_prepared_is_said(make_tracks, open_store, specs):
    tracks, feature_cache = make_tracks(2), open_store()
    feature_cache.prepare(tracks.head(1), workers=1, progress=False)
    with pytest.raises(GenrelabError, match=r"'t001'.*genrelab prepare"):
        feature_cache.rows(["t000", "t001"])
    with pytest.raises(GenrelabError, match=r"'pink.*'t000'"):
        feature_cache.rows(["t000"], ["none", NOISE.name])
    open_store(specs=specs[:1]).prepare(tracks, workers=1, progress=False)
    with pytest.raises(GenrelabError, match=r"\bmel\b.*\bmfcc\b.*\bsegments\b"):
        open_store().rows(["t000", "t001"])


def test_bad_files_are_quarantined_until_they_change(make_tracks, open_store, tmp_path):
    tracks = make_tracks(2)
    good = Path(tracks["path"][1]).read_bytes()
    Path(tracks["path"][1]).write_text("no music\n" * 20)
    gone = pd.DataFrame([{"track_id": "gone", "path": str(tmp_path / "gone.wav")}])
    tracks = pd.concat([tracks, gone], ignore_index=True)
    for _ in range(2):
        feature_cache = open_store()
        report = feature_cache.prepare(tracks, workers=1, progress=False)
        assert dict(report.rejected) == {
            tracks["path"][1]: TEXT_FILE,
            str(tmp_path / "gone.wav"): NO_SUCH_FILE,
        }
        assert "2 files left out" in report.summary()
        assert set(feature_cache.rows(tracks["track_id"])["track_id"]) == {"t000"}
    assert (report.built, report.present) == (0, 1)
    Path(tracks["path"][1]).write_bytes(good)
    assert open_store().prepare(tracks, workers=1, progress=False).built == 1
    assert "t001" not in (open_store().root / "quarantine.json").read_text()


def test_short_tracks_are_counted(make_tracks, open_store, audio):
    tracks = pd.concat([make_tracks(1), make_tracks(2, seconds=0.5, first=5)], ignore_index=True)
    report = open_store().prepare(tracks, workers=1, progress=False)
    assert (report.padded, report.rejected) == (2, ())
    assert "2 tracks " in report.summary()
    drop = AudioSpec(**{**audio.__dict__, "short_tracks": "drop"})
    for built in (1, 0):
        feature_cache = open_store(audio=drop)
        report = feature_cache.prepare(tracks, workers=1, progress=False)
        assert (report.built, report.padded) == (built, 0)
        assert dict(report.rejected) == dict.fromkeys(tracks["path"][1:], too_short(drop))
        assert set(feature_cache.rows(tracks["track_id"])["track_id"]) == {"t000"}


def test_silence_and_next_to_no_sound_are_left_out(make_tracks, open_store, audio):
    tracks = pd.concat([make_tracks(2), make_tracks(1, seconds=0.05, first=5)], ignore_index=True)
    soundfile.write(tracks["path"][1], np.full(20_000, 0.0005), audio.sample_rate)
    for built in (1, 0):
        feature_cache = open_store()
        report = feature_cache.prepare(tracks, workers=1, progress=False)
        assert (report.built, report.padded) == (built, 0)
        assert dict(report.rejected) == {tracks["path"][1]: SILENT, tracks["path"][2]: too_short(audio)}
        assert set(feature_cache.rows(tracks["track_id"])["track_id"]) == {"t000"}


def test_a_value_that_does_not_fit_stops_the_build_and_keeps_the_rest(make_tracks, open_store, monkeypatch):
    tracks = make_tracks(3)
    calls = iter(range(100))

    def loud(specs, sounds, backend):
        found = extract_segments(specs, sounds, backend)
        return [[array * 1e6 for array in arrays] for arrays in found] if next(calls) == 1 else found

    with monkeypatch.context() as patch:
        patch.setattr("genrelab.features.cache.worker.extract_segments", loud)
        with pytest.raises(GenrelabError, match=r"t001\.wav: .*features\.mel\.dtype=float32"):
            open_store().prepare(tracks, workers=1, progress=False)
    report = open_store().prepare(tracks, workers=1, progress=False)
    assert (report.built, report.present, report.rejected) == (2, 1, ())


def test_an_unwritable_root_is_one_clear_line(make_tracks, open_store, tmp_path):
    tracks = make_tracks(1)
    (tmp_path / "file").write_text("x")
    with pytest.raises(GenrelabError, match=r"/file: .*set paths\.feature_cache_dir"):
        open_store("file").prepare(tracks, workers=1, progress=False)
    with pytest.raises(GenrelabError, match=r"/file/below: .*set paths\.feature_cache_dir"):
        open_store("file/below").prepare(tracks, workers=1, progress=False)


def test_no_space_leaves_nothing_half_written(make_tracks, open_store, monkeypatch):
    tracks = make_tracks(2)

    def full(path, array):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        with pytest.raises(GenrelabError, match=os.strerror(errno.ENOSPC).lower()):
            open_store().prepare(tracks, workers=1, progress=False)
    left = [path.name for path in open_store().root.rglob("*") if path.is_file()]
    assert sorted(left) == [".lock", "meta.json"]
    assert open_store().prepare(tracks, workers=1, progress=False).built == 2


def test_an_index_that_cannot_be_written_takes_its_shard_along(tmp_path, monkeypatch):
    shards = FeatureShards(tmp_path / "f", {"shape": [2], "dtype": "float32"})
    keys = pd.DataFrame([("a", "1", 0, 0, "none")], columns=["track_id", "source", "segment", "start", "augment"])
    monkeypatch.setattr(pd.DataFrame, "to_parquet", lambda *args, **kw: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        shards.append(keys, np.zeros((1, 2), np.float32))
    assert not list((tmp_path / "f").glob("*.npy"))


def test_another_feature_in_the_folder_is_refused(tmp_path):
    keys = pd.DataFrame([("a", "1", 0, 0, "none")], columns=["track_id", "source", "segment", "start", "augment"])
    FeatureShards(tmp_path, {"shape": [2], "dtype": "float32"}).append(keys, np.zeros((1, 2), np.float32))
    with pytest.raises(GenrelabError, match=re.escape(str(tmp_path))):
        FeatureShards(tmp_path, {"shape": [3], "dtype": "float32"})


def test_leftovers_of_a_killed_writer_go(make_tracks, open_store):
    tracks, feature_cache = make_tracks(1), open_store()
    feature_cache.root.mkdir()
    (feature_cache.root / ".quarantine.1.part.json").write_text("{")
    feature_cache.prepare(tracks, workers=1, progress=False)
    assert not list(feature_cache.root.rglob(".*.part*"))


def test_ctrl_c_keeps_what_is_done(make_tracks, open_store, monkeypatch):
    tracks = make_tracks(4)
    calls = iter([None, None, KeyboardInterrupt])

    def interrupted(path, rate):
        if error := next(calls, None):
            raise error
        return decode_audio(path, rate)

    with monkeypatch.context() as patch:
        patch.setattr("genrelab.features.cache.worker.decode_audio", interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_store().prepare(tracks, workers=1, progress=False)
    report = open_store().prepare(tracks, workers=1, progress=False)
    assert (report.built, report.present) == (2, 2)


def test_commits_come_often(make_tracks, open_store, monkeypatch):
    monkeypatch.setattr(build, "COMMIT_TRACKS", 2)
    tracks, feature_cache = make_tracks(5), open_store()
    feature_cache.prepare(tracks, workers=1, progress=False)
    assert len(list(feature_cache.root.glob("mel_db-*/shard-*.npy"))) == 3
    assert len(feature_cache.load(feature_cache.rows(tracks["track_id"]))[0]) == 10


def test_an_unreadable_folder_of_permissions(make_tracks, open_store, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(GenrelabError, match="permission denied"):
        open_store("locked/store").prepare(make_tracks(1), workers=1, progress=False)


def test_lower_sample_rates_are_told_on_later_runs_too(tmp_path):
    import soundfile

    paths = [tmp_path / f"{rate}.wav" for rate in (4_000, 8_000)]
    for path in paths:
        soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 12_000), int(path.stem))
    tracks = pd.DataFrame({"track_id": ["low", "full"], "path": [str(path) for path in paths]})
    audio = AudioSpec(sample_rate=8_000, segment_duration=1.0)
    spec = make_spec("mel_db", {"kind": "mel_db", "n_fft": 512, "n_mels": 16, "frames": 8}, audio)
    for built in (2, 0):
        report = FeatureCache(tmp_path / "store", audio, [spec]).prepare(tracks, workers=1, progress=False)
        assert (report.built, report.upsampled) == (built, ((str(paths[0]), 4_000),))
        assert report.counts() == {"padded": 0, "upsampled": 1}
    track_index = next((tmp_path / "store").glob("audio-*/tracks.parquet"))
    pd.read_parquet(track_index).drop(columns="sample_rate").to_parquet(
        track_index, index=False
    )  # as it was kept before
    assert FeatureCache(tmp_path / "store", audio, [spec]).prepare(tracks, progress=False).upsampled == ()


def test_notes_on_files_are_told_each_time(make_tracks, open_store):
    tracks = make_tracks(2)
    samples, rate = soundfile.read(tracks["path"][1])
    soundfile.write(tracks["path"][1], np.stack([samples, -0.9 * samples], axis=1), rate)
    for built in (2, 0):
        report = open_store().prepare(tracks, workers=1, progress=False)
        assert report.built == built and [path for path, _ in report.notes] == [tracks["path"][1]]
        assert any("channel 1 is taken" in line for line in report.lines())

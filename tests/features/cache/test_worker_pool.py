"""The builder as processes: several workers, two builders at once, killed and interrupted ones."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from genrelab.features.cache.shards import FeatureShards

BUILDER = """
import sys, pandas as pd
from genrelab.audio import AudioSpec
from genrelab.features import make_spec
from genrelab.features.cache import FeatureCache, builder
builder.COMMIT_TRACKS = 3

def main():
    tracks, root, workers = pd.read_csv(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    audio = AudioSpec(sample_rate=8000, segment_duration=1.0, trim_top_db=None)
    config = dict(frames=16, n_fft=512, hop_length=256, n_mels=16)
    specs = [make_spec("mel", dict(kind="mel_db", **config), audio)]
    specs += [make_spec("mfcc", dict(kind="mfcc", n_mfcc=8, **config), audio)]
    report = FeatureCache(root, audio, specs).prepare(tracks, workers=workers, progress=False)
    print("built", report.built, "present", report.present, *[reason for _, reason in report.rejected])

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def start(tmp_path):
    (tmp_path / "builder.py").write_text(BUILDER)

    def run(tracks, root, workers=1, environment=None):
        tracks.to_csv(tmp_path / "tracks.csv", index=False)
        command = [sys.executable, str(tmp_path / "builder.py"), str(tmp_path / "tracks.csv"), str(tmp_path / root)]
        return subprocess.Popen(
            [*command, str(workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    return run


def content(feature_cache, tracks):
    rows = feature_cache.rows(tracks["track_id"])
    return rows.drop(columns="position"), feature_cache.load(rows)


def assert_same(one, other):
    assert one[0].equals(other[0])
    for left, right in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(left, right)


def wait_for_rows(feature_cache, count, process):
    for _ in range(600):
        if len(feature_cache._shards[1].index()) >= count or process.poll() is not None:
            return
        time.sleep(0.02)


def test_two_builders_at_once_and_workers_end_with_one_sound_store(make_tracks, open_store, start):
    tracks = make_tracks(12)
    builders = [start(tracks, "store", workers=2), start(tracks, "store")]
    outputs = [builder.communicate(timeout=60) for builder in builders]
    assert sorted(out for out, _ in outputs) == ["built 0 present 12\n", "built 12 present 0\n"]
    assert any("process" in err for _, err in outputs)
    alone = open_store("alone")
    alone.prepare(tracks, workers=1, progress=False)
    assert_same(content(open_store(), tracks), content(alone, tracks))
    for shards in open_store()._shards:
        assert not shards.index().duplicated(["track_id", "segment", "augment"]).any()


def test_killed_and_resumed_equals_uninterrupted(make_tracks, open_store, start):
    tracks, feature_cache = make_tracks(60), open_store()
    builder = start(tracks, "store")
    wait_for_rows(feature_cache, 6, builder)
    builder.send_signal(signal.SIGKILL)
    builder.communicate(timeout=10)
    done = len(feature_cache._shards[0].index())
    assert 6 <= done < 120
    report = open_store().prepare(tracks, workers=1, progress=False)
    assert report.built + report.present == 60
    assert report.present >= 3
    whole = open_store("whole")
    whole.prepare(tracks, workers=1, progress=False)
    assert_same(content(open_store(), tracks), content(whole, tracks))


def test_ctrl_c_ends_the_workers_and_keeps_what_is_done(make_tracks, open_store, start):
    tracks, feature_cache = make_tracks(200), open_store()
    builder = start(tracks, "store", workers=2)
    wait_for_rows(feature_cache, 6, builder)
    command = ["ps", "--ppid", str(builder.pid), "-o", "pid="]
    children = subprocess.run(command, capture_output=True, text=True, check=False)
    workers = [int(pid) for pid in children.stdout.split()]
    builder.send_signal(signal.SIGINT)
    builder.communicate(timeout=20)
    assert builder.returncode != 0
    assert len(feature_cache._shards[0].index()) >= 6
    assert len(feature_cache._shards[0].index()) == len(feature_cache._shards[1].index())
    time.sleep(0.2)
    assert not [pid for pid in workers if _alive(pid)]


def _alive(pid):
    state = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False)
    return state.stdout.strip()[:1] not in ("", "Z")


def test_a_file_that_crashes_its_decoder_is_rejected(make_tracks, open_store, start, tmp_path):
    tracks = make_tracks(5)
    (tmp_path / "sitecustomize.py").write_text(
        "import soundfile, os, signal\n"
        "whole = soundfile.SoundFile.__init__\n"
        "def crash(self, file, *args, **kw):\n"
        "    if 't002' in str(file): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    whole(self, file, *args, **kw)\n"
        "soundfile.SoundFile.__init__ = crash\n"
    )
    builder = start(
        tracks,
        "store",
        workers=2,
        environment={"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
    )
    out, err = builder.communicate(timeout=60)
    assert re.fullmatch(r"built 4 present 0 .*\(exit code -11\)\n", out), err
    assert set(open_store().rows(tracks["track_id"])["track_id"]) == {"t000", "t001", "t003", "t004"}


def test_a_script_without_a_main_guard_is_told(make_tracks, start, tmp_path):
    (tmp_path / "builder.py").write_text(BUILDER.replace('if __name__ == "__main__":', "if True:"))
    _, err = start(make_tracks(4), "store", workers=2).communicate(timeout=60)
    assert "under `if __name__ == '__main__':`" in err.replace("\\'", "'")


def test_shards_are_found_by_any_reader(make_tracks, open_store, specs):
    feature_cache, tracks = open_store(), make_tracks(2)
    feature_cache.prepare(tracks, workers=1, progress=False)
    folder = feature_cache._shards[0].folder
    assert len(FeatureShards(folder, feature_cache._shards[0].meta).index()) == 4

import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import soxr

from dataset_indexes import make_dataset_index
from genrelab.audio import AudioSpec
from genrelab.audio.errors import EMPTY_FILE
from genrelab.datasets import duplicates
from genrelab.datasets import recordings as pass_over_files
from genrelab.datasets.duplicates import find_copies, group_copies, mark_duplicates
from genrelab.datasets.recordings import Recording, scan_recordings
from genrelab.datasets.splits import crossing_artists, official
from genrelab.datasets.splits.registry import SPLITS
from genrelab.datasets.splits.split import crossing_duplicates
from sounds import music

RATE = 16_000
AUDIO = AudioSpec(sample_rate=RATE, segment_duration=2.0)


def write(path, samples, rate=RATE, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **how)
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three tunes; of the first copies by other codecs, rates, gains and cuts."""
    root = tmp_path_factory.mktemp("tunes")
    tune = music(7.0, RATE, seed=1)
    late = np.r_[np.zeros(RATE // 2, np.float32), tune]
    paths = [write(root / f"{seed}.wav", music(7.0, RATE, seed=seed)) for seed in (1, 2, 3)]
    paths.append(write(root / "quiet.ogg", 0.7 * tune))
    paths.append(write(root / "loud.mp3", np.clip(1.4 * late, -1, 1)))
    paths.append(write(root / "cut.flac", soxr.resample(tune[RATE // 2 :], RATE, 44_100), 44_100))
    paths.append(write(root / "telephone.wav", soxr.resample(tune, RATE, 8_000), 8_000, subtype="PCM_U8"))
    return paths


def test_group_copies_finds_other_encodings_and_no_other_tune(files):
    assert group_copies(scan_recordings(files, AUDIO, progress=False)) == [[0, 3, 4, 5, 6]]


def test_find_copies_takes_equal_samples_whatever_their_length_and_no_silence(tmp_path):
    click = music(0.5, RATE, seed=4)
    paths = [write(tmp_path / "a.wav", click)]
    paths.append(write(tmp_path / "b.flac", soundfile.read(paths[0])[0]))
    paths += [write(tmp_path / f"silent{n}.wav", np.zeros(8 * RATE)) for n in (0, 1)]
    (tmp_path / "empty.wav").write_bytes(b"")
    found = scan_recordings([*paths, str(tmp_path / "empty.wav")], AUDIO, progress=False)
    assert [(copy.first, copy.second, copy.bit_error) for copy in find_copies(found)] == [(0, 1, 0.0)]
    assert found[4].reason == EMPTY_FILE and not found[4].silent and found[2].silent


def test_find_copies_of_tunes_with_silent_ends_and_gaps_differ(tmp_path):
    long = np.zeros(6 * RATE, np.float32)
    gap = [np.r_[music(3.0, RATE, seed=s), long, music(3.0, RATE, seed=s + 9), long] for s in (1, 2)]
    paths = [write(tmp_path / f"{n}.wav", samples) for n, samples in enumerate(gap)]
    assert find_copies(scan_recordings(paths, AUDIO, progress=False)) == []


def made(words, name):
    return Recording(duration=30, usable=30, sample_rate=RATE, peak=1, sha256=name, words=words)


def test_find_copies_among_many_compares_few(monkeypatch):
    draw = np.random.default_rng(0)
    prints = draw.integers(1, 2**32, size=(2_000, 600), dtype=np.uint32)
    prints[:, 100:120] = 7  # a loop that all of them have
    copy = prints[17, 11:].copy()
    for bit in range(32):  # of copies a tenth of the bits differ
        copy ^= (draw.random(len(copy)) < 0.1).astype(np.uint32) << np.uint32(bit)
    every = [*(made(words, str(number)) for number, words in enumerate(prints)), made(copy, "copy")]
    compared = []
    own = duplicates._bit_error
    monkeypatch.setattr(duplicates, "_bit_error", lambda a, b, offset: (compared.append(0), own(a, b, offset))[1])
    found = find_copies(every)
    assert [(one.first, one.second) for one in found] == [(17, 2_000)]
    assert found[0].bit_error == pytest.approx(0.1, abs=0.02)
    assert len(compared) < 100
    monkeypatch.setattr(duplicates, "_MAX_WORDS", 300_000)  # a fourth of the words is looked up
    assert [(one.first, one.second) for one in find_copies(every)] == [(17, 2_000)]


def test_scan_recordings_reads_a_file_once_until_it_changes(files, tmp_path, monkeypatch):
    first = scan_recordings(files[:2], AUDIO, tmp_path, progress=False)
    read = []
    own = pass_over_files.decode_audio
    monkeypatch.setattr(pass_over_files, "decode_audio", lambda path, rate: (read.append(path), own(path, rate))[1])
    again = scan_recordings(files[:3], AUDIO, tmp_path, progress=False)
    assert read == [files[2]]
    for one, other in zip(first, again, strict=False):
        assert np.array_equal(one.words, other.words)
        assert replace(one, words=None).__dict__ == replace(other, words=None).__dict__
    os.utime(files[0], ns=(1, 1))
    scan_recordings(files[:3], AUDIO, tmp_path, progress=False)
    assert read == [files[2], files[0]]
    scan_recordings(files[:1], replace(AUDIO, sample_rate=8_000), tmp_path, progress=False)
    assert read == [files[2], files[0], files[0]], "other rates have other samples"


INDEX = make_dataset_index([("rock" if n % 2 else "jazz", f"a{n}") for n in range(40)])


def test_mark_duplicates_names_groups_and_drops_those_of_several_genres():
    marked = mark_duplicates(INDEX, [[0, 3], [4, 8, 12]])
    assert marked.duplicate_groups == (("t0000", "t0003"), ("t0004", "t0008", "t0012"))
    assert INDEX.duplicate_groups is None
    assert mark_duplicates(INDEX, []).duplicate_groups == ()
    dropped = mark_duplicates(INDEX, [[0, 3], [4, 8, 12]], drop=True)
    assert set(INDEX.genre_of) - set(dropped.genre_of) == {"t0000", "t0003"}
    assert dropped.duplicate_groups == (("t0004", "t0008", "t0012"),)
    (path, reason), _ = dropped.rejected
    assert path == "0.wav" and "t0003" in reason and "rock" in reason


@pytest.mark.parametrize("group_by", ["artist", None])
@pytest.mark.parametrize(
    ("kind", "further"), [("grouped", {}), ("stratified", {"fold": 1}), ("auto", {"ratios": [0.6, 0.2, 0.2]})]
)
def test_splits_by_rule_keep_copies_in_one_part(kind, further, group_by):
    pairs = [[n, n + 2] for n in range(0, 40, 4)]
    marked = mark_duplicates(INDEX, pairs)
    for seed in range(5):
        params = {"seed": seed, "group_by": group_by, **further}
        split = SPLITS.build(kind, params, dataset_index=marked)
        assert crossing_duplicates(split.assignment, marked) == []
        without = SPLITS.build(kind, params, dataset_index=INDEX)
        assert mark_duplicates(INDEX, []).duplicate_groups == () and crossing_duplicates(without.assignment, marked)
        unmarked = SPLITS.build(kind, params, dataset_index=mark_duplicates(INDEX, []))
        assert unmarked.hash == without.hash, "a dataset without copies is split as before"


def test_copies_and_artists_group_together():
    index = make_dataset_index([("g", "a" if n < 2 else f"x{n}") for n in range(30)])
    marked = mark_duplicates(index, [[1, 7], [7, 9]])
    split = SPLITS.build("grouped", {}, dataset_index=marked)
    assert len({split.assignment[f"t000{n}"] for n in (0, 1, 7, 9)}) == 1
    assert crossing_artists(split.assignment, marked) == []


def test_published_lists_keep_their_copies_where_they_are():
    parts = ["train", "val", "test"]
    index = make_dataset_index([("g", f"a{n}", None, parts[n % 3]) for n in range(9)])
    marked = mark_duplicates(index, [[0, 1], [3, 6]])
    assert official(marked).assignment == official(index).assignment
    crossing = [(("t0000", "train"), ("t0001", "val"))]
    assert crossing_duplicates(official(marked).assignment, marked) == crossing

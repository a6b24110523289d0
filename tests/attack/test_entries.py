"""Runs, checkpoints and taxonomies of somebody else: what is out of bounds is one line that names the file."""

from __future__ import annotations

import copy
import json
import math
import shutil

import pytest
import torch

from genrelab import load_predictor
from genrelab.audio.spec import AudioSpec
from genrelab.evaluation.report.examples import load_examples
from genrelab.runs.run_dir import RunDir
from genrelab.runs.run_record import RunRecord
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.taxonomy import EdgeWeights, Link, Taxonomy
from genrelab.utils.errors import ConfigError, GenrelabError

ESCAPE = "Jazz\x1b]0;owned\x07"


def put(path, value):
    def change(checkpoint):
        *above, last = path
        node = checkpoint
        for key in above:
            node = node[key]
        node[last] = value

    return change


def first_weight(value):
    def change(checkpoint):
        name = next(name for name, one in checkpoint["state_dict"].items() if one.is_floating_point())
        checkpoint["state_dict"][name].view(-1)[0] = value

    return change


def deep(checkpoint):
    node = checkpoint["genrelab"]["model"]["params"]
    for _ in range(150):
        node["x"] = {}
        node = node["x"]


CONTENT = ("genrelab",)
AUDIO = (*CONTENT, "preprocessing", "audio")
FEATURE = (*CONTENT, "preprocessing", "features", 0)
NORMALIZE = (*CONTENT, "preprocessing", "normalize")
MODEL = (*CONTENT, "model")
CHECKPOINTS = {
    "link of negative length": put((*CONTENT, "taxonomy", "links"), [["A", "B", "x", -1.0]]),
    "link of infinite length": put((*CONTENT, "taxonomy", "links"), [["A", "B", "x", math.inf]]),
    "link without a number": put((*CONTENT, "taxonomy", "links"), [["A", "B", "x", "near"]]),
    "weight of NaN": put((*CONTENT, "taxonomy", "weights", "primary"), math.nan),
    "weight of text": put((*CONTENT, "taxonomy", "weights", "primary"), "far"),
    "title with an escape sequence": put((*CONTENT, "taxonomy", "titles"), [ESCAPE, "b", "c"]),
    "title of two lines": put((*CONTENT, "taxonomy", "titles"), ["a\nerror: b", "b", "c"]),
    "title of a number": put((*CONTENT, "taxonomy", "titles"), [1, "b", "c"]),
    "name of the taxonomy": put((*CONTENT, "taxonomy", "name"), ESCAPE),
    "run id": put((*CONTENT, "run_id"), ESCAPE),
    "no rate": put((*AUDIO, "sample_rate"), 0),
    "rate of a terahertz": put((*AUDIO, "sample_rate"), 10**12),
    "endless segments": put((*AUDIO, "segment_seconds"), math.inf),
    "segments of no length": put((*AUDIO, "segment_seconds"), math.nan),
    "segments of years": put((*AUDIO, "segment_seconds"), 1e9),
    "huge window": put((*FEATURE, "params", "n_fft"), 10**12),
    "huge number of mels": put((*FEATURE, "params", "n_mels"), 10**9),
    "negative hop": put((*FEATURE, "params", "hop_length"), -1),
    "other shape": put((*FEATURE, "shape"), [32, 33]),
    "huge shape": put((*FEATURE, "shape"), [10**6, 10**6]),
    "too few statistics": lambda checkpoint: checkpoint["genrelab"]["preprocessing"]["normalize"].pop(),
    "mean of another length": put((*NORMALIZE, 0, "mean"), [[0.0]] * 7),
    "mean of NaN": put((*NORMALIZE, 0, "mean"), [[math.nan]]),
    "deviation of 0": put((*NORMALIZE, 0, "std"), [[0.0]]),
    "weights of NaN": first_weight(math.nan),
    "weights that are infinite": first_weight(math.inf),
    "huge network": put((*MODEL, "params", "width"), 10**9),
    "network of no width": put((*MODEL, "params", "width"), 0),
    "huge input": put((*MODEL, "in_shapes"), [[10**6, 10**6], [32, 32]]),
    "input of text": put((*MODEL, "in_shapes"), "32x32"),
    "unknown kind": put((*MODEL, "kind"), "os.system"),
    "unknown parameter": put((*MODEL, "params", "shell"), "id"),
    "crops of nothing": put((*MODEL, "crop_ratio"), 0.0),
    "crops of text": put((*MODEL, "crop_ratio"), "half"),
    "deeply nested": deep,
    "no state": put(("state_dict",), None),
    "state of numbers": put(("state_dict",), {"a": 1}),
}


@pytest.fixture(scope="module")
def checkpoint(run):
    return torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)


@pytest.mark.parametrize("case", CHECKPOINTS)
def test_a_hostile_checkpoint_is_one_line(checkpoint, tmp_path, case):
    changed = copy.deepcopy({name: checkpoint[name] for name in ("genrelab", "state_dict")})
    CHECKPOINTS[case](changed)
    file = tmp_path / "best.ckpt"
    torch.save(changed, file)
    with pytest.raises(GenrelabError) as caught:
        load_predictor(file)
    text = str(caught.value)
    assert str(file) in text and text.isprintable() and len(text) < 1000, text


@pytest.mark.parametrize("length", [-1.0, 0.0, math.inf, math.nan, "1", True, None])
def test_lengths_are_finite_and_above_0(length):
    with pytest.raises(ConfigError, match=r"taxonomy\.weights\.primary"):
        EdgeWeights(primary=length if length is not None else -0.0)
    if length is not None:
        with pytest.raises(GenrelabError, match="a-b"):
            Link("a", "b", "x", length)


def test_taxonomies_of_files(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\ngenres:\n  - {code: a, title: A}\n  - {code: b, title: B}\nlinks:\n  - [a, b, x, .inf]\n"
    )
    with pytest.raises(GenrelabError) as caught:
        TAXONOMIES.build("file", {"path": str(file)})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "{", ""])
def test_a_record_of_another_form_is_one_line(run, tmp_path, text):
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "run.json").write_text(text)
    for read in (RunRecord.read, RunDir.read):
        with pytest.raises(GenrelabError, match=r"run\.json"):
            read(folder)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_cut_examples_are_left_out(run, tmp_path, share):
    folder = shutil.copytree(run / "report", tmp_path / "report")
    data = (run / "report" / "examples.npz").read_bytes()
    assert load_examples(folder)
    (folder / "examples.npz").write_bytes(data[: int(share * len(data))])
    assert load_examples(folder) == []


def test_audio_of_configurations_is_bounded_too():
    for bad in ({"sample_rate": 10**9}, {"segment_duration": math.inf}, {"segment_duration": math.nan}):
        with pytest.raises(ConfigError, match=rf"audio\.{next(iter(bad))}"):
            AudioSpec(**bad)


def test_titles_of_all_scripts_are_fine():
    titles = ("Música popular brasileira", "演歌", "الراي", "Drum\u00a0and\u00a0Bass", "R&B <3")
    codes = tuple("abcde")
    made = Taxonomy("mine", "x", codes, titles, ("s",) * 5, {"s": "S"})
    assert Taxonomy.from_dict(json.loads(json.dumps(made.to_dict()))).titles == titles

import re

import pytest

from genrelab.tuning.search_space import (
    describe,
    differences,
    format_params,
    grid,
    overrides_of,
    read_space,
    split_sweeps,
)
from genrelab.utils.errors import ConfigError


def one(text):
    return read_space({"x": text})["x"]


def test_the_official_grammar():
    assert one("choice(1,2.5,true,a)").values == (1, 2.5, True, "a")
    assert one("1,2,null").values == (1, 2, None)
    floats = one("interval(0.5,2)")
    assert (floats.low, floats.high, floats.integer, floats.log) == (0.5, 2, False, False)
    assert one("int(interval(1,8))").integer and not one("interval(1,8)").integer
    assert one("tag(log,interval(1e-5,1e-2))").log
    assert one("range(1,8,2)").points() == [1, 3, 5, 7]
    assert one("range(0,1,0.25)").points() == [0, 0.25, 0.5, 0.75]  # without its end, as the grammar has it


def test_lists_are_one_value_each():
    pairs = read_space({"features": "choice([pcen,mfcc],[pcen,mel_db])"})["features"]
    assert pairs.values == ("[pcen,mfcc]", "[pcen,mel_db]")
    assert pairs.override("[pcen,mel_db]") == "features=[pcen,mel_db]"


def test_values_become_the_overrides_they_were_written_as():
    space = read_space({"a": "choice(1,1.0,true)", "b": "interval(0.0,1.0)"})
    assert overrides_of(space, {"a": True, "b": 0.1}) == ["a=True", "b=0.1"]
    assert overrides_of(space, {"a": 1.0}) == ["a=1.0"]


def test_a_grid_has_every_point_once():
    space = read_space({"a": "choice(1,2)", "b": "range(0,3)"})
    assert grid(space) == [{"a": a, "b": b} for a in (1, 2) for b in (0, 1, 2)]
    with pytest.raises(ConfigError, match="x: "):
        grid(read_space({"x": "interval(0.0,1.0)"}))
    with pytest.raises(ConfigError, match=r"\b1000000 points"):
        grid(read_space({"a": "range(0,1000)", "b": "range(0,1000)"}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("3", r"params\.x: 3 .*choice"),
        ("choice(1", r"params\.x: .*'choice\(1'"),
        ("interval(2,1)", r"params\.x: 2 to 1 "),
        ("tag(log,interval(0,1))", r"params\.x: .*tag\(log.*\b0\b"),
        ("choice(1,2,1)", r"params\.x: 1 "),
        ("range(3,1)", r"params\.x: range\(3,1,"),
    ],
)
def test_what_is_no_dimension_is_said_so(text, told):
    with pytest.raises(ConfigError, match=told):
        one(text)


def test_differences_name_each_leaf():
    old = {"params": describe(read_space({"x": "choice(1,2)", "y": "choice(1,2)"})), "n": 1}
    new = {"params": describe(read_space({"x": "choice(1,3)", "z": "interval(1.0,2.0)"})), "n": 1}
    lines = dict(line.split(": ", 1) for line in differences(old, new))
    assert list(lines) == ["params.x", "params.y", "params.z"]
    assert re.search(r"choice\(1, 2\).*choice\(1, 3\)", lines["params.x"])
    assert re.search(r"choice\(1, 2\), ", lines["params.y"]) and re.search(r" 1 to 2$", lines["params.z"])


def test_sweeps_are_told_from_what_is_fixed():
    fixed, swept = split_sweeps(["model=cnn", "beta=choice(1,2)", "features=[pcen,mfcc]", "x=1,2"])
    assert fixed == ["model=cnn", "features=[pcen,mfcc]"]
    assert swept == {"beta": "choice(1,2)", "x": "1,2"}


def test_short_form_for_people():
    assert format_params({"graph.weights.primary": 1.23456789, "features": "pcen"}) == "primary=1.235 features=pcen"

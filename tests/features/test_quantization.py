import pickle
import re

import numpy as np
import pytest

from genrelab.audio import AudioSpec
from genrelab.features import FeatureError, FeatureOverflow, FeatureSpec, dequantize, extract, make_spec, quantize
from naming import naming

AUDIO = AudioSpec(segment_duration=3.0)


def spec(kind, **config):
    return make_spec("some", {"kind": kind, **config}, AUDIO)


def test_the_variance_of_rolloff_overflows_float16():
    """A click makes it 1.6 million, float16 ends at 65,504."""
    samples = np.zeros(AUDIO.segment_samples, np.float32)
    samples[30_000] = 1
    half = spec("tabular57", dtype="float16")
    with pytest.raises(FeatureOverflow) as caught:
        quantize(half, extract([half], samples)[0])
    text = str(caught.value)
    assert re.search("'some'.* float16.*features.some.dtype=float32", text)
    assert "\n" not in text
    assert quantize(spec("tabular57"), extract([half], samples)[0]).dtype == np.float32


@pytest.mark.parametrize(
    ("dtype", "value", "fits"),
    [
        *[("float16", 65_504, True), ("float16", 65_519, True), ("float16", 65_520, False), ("float16", -7e4, False)],
        *[("float32", 1e9, True), ("uint8", -100.0, True), ("uint8", 60.2, True), ("uint8", 61.0, False)],
        ("uint8", -101.0, False),
    ],
)
def test_what_fits(dtype, value, fits):
    array = np.full((2, 128, 256), value, np.float32)
    if fits:
        stored = quantize(spec("mel_db", dtype=dtype), array)
        assert stored.dtype == dtype and np.isfinite(dequantize(spec("mel_db", dtype=dtype), stored)).all()
    else:
        with pytest.raises(FeatureOverflow, match=rf"'some'.* {dtype}\b"):
            quantize(spec("mel_db", dtype=dtype), array)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "uint8"])
def test_what_is_no_number_is_named(bad, dtype):
    array = np.zeros((128, 256), np.float32)
    array[3, 4] = bad
    with pytest.raises(FeatureError, match=naming("'some'", "NaN")):
        quantize(spec("mel_db", dtype=dtype), array)


def test_rounding_there_and_back():
    array = np.random.default_rng(0).uniform(-100, 60, (5, 128, 256)).astype(np.float32)
    for dtype, error in (("float32", 0), ("float16", 0.04), ("uint8", 160 / 255 / 2 + 1e-4)):
        s = spec("mel_db", dtype=dtype)
        back = dequantize(s, quantize(s, array))
        assert back.dtype == np.float32 and np.abs(back - array).max() <= error
        assert np.array_equal(dequantize(s, quantize(s, back)), back)  # rounding again changes nothing


def test_spec_travels_as_plain_data():
    import json

    for s in (spec("mel_db", dtype="uint8"), spec("scalars")):
        again = FeatureSpec.from_dict(json.loads(json.dumps(s.to_dict())))
        assert again == s and again.fingerprint == s.fingerprint


def test_fingerprint_is_of_what_decides_the_numbers():
    base = spec("mel_db")
    assert make_spec("other", {"kind": "mel_db"}, AUDIO).fingerprint == base.fingerprint
    others = [spec("mel_db", n_mels=64), spec("mel_db", dtype="uint8"), spec("mel_pcen")]
    others.append(make_spec("some", {"kind": "mel_db"}, AudioSpec(segment_duration=4.0)))
    assert len({base.fingerprint, *(s.fingerprint for s in others)}) == 5
    assert spec("mel_db", fmin=0) == base  # 0 and 0.0 are one


def test_samples_must_be_what_the_spec_was_made_for():
    with pytest.raises(FeatureError, match=r"\[22050\] .*\[66150\] .*22050 Hz"):
        extract([spec("mel_db")], np.zeros(22_050, np.float32))
    with pytest.raises(FeatureError, match="NaN"):
        extract([spec("mel_db")], np.full(AUDIO.segment_samples, np.nan, np.float32))


def test_errors_come_home_from_workers():
    for error in (FeatureError("a", "b"), FeatureOverflow("a", "b")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error) and re.search(naming("'a'", "b"), str(again))

import numpy as np
import pandas as pd
import pytest

from genrelab.audio import AudioSpec
from genrelab.features import make_spec, quantize
from genrelab.features.csv_export import export_csv, feature_table
from naming import naming

AUDIO = AudioSpec(segment_duration=3.0)
FILES, LABELS = ["a,b.wav", "c.wav"], ["blues", "rock"]


def test_a_vector_table_reads_back_in_gtzans_layout(tmp_path):
    spec = make_spec("t", {"kind": "tabular57"}, AUDIO)
    values = np.random.default_rng(0).normal(0, 1e6, (2, 57)).astype(np.float32)
    export_csv(tmp_path / "out" / "features.csv", FILES, LABELS, [spec], [values])
    table = pd.read_csv(tmp_path / "out" / "features.csv")
    names = list(table.columns)
    assert names[:4] == ["filename", "length", "chroma_stft_mean", "chroma_stft_var"]
    assert names[17:21] == ["perceptr_var", "tempo", "mfcc1_mean", "mfcc1_var"]
    assert names[-3:] == ["mfcc20_mean", "mfcc20_var", "label"] and len(names) == 60
    assert list(table["filename"]) == FILES and list(table["label"]) == LABELS and set(table["length"]) == {66_150}
    assert table[names[2:-1]].to_numpy() == pytest.approx(values, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_a_picture_gives_mean_and_variance_of_each_row(dtype):
    spec = make_spec("c", {"kind": "chroma_stft", "dtype": dtype}, AUDIO)
    values = np.random.default_rng(0).uniform(0, 1, (2, 12, 256)).astype(np.float32)
    for array in (values, quantize(spec, values)):
        table = feature_table(FILES, LABELS, [spec], [array])
        assert list(table.columns[2:5]) == ["row000_mean", "row000_var", "row001_mean"]
        assert table["row011_mean"].to_numpy() == pytest.approx(values[:, 11].mean(axis=1), abs=2e-3)
        assert table["row003_var"].to_numpy() == pytest.approx(values[:, 3].var(axis=1), abs=2e-3)


def test_names_that_meet_are_prefixed():
    specs = [make_spec(name, {"kind": "chroma_stft", "n_fft": n}, AUDIO) for name, n in (("a", 2048), ("b", 1024))]
    table = feature_table(FILES, LABELS, specs, [np.zeros((2, 12, 256), np.float32)] * 2)
    assert {"a.row000_mean", "b.row000_mean", "label"} <= set(table.columns) and table.shape == (2, 51)


def test_arrays_that_do_not_fit():
    spec = make_spec("s", {"kind": "scalars"}, AUDIO)
    with pytest.raises(ValueError, match=naming("'s'", [3, 14], [2, 14])):
        feature_table(FILES, LABELS, [spec], [np.zeros((3, 14))])
    with pytest.raises(ValueError, match=naming(2, 1)):
        feature_table(FILES, LABELS[:1], [spec], [np.zeros((2, 14))])

"""`genrelab embed`, `similar` and `probe`, as a user calls them."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from genrelab import load_predictor
from genrelab.audio.errors import TEXT_FILE
from genrelab.cli import app
from genrelab.inference.embeddings import read_embeddings
from genrelab.inference.embeddings.command import embed_track
from genrelab.inference.embeddings.projection import project
from genrelab.utils.errors import GenrelabError
from paths import SHARED_DATA
from tones import write_tone


def call(*arguments: object, code: int = 0):
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("library")
    for number in range(8):
        write_tone(
            root / ("slow", "fast")[number % 2] / f"{number}.wav", 300 + 40 * number, 1 + 5 * (number % 2), 5, number
        )
    return root


@pytest.fixture(scope="module")
def embedded(run, library, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "table.parquet"
    done = call("embed", run, library, "--out", out, "--map", "pca", "--color-by", "folder")
    assert "8 tracks, 64 numbers each" in done.stdout
    return out


def test_a_row_is_the_mean_of_what_the_last_layer_reads(run, library, embedded):
    table = read_embeddings(embedded)
    predictor = load_predictor(run)
    for row in (0, 5):
        samples = predictor.decode(table.path[row])
        windows = np.stack([window.samples for window in predictor.windows(samples)])
        theirs = predictor.embed(predictor.features(windows)).numpy().mean(axis=0)
        np.testing.assert_allclose(table.vectors[row], theirs, atol=1e-5)
        assert table.genre[row] == predictor.predict(table.path[row]).top[0].title
    assert set(table.folder) == {"slow", "fast"} and table.seconds == pytest.approx(5)


def test_the_map_is_a_picture(embedded):
    with Image.open(embedded.with_name("table-pca.png")) as picture:
        assert picture.width > 800 and len(picture.convert("RGB").getcolors(1 << 20)) > 20


def test_it_goes_on_and_tells_what_is_broken(run, library, embedded, tmp_path):
    out = tmp_path / "table.parquet"
    shutil.copy(embedded, out)
    more = tmp_path / "more"
    write_tone(more / "new.wav", 500, 2, 5, 99)
    (more / "broken.wav").write_text("text")
    done = call("embed", run, library, more, "--out", out, code=3)
    assert "8 of 10 files" in done.stderr and f"broken.wav: {TEXT_FILE}" in done.stderr
    assert len(read_embeddings(out)) == 9
    assert len(set(read_embeddings(out).path)) == 9


def test_similar_finds_the_file_itself_last_and_first(run, library, embedded, tmp_path):
    song = library / "slow" / "0.wav"
    inside = call("similar", embedded, song, "--count", 3).stdout.splitlines()
    assert len(inside) == 3 and all("0.wav" not in line for line in inside)  # not its own neighbor
    shutil.copy(song, tmp_path / "copy.wav")
    outside = call("similar", embedded, tmp_path / "copy.wav").stdout.splitlines()
    assert outside[0].startswith(" 1.00") and outside[0].endswith("0.wav") and len(outside) == 8
    shutil.copy(embedded, run / "embeddings.parquet")
    assert call("similar", run, song, "--count", 3).stdout.splitlines() == inside
    (run / "embeddings.parquet").unlink()


def test_a_probe_of_folders(embedded, tmp_path):
    table = read_embeddings(embedded)
    with (tmp_path / "labels.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["path", "label"], *zip(table.path, table.folder, strict=True)])
    told = call("tools", "linear-probe", embedded, tmp_path / "labels.csv").stdout
    assert "8 tracks, 2 labels" in told and "4 folds" in told
    shutil.copy(embedded, tmp_path / "embeddings.parquet")
    assert (
        call("tools", "linear-probe", tmp_path, tmp_path / "labels.csv").stdout == told
    )  # a run's folder, as similar takes it


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["embed", "RUN", "LIBRARY", "--map", "umap"], "--map umap"),
        (["embed", "RUN", "LIBRARY", "--color-by", "red"], "--color-by red"),
        (["embed", "RUN", "none.wav", "--out", "none.parquet"], r"none\.wav: "),
        (["similar", "RUN", "LIBRARY/slow/0.wav"], r"embeddings\.parquet.*genrelab embed"),
        (["similar", "TABLE", "LIBRARY/slow/0.wav", "--count", "0"], "--count"),
        (["similar", "TABLE", "none.wav"], r"none\.wav: "),
        (["tools", "linear-probe", "none.parquet", "none.csv"], r"none\.parquet: "),
        (["tools", "linear-probe", "RUN", "none.csv"], r"embeddings\.parquet.*genrelab embed"),
    ],
)
def test_mistakes_are_one_line(run, library, embedded, tmp_path, monkeypatch, words, reason):
    monkeypatch.chdir(tmp_path)
    names = {"RUN": run, "LIBRARY": library, "TABLE": embedded}
    for name, path in names.items():
        words = [word.replace(name, str(path)) for word in words]
    with pytest.raises(GenrelabError, match=reason) as caught:
        call(*words)
    assert "\n" not in str(caught.value)


def test_both_ways_to_the_plane():
    vectors = np.random.default_rng(0).normal(size=(12, 6))
    vectors[:6] += 9
    for method in ("pca", "tsne"):
        points = project(vectors, method)
        assert points.shape == (12, 2)
        middle = points[:6].mean(axis=0), points[6:].mean(axis=0)
        assert np.linalg.norm(middle[0] - middle[1]) > np.linalg.norm(points[:6] - middle[0], axis=1).mean()
    with pytest.raises(GenrelabError, match=r"\b2 tracks"):
        project(vectors[:2], "pca")


@pytest.mark.shared
def test_a_real_clip_is_nearest_to_itself(run, tmp_path):
    from genrelab.inference.embeddings import nearest_rows

    predictor = load_predictor(run)
    clips = sorted((SHARED_DATA / "gtzan_mini").rglob("*.flac"))[::20]
    vectors = np.stack([embed_track(predictor, clip).vector for clip in clips])
    assert [nearest_rows(vectors, vector, 1)[0][0] for vector in vectors] == list(range(len(clips)))

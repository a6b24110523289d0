"""Every option of `dataset=` composes and runs, from a small sample in its published format to scores."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from genrelab.config import compose, conf_dir
from genrelab.engine import run

RATE = 4000
PARTS = ("training", "training", "training", "validation", "test", "test")  # of a genre's tracks
AUDIO = (
    *(f"audio.sample_rate={RATE}", "audio.segment_duration=1.0", "augment=none", "features=mfcc", "model=mlp"),
    *("features.mfcc.n_fft=256", "features.mfcc.hop_length=128", "features.mfcc.n_mels=16", "features.mfcc.n_mfcc=8"),
    *("features.mfcc.frames=16",),
)
FAST = (
    "trainer.max_epochs=1",
    "trainer.estimate=false",
    "trainer.baselines=false",
    "trainer.report=false",
    "trainer.enable_progress_bar=false",
)
FAST = (*FAST, "data.batch_size=8", "accelerator=cpu")
SPOTIFY = "danceability energy key loudness mode speechiness acousticness instrumentalness liveness valence tempo"
OF_57 = "chroma_stft rms spectral_centroid spectral_bandwidth rolloff zero_crossing_rate harmony perceptr"
rng = np.random.default_rng(0)


def tone(path: Path, pitch: float) -> Path:
    """A second and a bit of sound; its name may end in anything, since decoders look inside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(1.1 * RATE)) / RATE
    sound = 0.2 * np.sin(2 * np.pi * pitch * time) + 0.02 * rng.normal(size=len(time))
    soundfile.write(path, sound.astype(np.float32), RATE, format="WAV")
    return path


def picture(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(level, level + 60, (16, 24), dtype=np.uint8)).convert("RGB").save(path)


def folder(root: Path) -> list[str]:
    for number, genre in enumerate(("Jazz", "Rock")):
        for track in range(6):
            tone(root / genre / f"{genre} artist {track}" / "song.wav", 300 * (number + 1) + 20 * track)
    return [f"dataset.root={root}", *AUDIO]


def csv_file(root: Path) -> list[str]:
    folder(root)
    files = sorted(root.rglob("*.wav"))
    lines = [f"{file.relative_to(root)},{file.parts[-3]},{file.parts[-2]}" for file in files]
    (root / "tracks.csv").write_text("\n".join(["path,genre,artist", *lines]) + "\n")
    return [f"dataset.path={root / 'tracks.csv'}", *AUDIO]


def demo(root: Path) -> list[str]:
    return ["demo.genres=2", "demo.tracks_per_genre=6", "demo.artists_per_genre=6", "dataset.seconds=2", *AUDIO]


def gtzan(root: Path) -> list[str]:
    for number, genre in enumerate(("blues", "jazz")):
        for clip in range(0, 60, 10):
            tone(root / "genres_original" / genre / f"{genre}.{clip:05d}.wav", 300 * (number + 1) + clip)
    return [f"dataset.root={root}", "split.group_by=null", *AUDIO]


def musicmap(root: Path) -> list[str]:
    for number, genre in enumerate(("jaz03", "woA09")):
        for song in range(6):
            tone(root / genre / f"{genre}-{song}-Artist {genre} {song}-Song {genre} {song}.m4a", 300 * (number + 1))
    return [f"dataset.root={root}", *AUDIO]


def fma(subset: str) -> Callable[[Path], list[str]]:
    """Two genres in the published tables; half of the tracks belong to the subset alone."""

    def write(root: Path) -> list[str]:
        (root / "fma_metadata").mkdir()
        genres = "genre_id,#tracks,parent,title,top_level\n12,6,0,Rock,12\n25,2,12,Punk,12\n15,6,0,Electronic,15\n"
        (root / "fma_metadata" / "genres.csv").write_text(genres)
        rows = [
            ("", "album", "artist", "set", "set", "track", "track"),
            ("", "id", "id", "split", "subset", "genre_top", "genres_all"),
            ("track_id", *[""] * 6),
        ]
        for number, (top, held) in enumerate((("Rock", "[25, 12]"), ("Electronic", "[15]"))):
            for place, part in enumerate(PARTS):
                track = 1000 * number + place + 2
                rows.append((str(track), str(track), str(track), part, (subset, "small")[place % 2], top, held))
                tone(root / f"fma_{subset}" / f"{track:06d}"[:3] / f"{track:06d}.mp3", 300 * (number + 1))
        with (root / "fma_metadata" / "tracks.csv").open("w", newline="") as handle:
            csv.writer(handle).writerows(rows)
        return [f"dataset.root={root}", *AUDIO]

    return write


def jamendo(root: Path) -> list[str]:
    header = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"
    lines: dict[str, list[str]] = {"train": [header], "validation": [header], "test": [header]}
    held = ("genre---rock", "genre---jazz", "genre---rock\tgenre---jazz")
    for place, part in enumerate(PARTS * 3):
        tone(root / f"{place:02d}" / f"{place}.mp3", 300 * (place % 3 + 1))
        ids = f"track_{place}\tartist_{place}\talbum_{place}\t{place:02d}/{place}.mp3\t1.1"
        lines["train" if part == "training" else part].append(f"{ids}\t{held[place // 6]}")
    for part, rows in lines.items():
        (root / f"autotagging_genre-{part}.tsv").write_text("\n".join(rows) + "\n")
    return [f"dataset.root={root}", f"dataset.tags={root}", *AUDIO]


def numbers(count: int, columns: list[str]) -> dict[str, np.ndarray]:
    return dict(zip(columns, rng.normal(size=(len(columns), count)), strict=True))


def table(root: Path) -> list[str]:
    data = {"song": [f"s{i}" for i in range(12)], "genre": ["Jazz", "Rock"] * 6, **numbers(12, ["loud", "fast"])}
    pd.DataFrame(data).to_csv(root / "songs.csv", index=False)
    return [f"dataset.path={root / 'songs.csv'}", "dataset.track=song"]


def spotify_features(root: Path) -> list[str]:
    data = numbers(12, [*SPOTIFY.split(), "duration_ms"]) | {"key": rng.integers(0, 12, 12), "mode": [0, 1] * 6}
    data |= {"genre": ["Jazz", "Rock"] * 6, "track_name": [f"s{i}" for i in range(12)], "time_signature": [4] * 12}
    data |= {"popularity": range(12)}  # a number, and none of Spotify's audio features
    pd.DataFrame(data).to_csv(root / "spotify.csv", index=False)
    return [f"dataset.path={root / 'spotify.csv'}"]


def gtzan_features(root: Path) -> list[str]:
    columns = [f"{name}_{of}" for name in OF_57.split() for of in ("mean", "var")]
    columns += ["tempo", *(f"mfcc{n}_{of}" for n in range(1, 21) for of in ("mean", "var"))]
    clips = [f"{genre}.{clip:05d}" for genre in ("blues", "jazz") for clip in range(6)]
    rows = {"filename": [f"{clip}.wav" for clip in clips], "length": 661_794, **numbers(12, columns)}
    rows["label"] = [clip.split(".")[0] for clip in clips]
    pd.DataFrame(rows).to_csv(root / "features_30_sec.csv", index=False)
    return [f"dataset.path={root / 'features_30_sec.csv'}", "split.group_by=null"]


def gtzan_arff(root: Path) -> list[str]:
    """All thousand rows, without which a row's place does not name its clip."""
    from genrelab.datasets.gtzan import GENRES

    head = "@relation ssd\n@attribute a numeric\n@attribute b numeric\n@attribute class {x}\n@data\n"
    rows = [f"{a:.4f},{b:.4f},{GENRES[i // 100]}\n" for i, (a, b) in enumerate(rng.normal(size=(1000, 2)))]
    (root / "gtzan_ssd.arff").write_text(head + "".join(rows))
    return [f"dataset.root={root}", "data.batch_size=256", "split.group_by=null"]


def top_magd(root: Path) -> list[str]:
    head = "@RELATION ssd\n@ATTRIBUTE a NUMERIC\n@ATTRIBUTE b NUMERIC\n@ATTRIBUTE trackid STRING\n@DATA\n"
    rows = [f"{a:.4f},{b:.4f},'TR{i}'\n" for i, (a, b) in enumerate(rng.normal(size=(24, 2)))]
    (root / "msd-ssd.arff.gz").write_bytes(gzip.compress((head + "".join(rows)).encode()))
    (root / "genres.cls").write_text("".join(f"TR{i}\t{('New Age', 'Rap')[i % 2]}\n" for i in range(24)))
    (root / "parts.cls").write_text("".join(f"TR{i}\t{'TRAIN' if i < 18 else 'TEST'}\n" for i in range(24)))
    files = [f"dataset.features=[{root / 'msd-ssd.arff.gz'}]", f"dataset.labels={root / 'genres.cls'}"]
    return [*files, f"dataset.partition={root / 'parts.cls'}", "split.val_share=0.25"]


def top_magd_synthetic(root: Path) -> list[str]:
    sizes = ["dataset.train_tracks_per_genre=4", "dataset.test_tracks=26", "split.val_share=0.25"]
    return ["dataset.sets=[jmir-spectral-all-v1.0,rh]", *sizes]


def gtzan_images(root: Path) -> list[str]:
    for number, genre in enumerate(("blues", "jazz")):
        for clip in range(6):
            picture(root / "images_original" / genre / f"{genre}{clip:05d}.png", 90 * number)
    return [f"dataset.root={root}", "split.group_by=null", *SMALL_PICTURES]


def pictures(root: Path) -> list[str]:
    for number, genre in enumerate(("Jazz", "Rock")):
        for artist in range(6):
            picture(root / genre / f"{genre} artist {artist}" / "song.png", 90 * number)
    return [f"dataset.root={root}", *SMALL_PICTURES]


def embeddings(root: Path) -> list[str]:
    genre, video = np.array(["Jazz", "Rock"] * 6), np.array([f"v{i}" for i in range(12)])
    np.savez(root / "clap.npz", embedding=rng.normal(size=(12, 8)).astype(np.float32), genre=genre, video=video)
    return [f"dataset.path={root / 'clap.npz'}", "dataset.track=video"]


SMALL_PICTURES = ("dataset.height=16", "dataset.width=24", "model.width=2")
SAMPLES: dict[str, Callable[[Path], list[str]]] = {
    "csv": csv_file,
    **{one.__name__: one for one in (demo, embeddings, folder, gtzan, gtzan_arff, gtzan_features, gtzan_images)},
    **{one.__name__: one for one in (jamendo, musicmap, pictures, spotify_features, table, top_magd)},
    "top_magd_synthetic": top_magd_synthetic,
    **{f"fma_{subset}": fma(subset) for subset in ("small", "medium", "large")},
}


@pytest.mark.parametrize("option", sorted(path.stem for path in (conf_dir() / "dataset").glob("*.yaml")))
def test_an_option_runs(option, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "genrelab.features.cache.feature_cache.default_workers", lambda: 1
    )  # starting more takes longer than the work
    assert option in SAMPLES, f"dataset={option}: add a sample in its format"
    (tmp_path / "data").mkdir()
    own = SAMPLES[option](tmp_path / "data")
    overrides = [f"dataset={option}", *FAST, f"paths.output_dir={tmp_path / 'outputs'}", *own]
    record = run.train(compose(overrides), tmp_path / "run", overrides)
    assert record["status"] == "finished" and (tmp_path / "run" / "metrics.json").exists()
    assert min(record["dataset"]["tracks"].values()) > 0


def test_spotifys_features_are_its_columns_alone(tmp_path):
    from genrelab.engine.build import read_dataset_index

    dataset_index = read_dataset_index(compose(["dataset=spotify_features", *spotify_features(tmp_path)]))
    assert dataset_index.name == "spotify_features"
    assert dataset_index.precomputed.features[0].columns == (*SPOTIFY.split(), "duration_ms", "time_signature")

"""Recordings with several genres each, in MTG-Jamendo's format, and a run on them that takes seconds."""

from pathlib import Path

import numpy as np
import soundfile

from small_run import small_overrides

RATE = 8000
GENRES = ("hum", "whistle", "drum")  # each a sound of its own
ARTISTS = 15
GIVEN = ("dataset", "split.ratios", "trainer.max_epochs")


def sounding(genres: tuple[str, ...], seed: int, seconds: float = 4.2) -> np.ndarray:
    """Sounds of all of `genres` at once, `[T]` float32 at `RATE`."""
    draw = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    beat = np.exp(-20 * ((time * 2.5) % 1))
    parts = {
        "hum": sum(np.sin(2 * np.pi * draw.uniform(190, 230) * k * time) / k for k in (1, 2, 3)),
        "whistle": np.sin(2 * np.pi * draw.uniform(1500, 1900) * time),
        "drum": 2 * draw.normal(size=len(time)) * beat,
    }
    chord = 0.2 * np.sin(2 * np.pi * 660 * time)  # what all have
    found = 0.1 * (chord + sum(parts[genre] for genre in genres)) + 1e-4 * draw.normal(size=len(time))
    return found.astype(np.float32)


def write_jamendo(root: Path, count: int = 60, seed: int = 0, further: str = "") -> Path:
    """Write `count` tracks of one to three genres, and tags.tsv; returns the folder.

    Args:
        root: the folder.
        count: of the tracks.
        seed: another one gives other tracks by other artists.
        further: a genre that the first track has too, whatever it sounds like.
    """
    draw = np.random.default_rng(seed)
    lines = ["\t".join(["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"])]
    for number in range(count):
        genres = tuple(g for g in draw.permutation(GENRES).tolist() if draw.random() < 0.5) or (GENRES[number % 3],)
        path = f"{number % 100:02}/{number}.mp3"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / path, sounding(genres, number + 1000 * seed), RATE, format="WAV")  # decoders look inside
        tags = [f"genre---{genre}" for genre in (*genres, *([further] if further and not number else []))]
        names = [f"track_{seed}_{number}", f"artist_{seed}_{number % ARTISTS}", f"album_{number % ARTISTS}"]
        lines.append("\t".join([*names, path, "4.2", *tags]))
    (root / "tags.tsv").write_text("\n".join(lines) + "\n")
    return root


def several_overrides(root: Path) -> list[str]:
    """Overrides of a run on what `write_jamendo` wrote."""
    small = [word for word in small_overrides(["mel_db"], ["model=cnn"]) if word.split("=")[0] not in GIVEN]
    own = ["dataset=jamendo", f"dataset.root={root}", f"dataset.tags={root / 'tags.tsv'}"]
    return [*own, "split=grouped", "split.ratios=[0.5,0.25,0.25]", *small, "trainer.max_epochs=8", "optimizer.lr=0.003"]


def train_several(root: Path, out: Path, name: str = "several", *further: str) -> Path:
    """Folder of a run on `root`, below out."""
    from genrelab.config import compose
    from genrelab.engine.run import train

    overrides = [*several_overrides(root), f"paths.output_dir={out / 'outputs'}", *further]
    folder = out / "outputs" / "runs" / name
    train(compose(overrides), folder, overrides)
    return folder

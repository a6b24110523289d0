"""A small table of embeddings."""

import numpy as np

from genrelab.inference.embeddings import Embeddings


def table(count: int = 6, size: int = 5, run: str = "r", first: int = 0) -> Embeddings:
    names = [f"{first + number:03}.mp3" for number in range(count)]
    return Embeddings(
        track=np.array(names, object),
        path=np.array([f"/music/{name}" for name in names], object),
        folder=np.array(["music"] * count, object),
        genre=np.array(["Ska", "Dub"] * (count // 2), object),
        seconds=np.full(count, 30.0),
        vectors=np.random.default_rng(first).normal(size=(count, size)).astype(np.float32),
        run_id=run,
        model="/runs/r/best.ckpt",
    )

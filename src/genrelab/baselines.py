"""The baseline that a network must beat: logistic regression on time averages, on the very same split."""

from __future__ import annotations

import numpy as np

from genrelab.data import GenreDataModule
from genrelab.data.module import Part
from genrelab.predictions import Predictions, concatenate

NAME = "logistic regression on mean features"
CHUNK = 512
PARTS: tuple[Part, ...] = ("train", "val", "test")


def mean_feature_baseline(data: GenreDataModule, genres: tuple[str, ...], taxonomy_hash: str) -> Predictions:
    """Logistic regression on each segment's features averaged over time (vectors as they are).

    Fitted on the originals of train (scaled by train's statistics, C=1), it predicts val and test segments.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = {part: _averages(data, part) for part in PARTS}
    targets = {part: data.rows(part)["track_id"].map(data.targets).to_numpy() for part in table}
    original = (data.rows("train")["augment"] == "none").to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(table["train"][original], targets["train"][original])
    parts = []
    for part in PARTS[1:]:
        logits = np.full((len(targets[part]), len(genres)), np.log(1e-12), dtype=np.float32)
        logits[:, model.classes_] = model.predict_log_proba(table[part]).clip(np.log(1e-12))
        rows = data.rows(part)
        parts.append(
            Predictions(
                split=np.full(len(rows), part, dtype=object),
                track_id=rows["track_id"].to_numpy(dtype=object),
                segment_id=rows["segment"].to_numpy(np.int32),
                target=targets[part].astype(np.int16),
                logits=logits,
                genres=genres,
                taxonomy_hash=taxonomy_hash,
            )
        )
    return concatenate(parts)


def _averages(data: GenreDataModule, part: Part) -> np.ndarray:
    """`[N, sum of rows and values]` float64."""
    rows = data.rows(part)
    chunks = []
    for at in range(0, len(rows), CHUNK):
        features = data.store.load(rows.iloc[at : at + CHUNK])
        means = [f.astype(np.float64).mean(axis=2) if f.ndim == 3 else f.astype(np.float64) for f in features]
        chunks.append(np.concatenate(means, axis=1))
    return np.concatenate(chunks)

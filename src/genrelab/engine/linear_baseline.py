"""The baseline that a network must beat: logistic regression on time averages, on the very same split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genrelab.datamodules import GenreDataModule
from genrelab.datamodules.genre_datamodule import SplitName
from genrelab.metrics.multilabel import prior_logits
from genrelab.runs.predictions import Predictions, concatenate

NAME = "logistic regression on mean features"
CHUNK = 512
SPLIT_NAMES: tuple[SplitName, ...] = ("val", "test")


def mean_feature_baseline(
    data: GenreDataModule, genres: tuple[str, ...], taxonomy_hash: str, refit: GenreDataModule | None = None
) -> Predictions:
    """Logistic regression on each segment's features averaged over time (vectors as they are).

    Fitted on the originals of train (scaled by train's statistics, C=1), it predicts val and test segments; test by
    a fit on the train part of `refit`, where the run was refitted. Of several genres a track,
    each is separated from the rest by a regression of its own.
    """
    predict = _fit(data, len(genres))
    parts = []
    for part in SPLIT_NAMES:
        if part == "test" and refit is not None:
            predict = _fit(refit, len(genres))
        logits = predict(_averages(data, part))
        rows = data.rows(part)
        targets = data.make_targets(rows["track_id"])
        parts.append(
            Predictions(
                split=np.full(len(rows), part, dtype=object),
                track_id=rows["track_id"].to_numpy(dtype=object),
                segment_id=rows["segment"].to_numpy(np.int32),
                target=rows["track_id"].map(data.targets).to_numpy().astype(np.int16),
                logits=logits,
                genres=genres,
                taxonomy_hash=taxonomy_hash,
                targets=None if data.multilabel_targets is None else targets > 0,
            )
        )
    return concatenate(parts)


def _fit(data: GenreDataModule, classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """Fit on the originals of train; returns logits of rows."""
    rows = data.rows("train")
    original = (rows["augment"] == "none").to_numpy()
    fit = _one_of_them if data.multilabel_targets is None else _each_alone
    return fit(_averages(data, "train")[original], data.make_targets(rows["track_id"])[original], classes)


def _one_of_them(x: np.ndarray, target: np.ndarray, classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """Multinomial, of targets `[N]`; genres that train does not have are all but impossible."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(x, target)

    def predict(rows: np.ndarray) -> np.ndarray:
        logits = np.full((len(rows), classes), np.log(1e-12), dtype=np.float32)
        logits[:, model.classes_] = model.predict_log_proba(rows).clip(np.log(1e-12))
        return logits

    return predict


def _each_alone(x: np.ndarray, target: np.ndarray, classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """One against the rest, of targets `[N, C]`; a genre that no row has, or all have, gets its share."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    scaled = scaler.transform(x)
    weight, bias = np.zeros((x.shape[1], classes)), prior_logits(target.sum(axis=0), len(target))
    for genre in range(classes):
        if 0 < target[:, genre].sum() < len(target):
            model = LogisticRegression(max_iter=200).fit(scaled, target[:, genre] > 0)
            weight[:, genre], bias[genre] = model.coef_[0], model.intercept_[0]

    def predict(rows: np.ndarray) -> np.ndarray:
        return np.asarray(scaler.transform(rows) @ weight + bias, dtype=np.float32)

    return predict


def _averages(data: GenreDataModule, part: SplitName) -> np.ndarray:
    """`[N, sum of rows and values]` float64."""
    rows = data.rows(part)
    chunks = []
    for at in range(0, len(rows), CHUNK):
        features = data.feature_cache.load(rows.iloc[at : at + CHUNK])
        means = [f.astype(np.float64).mean(axis=2) if f.ndim == 3 else f.astype(np.float64) for f in features]
        chunks.append(np.concatenate(means, axis=1))
    return np.concatenate(chunks)

"""Feature tables of a prepared dataset, in the layout of GTZAN's published CSV files (A14, B04)."""

from __future__ import annotations

from pathlib import Path, PurePath

from genrelab.engine.build import Dataset
from genrelab.features.cache import AnyFeatureCache
from genrelab.features.csv_export import export_csv


def export_tables(feature_cache: AnyFeatureCache, dataset: Dataset, out: Path) -> list[Path]:
    """Write one table of all configured features, a row a segment (originals only).

    Segments are named as in GTZAN's 3-second table: `blues.00000.4.wav` is the fifth of `blues.00000.wav`; a
    track of one segment keeps its file's name.

    Returns:
        the files written.
    """
    tracks = dataset.index.tracks.set_index("track_id")
    paths = tracks["path"].astype(str).to_dict()
    rows = feature_cache.rows(list(tracks.index))
    counts = rows["track_id"].map(rows["track_id"].value_counts())
    names = []
    for track, segment, count in zip(rows["track_id"], rows["segment"], counts, strict=True):
        path = PurePath(paths[track])
        names.append(path.name if count == 1 else f"{path.stem}.{segment}{path.suffix}")
    labels = rows["track_id"].map(tracks["genre"]).tolist()
    path = out / f"{dataset.index.name}-{'_'.join(spec.name for spec in feature_cache.specs)}.csv"
    export_csv(path, names, labels, feature_cache.specs, feature_cache.load(rows))
    return [path]

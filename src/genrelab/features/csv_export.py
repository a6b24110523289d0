"""Feature tables as CSV, in the layout of GTZAN's published ones (A14, B04)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genrelab.features.quantization import build_feature, dequantize
from genrelab.features.spec import FeatureSpec
from genrelab.utils.io import atomic_path

if TYPE_CHECKING:
    import pandas as pd


def feature_table(
    filenames: Sequence[str],
    labels: Sequence[str],
    specs: Sequence[FeatureSpec],
    arrays: Sequence[np.ndarray],
) -> pd.DataFrame:
    """Rows of numbers: `filename, length, <features>, label`.

    Vectors keep their names ("rms_mean"); a picture gives the mean and variance over time of each row. Where
    several features share a name, all of theirs are prefixed by the feature's ("mfcc.row000_mean").

    Args:
        filenames: one for each segment.
        labels: its genre.
        specs: the features.
        arrays: for each spec [N, *spec.shape], as stored or as computed.

    Raises:
        ValueError: lengths that do not agree.
    """
    import pandas as pd

    tables = []
    for spec, array in zip(specs, arrays, strict=True):
        stored = np.asarray(array)
        if stored.shape != (len(filenames), *spec.shape):
            wanted = [len(filenames), *spec.shape]
            raise ValueError(f"feature {spec.name!r}: array {list(stored.shape)}, not {wanted}")
        # Computed values come as float32; only what bears the spec's own dtype is scaled back.
        values = dequantize(spec, stored) if stored.dtype == np.dtype(spec.dtype) else stored
        if values.ndim == 3:
            exact = values.astype(np.float64)
            values = np.stack([exact.mean(axis=2), exact.var(axis=2)], axis=2).reshape(len(exact), -1)
        tables.append(pd.DataFrame(values, columns=build_feature(spec).columns()))
    names = [name for table in tables for name in table.columns]
    if len(set(names)) < len(names):
        tables = [table.add_prefix(f"{spec.name}.") for spec, table in zip(specs, tables, strict=True)]
    first = pd.DataFrame({"filename": list(filenames), "length": specs[0].n_samples if specs else 0})
    last = pd.DataFrame({"label": list(labels)})
    if len(first) != len(last):
        raise ValueError(f"{len(first)} filenames, {len(last)} labels")
    return pd.concat([first, *tables, last], axis=1)


def export_csv(
    path: str | os.PathLike[str],
    filenames: Sequence[str],
    labels: Sequence[str],
    specs: Sequence[FeatureSpec],
    arrays: Sequence[np.ndarray],
) -> pd.DataFrame:
    """Write `feature_table(...)` to a CSV file, atomically, and return it."""
    table = feature_table(filenames, labels, specs, arrays)
    with atomic_path(path) as part:
        table.to_csv(part, index=False)
    return table

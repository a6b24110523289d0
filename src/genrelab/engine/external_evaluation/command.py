"""`genrelab evaluate RUN dataset=...`: from the command line to `score_new_data`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from genrelab.config import compose
from genrelab.datasets.splits import resolve_split
from genrelab.engine import build
from genrelab.engine.external_evaluation.score import NewData, score_new_data
from genrelab.engine.validate_config import check
from genrelab.evaluation.report import print_summary
from genrelab.utils.errors import ConfigError, GenrelabError
from genrelab.utils.io import shown


def evaluate_new_data(run: Path, choices: Sequence[str], out: Path | None = None) -> None:
    """Score the songs that `choices` name; they are overrides of the main job and fields of `NewData`."""
    how, config = read_choices(choices)
    dataset_index = build.read_dataset_index(config)
    if how.eval_split is not None:
        config = {**config, "split": resolve_split(config["split"], lambda: build.read_dataset(config).index)}
        if config["split"].get("folds"):
            raise GenrelabError("eval_split: this split has folds; use one without, split=official or split=grouped")
        dataset_index = dataset_index.only(build.make_split(config, dataset_index).tracks(how.eval_split))
    folder = score_new_data(run, dataset_index, how, out, choices)
    print_summary(folder)
    print(f"report: {shown(folder / 'report' / 'index.html')}")


def read_choices(choices: Sequence[str]) -> tuple[NewData, dict[str, Any]]:
    """How songs are scored, and the configuration that names them. Raises ConfigError."""
    own = {field.name for field in fields(NewData)}
    chosen = [text for text in choices if text.partition("=")[0] in own]
    overrides = [text for text in choices if text not in chosen]
    if wrong := [text for text in overrides if text.partition("=")[0].partition(".")[0] in ("decision", "aggregation")]:
        raise ConfigError(
            [f"{wrong[0]}: evaluate writes a run with predictions; apply it to them by genrelab reevaluate"]
        )
    if not any(text.startswith("dataset=") for text in overrides):
        raise ConfigError(
            ["dataset: name one, such as dataset=folder (for another decision rule: genrelab reevaluate)"]
        )
    how = NewData.from_dict({key: yaml.safe_load(value) for key, _, value in (one.partition("=") for one in chosen)})
    config = compose(overrides)
    check(config, overrides, training=False)
    return how, config

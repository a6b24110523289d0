"""What W&B gets when a run is over: scores, confusions, genres, distances, pictures, checkpoints."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from genrelab.evaluation.report import tables
from genrelab.evaluation.report.examples import load_examples, to_rgba
from genrelab.runs.run_dir import RunDir
from genrelab.utils.errors import Pruned

EXIT_CODES = {0: "finished", 1: "failed", 130: "interrupted"}
MAX_PLOTTED_CLASSES = 40  # with more classes W&B's own confusion plot would be a table of all pairs, too large to draw


def publish(loggers: Sequence[Any], run_dir: Path, record: Mapping[str, Any], log_model: bool) -> None:
    """Send a reported run's results to its W&B logger, if it has one; a failure is a warning.

    Args:
        loggers: of the trainer.
        run_dir: holds predictions, `metrics.json` and `report/`.
        record: the run's record.
        log_model: upload the checkpoints as an artifact with the aliases "last", "best" and "refit".
    """
    for logger in loggers:
        if type(logger).__name__ == "WandbLogger":
            try:
                _to_wandb(logger.experiment, run_dir, record, log_model)
            except Exception as error:  # whatever a service does, the run is whole without it
                reason = str(error).partition("\n")[0] or type(error).__name__
                print(f"warning: W&B did not get all results of this run ({reason})", file=sys.stderr, flush=True)


def finish(error: BaseException | None = None) -> None:
    """Close the W&B run, if there is one, with the exit code that its page shows: 0 where a sweep pruned it, too."""
    if "wandb" in sys.modules and (client := sys.modules["wandb"]).run is not None:
        pruned = isinstance(error, Pruned)
        code = 0 if error is None or pruned else 130 if isinstance(error, (KeyboardInterrupt, SystemExit)) else 1
        try:
            client.run.summary["status"] = "pruned" if pruned else EXIT_CODES[code]
            client.finish(exit_code=code)
        except Exception as wrong:  # must not hide how the run itself ended
            print(f"warning: W&B was not closed ({wrong})", file=sys.stderr, flush=True)


def _to_wandb(experiment: Any, run_dir: Path, record: Mapping[str, Any], log_model: bool) -> None:
    metrics = json.loads((run_dir / "metrics.json").read_text(encoding="utf-8"))
    values = {
        f"{part}/{level}/{name}": entry["value"]
        for part in ("val", "test")
        for level, of_level in metrics.get(part, {}).items()
        for name, entry in of_level.items()
    }
    loss = record.get("loss") or {}
    betas = {name: loss.get(name) for name in ("beta", "effective_beta")}
    of_run = {
        "objective": record.get("objective"),
        "best_epoch": record.get("monitor", {}).get("best_epoch"),
        "parameters": record.get("model", {}).get("parameters"),
        "seconds": record.get("seconds"),
        "unsafe": bool((record.get("split") or {}).get("unsafe")),
    }
    experiment.summary.update({**of_run, **betas, **values})
    if metrics.get("target") != "multi_label":
        experiment.log(_results(RunDir.read(run_dir), run_dir / "report"))
    if log_model:
        _checkpoints(experiment, run_dir / "checkpoints", record)


def _results(run: RunDir, report: Path) -> dict[str, Any]:
    """Tables, plots and pictures of the headline's tracks."""
    import wandb

    part = run.primary_split
    rows = run.at_level(part, "track")
    found: dict[str, Any] = {f"{part}/per_genre": wandb.Table(dataframe=pd.read_csv(report / "per_genre.csv"))}
    confusion = tables.confusion_matrix(rows, len(run.taxonomy.genres))
    counts = {"genre": (confusion, run.taxonomy.genres)}
    if len(run.supergenre_codes) > 1 and not run.taxonomy.flat:
        counts["supergenre"] = (tables.supergenre_confusion(confusion, run.supergenres), run.supergenre_codes)
    answer = rows.logits.argmax(axis=1)
    for noun, (matrix, codes) in counts.items():
        found[f"{part}/confused_{noun}s"] = wandb.Table(dataframe=_confused_pairs(matrix, codes))
        found[f"{part}/confusion_{noun}_image"] = wandb.Image(str(report / f"confusion_{noun}_percent.png"))
        if len(codes) <= MAX_PLOTTED_CLASSES:
            of = (lambda place: place) if noun == "genre" else run.supergenres.__getitem__
            found[f"{part}/confusion_{noun}"] = wandb.plot.confusion_matrix(
                y_true=of(rows.target).tolist(), preds=of(answer).tolist(), class_names=list(codes),
                title=f"{noun}s of {part} tracks",
            )  # fmt: skip
    if not run.taxonomy.flat:
        distances = wandb.Table(dataframe=tables.mistake_distance_table(run, confusion))
        title = "mistakes by distance on the genre graph"
        found[f"{part}/distances"] = wandb.plot.bar(distances, "distance", "mistakes", title=title)
    for one in load_examples(report):  # a list for each feature, since W&B wants pictures of one size
        caption = f"{one.title}: {one.genre} -> {one.answer}"
        image = wandb.Image(to_rgba(one.picture, one.colors), caption=caption)
        found.setdefault(f"{part}/examples_{one.feature_name}", []).append(image)
    return found


def _confused_pairs(matrix: Any, codes: Sequence[str]) -> pd.DataFrame:
    """The cells of a confusion matrix that are not 0, the greatest first: small for any number of classes."""
    percent = tables.row_percent(matrix)
    cells = [
        (codes[row], codes[column], int(matrix[row, column]), round(float(percent[row, column]), 2))
        for row, column in zip(*matrix.nonzero(), strict=True)
    ]
    table = pd.DataFrame(cells, columns=["truth", "answer", "tracks", "percent"])
    return table.sort_values(["tracks", "truth"], ascending=[False, True], kind="stable", ignore_index=True)


def _checkpoints(experiment: Any, folder: Path, record: Mapping[str, Any]) -> None:
    """Versions of one artifact; what the run answers from comes last, so that it is "latest" too."""
    import wandb

    for alias in ("last", "best", "refit"):
        if (folder / f"{alias}.ckpt").exists():
            artifact = wandb.Artifact(f"model-{experiment.id}", type="model", metadata=dict(record.get("model", {})))
            artifact.add_file(str(folder / f"{alias}.ckpt"))
            experiment.log_artifact(artifact, aliases=[alias])

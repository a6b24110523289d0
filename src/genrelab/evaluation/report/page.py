"""`report/index.html`: one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from genrelab.evaluation.report import calibration, svg, tables
from genrelab.evaluation.report import formatting as wording
from genrelab.evaluation.report.auxiliary_scores import shown_labels
from genrelab.evaluation.report.error_flow import flow_picture, most_confused
from genrelab.evaluation.report.examples import Example, data_uri
from genrelab.evaluation.report.figures import panels
from genrelab.evaluation.report.heatmap import heatmap
from genrelab.evaluation.report.pca_plot import Plane, sentences
from genrelab.evaluation.report.pca_plot import pictures as plane_pictures
from genrelab.metrics import EXTENDED_METRICS, METRICS
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID, RANDOM
from genrelab.runs.run_dir import RunDir

if TYPE_CHECKING:
    from jinja2 import Template

ON_THE_GRAPH = ("distance", "distance_skill", "severity", "distance_sd")
GROUPS = (
    ("Right answers", ("accuracy", "top3", "top5", "balanced_accuracy", "f1_macro", "precision_macro", "recall_macro")),
    ("On the genre graph", ON_THE_GRAPH),
    ("Supergenres", ("supergenre_accuracy", "supergenre_top3")),
    ("Hubs", ("hub_share", "effective_classes", "never_predicted")),
    ("Probabilities", ("nll",)),
)
STYLES = ("accent", "second", "third")


@dataclass(frozen=True)
class Shown:
    """A run's results, prepared for drawing.

    Args:
        run: the folder.
        metrics: `metrics.json`.
        confusion: `[C, C]` counts of tracks.
        genres: table of genres.
        examples: pictures.
        plane: of a model that was fitted at once; None where there is none.
    """

    run: RunDir
    metrics: Mapping[str, Any]
    confusion: np.ndarray
    genres: pd.DataFrame
    examples: Sequence[Example]
    plane: Plane | None = None

    @property
    def with_supergenres(self) -> bool:
        """Whether supergenres say more than genres do."""
        return 1 < len(self.run.supergenre_codes) < len(self.run.taxonomy.genres)


def render(shown: Shown) -> str:
    """The page's HTML. Whatever comes from names and files is escaped."""
    run, metrics = shown.run, shown.metrics
    common, far = tables.confusions(run, shown.confusion)
    distances = tables.mistake_distances(run, shown.confusion)
    return template("template.html.jinja").render(
        record=run.record,
        run_id=metrics["run_id"],
        unsafe=run.unsafe,
        overlap=run.n_overlapping,
        conditions=_conditions(metrics.get("conditions") or ()),
        labels=shown_labels(metrics.get("labels") or {}),
        part=run.primary_split,
        tracks=metrics["tracks"][run.primary_split],
        segments=metrics["segments"][run.primary_split],
        taxonomy=run.taxonomy,
        supergenres=shown.with_supergenres,
        verdict=wording.verdict(run, metrics),
        banners=wording.banners(run, metrics),
        comparisons=_comparisons(shown),
        headline=_headline(shown),
        levels=_levels(shown),
        without_epochs=run.without_epochs,
        calibration=calibration.pictures(run, metrics),
        curves=_curves(run),
        confusions=_confusion_pictures(shown),
        mistakes=int(distances["mistakes"].sum()),
        histogram=None if run.taxonomy.flat else _histogram(distances),
        flows=flow_picture(run, shown.confusion),
        confused=most_confused(run, shown.confusion),
        common=common,
        far=far,
        genres=shown.genres.astype(object).where(shown.genres.notna(), None).to_dict("records"),
        hubs=tables.hubs(run, shown.confusion),
        examples=_examples(shown),
        plane=[] if shown.plane is None else plane_pictures(run, shown.plane),
        explained=[] if shown.plane is None else [round(100 * share) for share in shown.plane.explained],
        clustering=_clusters(shown),
        config=run.config,
        provenance=provenance(run, metrics),
        clock=wording.clock,
        stages=stages(run.record.get("stage_seconds") or {}),
        rejected=(run.record.get("dataset") or {}).get("rejected") or [],
        baselines=_baseline_titles(shown),
        resampling=metrics["resampling"],
    )


def template(name: str, package: str = "genrelab.evaluation.report") -> Template:
    """A page's template, which may include the report's `style.css` and `sort.js`; what it shows is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package, ""), PackageLoader("genrelab.evaluation.report", "")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


def shown_metrics(shown: Shown) -> list[tuple[str, list[str]]]:
    """The metrics that say something here: no top 3 of 3 genres, no distances or supergenres where there are none."""
    classes = len(shown.run.taxonomy.genres)
    mute = {f"top{k}" for k in (3, 5) if k >= classes}
    if shown.run.taxonomy.flat:
        mute |= set(ON_THE_GRAPH)
    if not shown.with_supergenres:
        mute |= {"supergenre_accuracy", "supergenre_top3"}
    groups = [(title, [name for name in names if name not in mute]) for title, names in GROUPS]
    return [(title, names) for title, names in groups if names]


def _baseline_titles(shown: Shown) -> list[dict[str, str]]:
    """Trained baselines first, then the trivial ones, with what each answers."""
    metrics, run = shown.metrics, shown.run
    title = dict(zip(run.taxonomy.genres, run.taxonomy.titles, strict=True))
    notes = {
        MAJORITY: f"always {title[metrics['majority']]}, the commonest genre in train",
        MEDOID: f"always {title[metrics['medoid']]}, the genre nearest to the train tracks",
        RANDOM: "every genre alike, in expectation",
    }
    names = [
        name for name in metrics["baselines"][run.primary_split]["track"] if not (run.taxonomy.flat and name == MEDOID)
    ]
    ordered = [*(name for name in names if name not in notes), *(name for name in names if name in notes)]
    return [{"name": name, "note": notes.get(name, "trained on the same tracks")} for name in ordered]


def _headline(shown: Shown) -> list[dict[str, Any]]:
    part = shown.run.primary_split
    found, baselines = shown.metrics[part]["track"], shown.metrics["baselines"][part]["track"]
    names = [one["name"] for one in _baseline_titles(shown)]

    def row(metric: str) -> dict[str, Any]:
        return {
            "name": wording.TITLES[metric],
            "note": METRICS[metric],
            "own": _cell(metric, found[metric]),
            "baselines": [_cell(metric, baselines[name].get(metric, {})) for name in names],
        }

    return [{"title": title, "rows": [row(metric) for metric in group]} for title, group in shown_metrics(shown)]


def _cell(metric: str, found: Mapping[str, float | None]) -> tuple[str, str]:
    """A value and its interval, as shown."""
    return wording.number(metric, found.get("value")), wording.interval(metric, found)


def _conditions(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """New songs by condition, as shown."""
    made = []
    for row in rows:
        cells: list[tuple[str, str]] = []
        for level, count in (("track", "songs"), ("segment", "excerpts")):
            cells.append((str(row[count]), ""))
            cells += [_cell("accuracy", row[level][f"top{k}"]) for k in (1, 2, 3)]
        made.append({"condition": row["condition"], "cells": cells})
    return made


def _levels(shown: Shown) -> dict[str, Any]:
    """Both parts at both levels, side by side."""
    metrics = shown.metrics
    columns = [(part, level) for part in shown.run.parts for level in ("track", "segment")]
    rows = []
    for metric in (
        *(name for _, group in shown_metrics(shown) for name in group),
        *calibration.shown_details(shown.run),
    ):
        cells = [_cell(metric, metrics[part][level].get(metric, {})) for part, level in columns]
        rows.append({"name": wording.TITLES[metric], "note": {**METRICS, **EXTENDED_METRICS}[metric], "cells": cells})
    heads = [(part, f"{level}s", metrics[f"{level}s"][part]) for part, level in columns]
    return {"heads": heads, "rows": rows}


def _comparisons(shown: Shown) -> list[Markup]:
    """Accuracy and distance against the baselines, drawn."""
    part = shown.run.primary_split
    baselines = shown.metrics["baselines"][part]["track"]
    rows = [("this run", shown.metrics[part]["track"])]
    rows += [(one["name"], baselines[one["name"]]) for one in _baseline_titles(shown)]
    notes = {"accuracy": "more is better", "distance": "edges to the truth: less is better"}
    pictures = []
    for metric in ("accuracy",) if shown.run.taxonomy.flat else ("accuracy", "distance"):
        marks = []
        for number, (name, found) in enumerate(rows):
            one = found.get(metric, {})
            if one.get("value") is not None:
                ends = None if one["low"] is None else (one["low"], one["high"])
                marks.append(svg.Mark(name, one["value"], ends, strong=number == 0))
        pictures.append(svg.comparison(wording.TITLES[metric], marks, metric in wording.SHARES, notes[metric]))
    return pictures


def _curves(run: RunDir) -> list[Markup]:
    table = run.curves.head(0) if run.without_epochs else run.curves
    best = (run.record.get("monitor") or {}).get("best_epoch")
    pictures = []
    for title, share, columns in panels(run.taxonomy.flat):
        lines = [
            svg.Line(label, table["epoch"].to_numpy(float) + 1, table[column].to_numpy(float), style)
            for (column, label), style in zip(columns, STYLES, strict=False)
            if column in table and np.isfinite(table[column].to_numpy(float)).any()
        ]
        if lines:
            pictures.append(svg.curves(title, lines, share, None if best is None else best + 1))
    return pictures


def _confusion_pictures(shown: Shown) -> list[dict[str, Any]]:
    """Genres (ordered by supergenre) and supergenres, each as counts and as per cent."""
    run = shown.run
    order = np.argsort(run.supergenres, kind="stable")
    group_titles = [run.taxonomy.supergenres[code] for code in run.supergenre_codes]
    names = [run.taxonomy.titles[i] for i in order]
    groups = [group_titles[run.supergenres[i]] for i in order]
    matrices = [("genre", "Genres", shown.confusion[np.ix_(order, order)], names, groups)]
    if shown.with_supergenres:
        counts = tables.of_supergenres(shown.confusion, run.supergenres)
        matrices.append(("supergenre", "Supergenres", counts, group_titles, group_titles))
    return [
        {
            "key": key,
            "title": title,
            "counts": heatmap(counts, labels, blocks, False, f"{title}: counts"),
            "percent": heatmap(tables.percent(counts), labels, blocks, True, f"{title}: per cent of the row"),
        }
        for key, title, counts, labels, blocks in matrices
    ]


def _histogram(distances: pd.DataFrame) -> Markup | None:
    if not distances["mistakes"].sum():
        return None
    values, counts, chance = (distances[name].tolist() for name in ("distance", "mistakes", "random"))
    return svg.histogram(values, counts, chance, unit="mistakes")


def _examples(shown: Shown) -> list[dict[str, Any]]:
    taxonomy = shown.run.taxonomy
    title = dict(zip(taxonomy.genres, taxonomy.titles, strict=True))
    found = []
    for name, group in groupby(shown.examples, key=lambda one: one.title):
        pictures = list(group)
        found.append(
            {
                "title": name,
                "genre": title.get(pictures[0].genre, pictures[0].genre),
                "answer": title.get(pictures[0].answer, pictures[0].answer),
                "right": pictures[0].genre == pictures[0].answer,
                "pictures": [(_caption(one), Markup(data_uri(one.picture, one.colours))) for one in pictures],
            }
        )
    return found


def _clusters(shown: Shown) -> dict[str, Any] | None:
    """What is said of clusters; None where there are none."""
    found = shown.metrics.get("clustering")
    if not found:
        return None
    title = dict(zip(shown.run.taxonomy.genres, shown.run.taxonomy.titles, strict=True))
    rows = [
        {
            **row,
            "title": title[row["genre"]],
            "share": row["right"] / row["segments"] if row["segments"] else None,
            "commonest": ", ".join(f"{title[code]} {count}" for code, count in row["commonest"]),
        }
        for row in found["table"]
    ]
    parts = [(part, found[part]) for part in ("train", "val", "test") if part in found]
    return {"said": sentences(found, shown.run.parts)[0], "rows": rows, "parts": parts}


def _caption(example: Example) -> str:
    """A feature's name, and what its colours mean where that is not plain."""
    return example.feature_name + (": red above 0, blue below" if example.colours == "RdBu_r" else "")


def stages(seconds: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """(stage, seconds, share of all)."""
    total = sum(seconds.values()) or 1.0
    return [(name, value, value / total) for name, value in seconds.items()]


def provenance(run: RunDir, metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where the numbers come from, as name and text; what the record lacks is left out."""
    record, split = run.record, run.record.get("split") or {}
    model, loss, monitor = (record.get(name) or {} for name in ("model", "loss", "monitor"))
    parameters = f", {model['parameters']:,} parameters" if model.get("parameters") is not None else ""
    beta = f", beta {loss['beta']:g}" if loss.get("beta") is not None else ""
    if beta and loss.get("effective_beta") not in (None, loss["beta"]):
        beta += f" ({loss['effective_beta']:g} per edge)"
    best = ""
    if monitor.get("best") is not None and monitor.get("best_epoch") is not None:
        best = f"best {monitor['best']:.3f} in epoch {monitor['best_epoch'] + 1} of {monitor.get('epochs', '?')}"
    elif monitor.get("best") is not None and run.without_epochs:
        best = f"{monitor['best']:.3f}"
    commit = str(record.get("commit") or "")
    pairs = [
        ("Command", record.get("command")),
        ("Model", f"{model['kind']}{parameters}" if model.get("kind") else None),
        ("Fitted", _fitted(model.get("fitted") or {})),
        ("Members", ", ".join(_member(one) for one in record.get("members") or ())),
        ("Features", ", ".join(record.get("features") or ())),
        ("Loss", f"{loss['kind']}{beta}" if loss.get("kind") else None),
        ("Monitor", ", ".join(filter(None, (monitor.get("metric"), best)))),
        ("Dataset", _dataset(run)),
        (
            "Split",
            ", ".join(
                f"{k} {split[k]}" for k in ("kind", "seed", "artists", "fold", "hash") if split.get(k) is not None
            ),
        ),
        ("Taxonomy", f"{run.taxonomy.name}, {len(run.taxonomy.genres)} genres, hash {run.taxonomy.hash}"),
        ("Facts from", run.taxonomy.source),
        ("Tracks from segments", metrics["aggregation"].replace("_", " ")),
        (
            "Commit",
            f"{commit[:12]}{' and uncommitted changes (changes.diff)' if record.get('changed') else ''}"
            if commit
            else None,
        ),
        ("Versions", ", ".join(f"{k} {v}" for k, v in (record.get("versions") or {}).items())),
        ("Hardware", ", ".join(f"{k} {v}" for k, v in (record.get("hardware") or {}).items())),
        ("Fingerprints", ", ".join(f"{k} {v}" for k, v in (record.get("fingerprints") or {}).items())),
    ]
    return [(name, str(value)) for name, value in pairs if value]


def _member(one: Mapping[str, Any]) -> str:
    weight = f", weight {one['weight']:.2f}" if "weight" in one else ""
    return f"{one.get('model')} ({one.get('run_id')}{weight})"


def _fitted(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in found.items() if not isinstance(v, list))


def _dataset(run: RunDir) -> str:
    dataset = run.record.get("dataset") or {}
    tracks = ", ".join(f"{count} {part}" for part, count in (dataset.get("tracks") or {}).items())
    return ": ".join(filter(None, (dataset.get("name"), f"{tracks} tracks" if tracks else "")))

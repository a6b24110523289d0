"""The model card: what a run is, how well it does, what it is for and what it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrelab.evaluation.report.formatting import METRIC_TITLES, PERCENT_METRICS, format_interval, format_metric
from genrelab.evaluation.report.multilabel_scores import PRIOR_BASELINE, displayed_multilabel_metrics
from genrelab.evaluation.report.summary import SUMMARY_METRICS
from genrelab.metrics.constant_baselines import MAJORITY, MEDOID
from genrelab.utils.io import printable

if TYPE_CHECKING:
    from jinja2 import Template

TREE_ROWS = ("distance", "distance_skill", "supergenre_accuracy")


def render_card(
    config: Mapping[str, Any], metrics: Mapping[str, Any], record: Mapping[str, Any], license: str, front_matter: bool
) -> str:
    """The card in Markdown.

    Args:
        config: of the export, see `content.describe`.
        metrics: the run's `metrics.json`; empty where there is none, and the card says so.
        record: the run's `run.json`; likewise.
        license: of the weights, as its short name ("mit", "cc-by-nc-4.0"), or "unknown".
        front_matter: begin with the YAML that model hubs read.
    """
    part = metrics.get("headline")
    return _template().render(
        config=config,
        metrics=metrics,
        record=record,
        dataset=record.get("dataset") or {},
        split=record.get("split") or {},
        taxonomy=record.get("taxonomy") or {},
        license=license,
        front_matter=front_matter,
        part=part,
        rows=headline(metrics) if part else [],
        constant=PRIOR_BASELINE if config["several"] else "Best constant answer",
        results=_results(metrics) if part else [],
        warnings=[*metrics.get("warnings", ()), *metrics.get("notes", ())],
        files={"onnx": "model.onnx", "torch-export": "model.pt2"},
    )


def headline(metrics: Mapping[str, Any]) -> list[dict[str, str]]:
    """The report's first table: name, value, 95 % interval and the best constant answer of each row."""
    part = metrics["headline"]
    found, baselines = metrics[part]["track"], metrics["baselines"][part]["track"]
    rows = []
    for metric, baseline in _shown(metrics):
        constant = baselines[baseline].get(metric, {})
        rows.append(
            {
                "name": METRIC_TITLES[metric],
                "value": format_metric(metric, found[metric]["value"]),
                "interval": format_interval(metric, found[metric]),
                "constant": format_metric(metric, constant.get("value")),
            }
        )
    return rows


def _shown(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The metrics of the table, and the baseline that each is read against."""
    if metrics.get("target") == "multi_label":
        return [(metric, PRIOR_BASELINE) for metric in displayed_multilabel_metrics(metrics)]
    found = metrics[metrics["headline"]]["track"]
    return [
        (metric, MEDOID if metric in TREE_ROWS[:2] else MAJORITY)
        for metric in SUMMARY_METRICS
        if metric in found and not (metrics.get("flat") and metric in TREE_ROWS)
    ]


def _results(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For the front matter: shares between 0 and 1."""
    found = metrics[metrics["headline"]]["track"]
    return [
        {"type": metric, "name": METRIC_TITLES[metric], "value": round(found[metric]["value"], 4)}
        for metric, _ in _shown(metrics)
        if metric in (*PERCENT_METRICS, "pr_auc", "roc_auc") and found[metric]["value"] is not None
    ]


def _plain(text: Any) -> str:
    """Text of somebody else in Markdown: nothing in it is markup, a link or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", printable(str(text)))


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment

    text = Path(__file__).with_name("card.md.jinja").read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters["plain"] = _plain
    environment.filters["code"] = lambda text: "`" + printable(str(text)).replace("`", "'").replace("|", "\\|") + "`"
    return environment.from_string(text)

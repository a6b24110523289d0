"""Calibration on the page: its charts, and which details are shown."""

import json

import pytest

from genrelab.evaluation.report.calibration import calibration_plots, displayed_extended_metrics
from genrelab.evaluation.report.formatting import METRIC_TITLES
from genrelab.runs.run_dir import RunDir


@pytest.mark.parametrize("classes", [3, 12, 248])
def test_charts_show_the_bins_and_points_of_metrics_json(reports, classes):
    run = RunDir.read(reports[classes])
    metrics = json.loads((run.path / "metrics.json").read_text())
    found = metrics["calibration"]["test"]
    for level in ("track", "segment"):
        assert sum(one["count"] for one in found[level]["reliability"]) == metrics[f"{level}s"]["test"]
        coverage, risk = found[level]["risk_coverage"][-1]
        assert coverage == 1 and risk == pytest.approx(1 - metrics["test"][level]["accuracy"]["value"])
    reliability, risk = calibration_plots(run, metrics)
    assert reliability.count("<circle") == sum(len(found[level]["reliability"]) for level in found)
    assert risk.count('class="curve accent"') == 2  # its line and its key
    page = (run.path / "report" / "index.html").read_text()
    assert str(reliability) in page and 'href="#calibration"' in page
    assert (METRIC_TITLES["distance_at_3"] in page) == (classes > 3)


def test_details_that_say_nothing_are_not_shown(reports):
    assert displayed_extended_metrics(RunDir.read(reports[3])) == ["brier", "ece", "aurc"]
    assert len(displayed_extended_metrics(RunDir.read(reports[12]))) == 9


def test_metrics_of_earlier_versions_have_no_charts(reports):
    assert calibration_plots(RunDir.read(reports[3]), {}) == []

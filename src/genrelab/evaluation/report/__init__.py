"""Predictions -> scores with intervals, tables, pictures, and one page that needs nothing but itself."""

from genrelab.evaluation.report.examples import Example, choose_examples
from genrelab.evaluation.report.summary import print_summary, summary_table
from genrelab.evaluation.report.writer import write_report

__all__ = ["Example", "choose_examples", "print_summary", "summary_table", "write_report"]

"""Predictions -> scores with intervals, tables, pictures, and one page that needs nothing but itself."""

from genrelab.report.examples import Example, choose_examples
from genrelab.report.summary import print_summary, summary_table
from genrelab.report.write import write_report

__all__ = ["Example", "choose_examples", "print_summary", "summary_table", "write_report"]

"""Many runs in one table: filtered, grouped, with spread over seeds and paired tests."""

from genrelab.evaluation.comparison.comparison import Comparison, compare
from genrelab.evaluation.comparison.console import print_comparison
from genrelab.evaluation.comparison.write import write_comparison

__all__ = ["Comparison", "compare", "print_comparison", "write_comparison"]

"""Many runs in one table: filtered, grouped, with spread over seeds and paired tests."""

from genrelab.compare.comparison import Comparison, compare
from genrelab.compare.terminal import print_comparison
from genrelab.compare.write import write_comparison

__all__ = ["Comparison", "compare", "print_comparison", "write_comparison"]

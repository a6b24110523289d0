"""Answers decided anew from a run's predictions, scored beside the usual ones; nothing is trained."""

from genrelab.evaluate.anew import decision_name, evaluate, make_decision, write_evaluation
from genrelab.evaluate.show import print_evaluation, shown_rows

__all__ = ["decision_name", "evaluate", "make_decision", "print_evaluation", "shown_rows", "write_evaluation"]

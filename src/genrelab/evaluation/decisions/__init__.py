"""Answers decided anew from a run's predictions, scored beside the usual ones; nothing is trained."""

from genrelab.evaluation.decisions.console import print_evaluation, shown_rows
from genrelab.evaluation.decisions.reevaluate import decision_name, evaluate, make_decision, write_evaluation

__all__ = ["decision_name", "evaluate", "make_decision", "print_evaluation", "shown_rows", "write_evaluation"]

"""Answers decided anew from a run's predictions, scored beside the usual ones; nothing is trained."""

from genrelab.evaluation.decisions.console import displayed_rows, print_reevaluation
from genrelab.evaluation.decisions.reevaluate import build_rule, reevaluate_run, rule_name, write_reevaluation

__all__ = ["build_rule", "displayed_rows", "print_reevaluation", "reevaluate_run", "rule_name", "write_reevaluation"]

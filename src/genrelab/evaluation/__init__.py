"""Scores of finished runs: reports, comparisons, re-evaluated decisions and ensembles."""

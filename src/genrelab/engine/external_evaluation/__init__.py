"""New data (B09, E10, E11): other songs scored by a finished run."""

from genrelab.engine.external_evaluation.excerpts import draw_excerpts
from genrelab.engine.external_evaluation.score import NewData, score_new_data

__all__ = ["NewData", "draw_excerpts", "score_new_data"]

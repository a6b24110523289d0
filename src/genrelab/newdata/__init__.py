"""New data (B09, E10, E11): other songs scored by a finished run."""

from genrelab.newdata.excerpts import draw_excerpts
from genrelab.newdata.score import NewData, score_new_data

__all__ = ["NewData", "draw_excerpts", "score_new_data"]

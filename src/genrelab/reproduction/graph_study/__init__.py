"""A study of losses and decisions: scored over seeds, tested against one of them, written as a page by code."""

from genrelab.reproduction.graph_study.page import render_page, write_page
from genrelab.reproduction.graph_study.score import Condition, StudyScores, read_studies, score_study

__all__ = ["Condition", "StudyScores", "read_studies", "render_page", "score_study", "write_page"]

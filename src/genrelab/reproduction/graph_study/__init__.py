"""A study of losses and decisions: scored over seeds, tested against one of them, written as a page by code."""

from genrelab.reproduction.graph_study.page import page_of, write_page
from genrelab.reproduction.graph_study.score import Scored, Setting, read_studies, score_study

__all__ = ["Scored", "Setting", "page_of", "read_studies", "score_study", "write_page"]

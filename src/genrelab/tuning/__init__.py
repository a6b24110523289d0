"""Searches over configurations: one worker asks for a trial, runs it in its own process, and tells how it went."""

from genrelab.tuning.study_spec import StudySpec

__all__ = ["StudySpec"]

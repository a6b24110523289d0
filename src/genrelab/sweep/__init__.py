"""Searches over configurations: one worker asks for a trial, runs it in its own process, and tells how it went."""

from genrelab.sweep.spec import StudySpec

__all__ = ["StudySpec"]

"""Commands as a user calls them, without a process of their own."""

from __future__ import annotations

from typer.testing import CliRunner

from genrelab.cli import app


def genrelab(*words: object, code: int = 0):
    """Run `genrelab WORDS`, which must end with exit code `code`; return what it printed and its code."""
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done

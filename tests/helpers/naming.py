"""The pattern by which tests match a message: by its data, so that its sentences may change."""

from __future__ import annotations

import re


def naming(*data: object) -> str:
    """A pattern for `match=`: text that holds each of `data` in this order, and no longer words or numbers."""
    words = (re.escape(str(each)) for each in data)
    return "(?s)" + ".*?".join(rf"(?:(?<!\w)|(?!\w)){word}(?:(?<!\w)|(?!\w))" for word in words)

"""The pages of documentation and the commands in them."""

from __future__ import annotations

import re

from paths import REPOSITORY

PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]


def commands() -> list[tuple[str, str]]:
    """(name of the page, command), of all blocks of shell commands."""
    found = []
    for page in PAGES:
        for block in re.findall(
            r"^```(?:bash|sh|console)\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE
        ):
            for line in block.replace("\\\n", " ").splitlines():
                command = line.split(" #")[0].strip().removeprefix("$ ")
                if command.startswith(("python train.py", "genrelab ")):
                    found.append((page.name, command))
    return found


COMMANDS = commands()

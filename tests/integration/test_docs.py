"""Every command in README and docs composes, passes the configuration check, or runs its verb's help."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from documented import COMMANDS, PAGES
from genrelab.cli import app, launch
from genrelab.config import compose
from genrelab.engine.validate_config import check
from genrelab.utils.errors import ConfigError


def test_the_pages_hold_commands():
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{page}: {command}" for page, command in COMMANDS])
def test_a_documented_command_is_right(page, command):
    words = shlex.split(command)
    words = words[2:] if words[0] == "python" else words[1:]
    if command.startswith("python train.py"):
        if any(word.startswith(("resume=", "--help", "--cfg")) for word in words):
            return
        if any(word.startswith("plugins=") for word in words):
            pytest.skip("needs the module that its guide writes; that guide's own test runs it")
        launch.preflight([word for word in words if word != "--auto"])
        return
    n = 2 if words[0] == "tools" else 1
    verb, rest = words[:n], words[n:]
    done = CliRunner().invoke(app, [*verb, "--help"])
    assert done.exit_code == 0, f"no verb {verb}"
    for option in (word.partition("=")[0] for word in rest if word.startswith("--")):
        assert option in done.output, f"{verb} has no {option}"
    overrides = [word for word in rest if "=" in word and not word.startswith("--")]
    if overrides and "OVERRIDES" in done.output:
        check(compose(overrides), overrides, training=False)


def test_a_wrong_command_would_be_found():
    with pytest.raises(ConfigError):
        launch.preflight(["modle=cnn"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links {target}"

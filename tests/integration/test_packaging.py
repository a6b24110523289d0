"""What a package declares: ranges, constraints, Python versions and the changelog agree."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import genrelab

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13")


def requirements() -> list[Requirement]:
    """Every requirement of the package and its extras, those on its own extras aside."""
    lines = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    return [one for one in map(Requirement, lines) if one.name != "genrelab"]


def constraints() -> dict[str, Requirement]:
    """Each line of constraints.txt by its package."""
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(one.name): one for one in found}


def lowest(specifiers: SpecifierSet) -> Version:
    """The lowest version of a constraint such as ==2.13.* or ==0.5.9."""
    (only,) = specifiers
    assert only.operator == "==", f"{only}: write ==X.Y.* or ==X.Y.Z"
    return Version(only.version.removesuffix(".*"))


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_requirement_has_constraint_inside_its_range(requirement):
    constraint = constraints()[canonicalize_name(requirement.name)]
    pinned = lowest(constraint.specifier)
    if len(pinned.release) < 3:  # X.Y.* has X.Y.0 and all that follow; a range may begin at X.Y.3
        pinned = Version(f"{pinned}.999")
    assert pinned in requirement.specifier, f"{constraint} lies outside {requirement}"


def test_installed_versions_are_those_of_constraints():
    wrong = []
    for name, constraint in constraints().items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:  # an extra that is not installed
            continue
        if not constraint.specifier.contains(installed, prereleases=True):
            wrong.append(f"{constraint}, but {installed} is installed")
    assert not wrong, "\n".join(wrong)


def test_python_versions_agree():
    supported = SpecifierSet(PROJECT["requires-python"])
    assert [minor for minor in (f"3.{n}" for n in range(8, 20)) if f"{minor}.0" in supported] == list(PYTHONS)
    named = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert named == set(PYTHONS)
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == list(PYTHONS)


def test_version_is_written_once_and_has_notes():
    assert PROJECT["dynamic"] == ["version"] and "version" not in PROJECT
    assert Version(genrelab.__version__)
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(genrelab.__version__)}\]", changelog, flags=re.MULTILINE)


@pytest.mark.parametrize("path", sorted((REPOSITORY / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_workflows_call_targets_that_exist(path):
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text)
    for called in re.findall(r"^\s*(?:- )?run: make ([a-z -]+)", text, flags=re.MULTILINE):
        assert set(called.split()) <= targets, called


def test_contributing_names_paths_that_exist():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:src|conf|tests|docs)/[^`]*)`", text)
    assert len(paths) > 10
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []

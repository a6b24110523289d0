"""The package's layout: folders, names and imports."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paths import REPOSITORY

PACKAGE = REPOSITORY / "src" / "genrelab"
FOLDERS = [folder for folder in sorted(PACKAGE.rglob("*")) if folder.is_dir() and folder.name != "__pycache__"]
PACKAGES = [folder for folder in FOLDERS if (folder / "__init__.py").exists()]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_every_folder_is_a_package():
    # A folder that holds caches alone could still be imported under its old name.
    assert PACKAGES and FOLDERS == PACKAGES, "`make clean` removes what an older layout left"


def exported(folder: Path) -> dict[str, str]:
    """Name -> module that it comes from, of what a package's `__init__` imports."""
    source = folder / ("__init__.pyi" if (folder / "__init__.pyi").exists() else "__init__.py")
    found = {}
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {name.asname or name.name: node.module for name in node.names}
    return found


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_no_module_is_hidden_by_a_name_of_its_package(folder):
    modules = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    package = ".".join(["genrelab", *folder.relative_to(PACKAGE).parts])
    assert not [name for name, module in exported(folder).items() if name in modules and module != package]


def old_names() -> set[str]:
    """Module names of the changelog's table that lead nowhere today."""
    found = set()
    for page in REPOSITORY.glob("CHANGELOG*.md"):
        found |= set(
            re.findall(r"^\| `(genrelab[\w.]+)` \| `genrelab[\w.]+` \|$", page.read_text("utf-8"), re.MULTILINE)
        )
    path = {name: REPOSITORY / "src" / name.replace(".", "/") for name in found}
    return {name for name in found if not path[name].with_suffix(".py").exists() and not path[name].is_dir()}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Tracked files but the changelog and this one, by name."""
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listed.stdout.splitlines() if not name.startswith("CHANGELOG")]
    paths = {name: REPOSITORY / name for name in names if REPOSITORY / name != Path(__file__)}
    return {name: path.read_bytes().decode("utf-8", "ignore") for name, path in paths.items() if path.is_file()}


def test_old_module_names_are_gone(texts):
    names = old_names()
    assert len(names) > 200
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + r")(?![\w])")
    assert pattern.search("see genrelab.store.work.do_job") and not pattern.search("genrelab.launch_id")
    assert not [f"{name}: {match}" for name, text in texts.items() for match in pattern.findall(text)]
    imported = re.compile(r"\bfrom (genrelab[\w.]*) import ([\w, ]+)")
    found = {
        (name, package, leaf)
        for name, text in texts.items()
        for package, leaves in imported.findall(text)
        for leaf in re.findall(r"(?:^|, )(\w+)", leaves)
    }
    assert len(found) > 1000
    offered = {".".join(["genrelab", *folder.relative_to(PACKAGE).parts]): exported(folder) for folder in PACKAGES}
    assert not [one for one in found if ".".join(one[1:]) in names and one[2] not in offered.get(one[1], ())]


def test_named_files_of_the_package_exist(texts):
    pattern = re.compile(r"\b((?:src/genrelab|tests)/[\w/]+\.\w+)")
    found = [(name, path) for name, text in texts.items() for path in pattern.findall(text)]
    assert len(found) > 100
    assert not [(name, path) for name, path in found if not (REPOSITORY / path).exists()]


PLANTED = {
    "layers": ("audio/noise.py", "from genrelab.engine import run"),
    "cycles": ("losses/soft_targets.py", "from genrelab.losses import graph_soft"),
    "library": ("datasets/index.py", "import omegaconf"),
    "library-lightning": ("models/cnn.py", "from lightning.pytorch import LightningModule"),
    "independence": ("losses/focal.py", "from genrelab.metrics import scores"),
}


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--contract", contract],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("contract", PLANTED)
def test_an_import_against_a_contract_is_found(contract, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "src" / "genrelab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    kept = lint(tmp_path, contract)
    assert kept.returncode == 0, kept.stdout + kept.stderr
    name, line = PLANTED[contract]
    path = tmp_path / "src" / "genrelab" / name
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    broken = lint(tmp_path, contract)
    assert broken.returncode == 1 and path.stem in broken.stdout, broken.stdout + broken.stderr

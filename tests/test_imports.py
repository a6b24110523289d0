"""Data flows one way: a stage imports only stages to its left."""

import ast
from pathlib import Path

import pytest

import genrelab

PACKAGE = Path(genrelab.__file__).parent
GROUND = 0  # what every stage may import
STAGES: dict[str, int] = {
    **dict.fromkeys(
        ["errors", "exits", "files", "kernels", "registry", "predictions", "checkpoint", "processes", "trial"], GROUND
    ),
    "taxonomy": 1,
    "demo": 2,
    "catalog": 3,
    "split": 4,
    "audio": 5,
    "labels": 5,
    "features": 6,
    "check_report": 1,
    "check": 7,
    "store": 8,
    "data": 9,
    "models": 10,
    "metrics": 10,
    "losses": 11,
    "classical": 11,
    "decide": 11,
    "optim": 11,
    "task": 12,
    "predict": 12,
    "tag": 13,
    "embed": 13,
    "callbacks": 13,
    "report": 14,
    "baselines": 14,
    "compare": 15,
    "deploy": 15,
    "explain": 15,
    "app": 16,
    "config": 15,
    "tracking": 15,
    "record": 15,
    "known": 15,
    "assemble": 16,
    "evaluate": 17,
    "estimate": 17,
    "export": 17,
    "trainer": 16,
    "folds": 17,
    "rename": 17,
    "ensemble": 17,
    "fitting": 17,
    "facts": 17,
    "training": 18,
    "run": 19,
    "newdata": 18,
    "study": 18,
    "launch": 20,
    "reproduce": 20,
    "sweep": 21,
    "cli": 22,
    "__main__": 23,
    "__init__": 24,  # the front door: `genrelab.load_predictor`
}
SPECS = {"genrelab.audio.spec"}  # plain data with fingerprints, which catalogs and the configuration may name


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return {name for name in found if name.startswith("genrelab.")}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if "conf" not in path.relative_to(PACKAGE).parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_stage_imports_only_stages_to_its_left(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in STAGES, f"{own}: say in STAGES where it stands"
    for name in imports(path) - SPECS:
        other = name.split(".")[1]
        if other in STAGES and not any(name.startswith(spec) for spec in SPECS):
            allowed = other == own or STAGES[other] < STAGES[own] or STAGES[other] == GROUND
            assert allowed, f"{own} (stage {STAGES[own]}) imports {name} (stage {STAGES[other]})"


@pytest.mark.parametrize("stage", ["models", "losses", "metrics", "features", "audio", "store", "taxonomy", "catalog"])
def test_library_stages_know_neither_hydra_nor_lightning(stage):
    files = [PACKAGE / f"{stage}.py"] if (PACKAGE / f"{stage}.py").exists() else (PACKAGE / stage).rglob("*.py")
    for path in files:
        text = path.read_text(encoding="utf-8")
        for module in ("hydra", "omegaconf", "lightning"):
            assert f"import {module}" not in text and f"from {module}" not in text, f"{path.name} imports {module}"

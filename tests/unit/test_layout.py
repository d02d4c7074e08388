"""The walls of the house: which rooms of the package may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "diat"
SIDE_ROOMS = ("data", "training", "evaluation", "pages", "cli")
# Rooms that the named ones never import; "inference" is everything outside the side rooms.
WALLS = {
    "inference": ("diat.data", "diat.training", "diat.evaluation", "diat.pages", "diat.cli"),
    "cli": ("diat.data", "diat.training", "diat.evaluation"),
    "data": ("diat.training", "diat.evaluation", "diat.pages"),
    "training": ("diat.evaluation", "diat.pages"),
    "evaluation": ("diat.pages",),
    "pages": ("diat.data", "diat.training", "diat.evaluation"),
}
NATIVE = ("torch", "ncnn", "diat.data", "diat.training", "diat.evaluation", "diat.pages", "diat.runtime", "diat.editor")
SCRIPTS = {path.stem for path in (PACKAGE.parent / "train").glob("*.py")}


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, by its full name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0].replace("__main__.py", "cli")
    return first if first in SIDE_ROOMS else "inference"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_no_room_behind_a_wall(path: Path):
    names = imported(path)
    behind = {name for name in names for wall in WALLS[room(path)] if f"{name}.".startswith(f"{wall}.")}
    assert not behind, f"{path.name} ({room(path)}) imports {sorted(behind)}"
    assert not {name.split(".")[0] for name in names} & ({"train"} | SCRIPTS - {"diat_a", "diat_vgg"}), path


@pytest.mark.parametrize("path", sorted((PACKAGE / "native").glob("*.py")), ids=lambda path: path.name)
def test_the_native_stage_is_pure_arrays(path: Path):
    names = imported(path)
    assert not {name for name in names for wall in NATIVE if f"{name}.".startswith(f"{wall}.")}


def test_the_walls_are_seen():
    assert "diat.training.losses" in imported(PACKAGE / "training" / "objectives.py")
    assert room(PACKAGE / "data" / "pack.py") == "data" and room(PACKAGE / "editor.py") == "inference"

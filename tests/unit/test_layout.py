"""The walls of the house: which rooms of the package may import which, and how large its files and functions are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "diat"
SIDE_ROOMS = ("data", "training", "baselines", "evaluation", "pages", "cli")
# Rooms that the named ones never import; "inference" is everything outside the side rooms.
WALLS = {
    "inference": ("diat.data", "diat.training", "diat.baselines", "diat.evaluation", "diat.pages", "diat.cli"),
    "cli": ("diat.data", "diat.training", "diat.baselines", "diat.evaluation"),
    "data": ("diat.training", "diat.baselines", "diat.evaluation", "diat.pages"),
    "training": ("diat.baselines", "diat.evaluation", "diat.pages"),
    "baselines": ("diat.evaluation", "diat.pages"),
    "evaluation": ("diat.pages",),
    "pages": ("diat.data", "diat.training", "diat.baselines", "diat.evaluation"),
}
NATIVE = ("torch", "ncnn", "diat.data", "diat.training", "diat.evaluation", "diat.pages", "diat.runtime", "diat.editor")
MAX_FILE, MAX_FUNCTION = 300, 60  # lines
REASON = "# Long: "  # begins the comment that says why one is longer, at the head of the file or above the function
ROOT = PACKAGE.parent
SOURCES = [
    ROOT / "app.py",
    *(path for room in ("diat", "train", "benchmarks", "tests") for path in (ROOT / room).rglob("*.py")),
]
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


def too_long(text: str) -> Iterator[str]:
    """What of a file is longer than it should be, and does not say why."""
    lines = text.splitlines()
    if len(lines) > MAX_FILE and not any(line.startswith(REASON) for line in lines[:10]):
        yield f"{len(lines)} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > MAX_FUNCTION and not (first > 1 and lines[first - 2].strip().startswith(REASON)):
                yield f"{node.name} of {length} lines"


@pytest.mark.parametrize("path", sorted(SOURCES), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short_or_say_why(path: Path):
    assert not list(too_long(path.read_text()))


def test_long_files_and_functions_are_seen():
    long = "def f():\n" + "    pass\n" * MAX_FUNCTION
    assert list(too_long(long)) == [f"f of {MAX_FUNCTION + 1} lines"]
    assert not list(too_long(f"{REASON}a table.\n{long}"))
    assert list(too_long("x = 1\n" * (MAX_FILE + 1))) == [f"{MAX_FILE + 1} lines"]
    assert not list(too_long(f"{REASON}a table.\n" + "x = 1\n" * MAX_FILE))


def test_no_two_test_files_have_one_name():
    """pytest would collect none of the suite."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert not {name for name in names if names.count(name) > 1}

"""The package's public names."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import diat


def test_every_public_name_is_listed_where_it_lives_and_completes():
    assert sorted(diat._HOME_OF) == sorted(diat.__all__)
    assert set(diat.__all__) <= set(dir(diat))
    for name in diat.__all__:
        value = getattr(diat, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__module__ == f"diat.{diat._HOME_OF[name]}"


def test_type_checkers_see_every_public_name():
    tree = ast.parse(Path(diat.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name: node.module for node in block.body for alias in node.names}
    assert imported == {name: f"diat.{home}" for name, home in diat._HOME_OF.items()}


def test_the_package_itself_loads_nothing_heavy():
    code = "import sys, diat; dir(diat); sys.exit(bool({'torch', 'cv2', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0

"""Every option of every command of train/ says what it is, and its default."""

from __future__ import annotations

import argparse
import ast
import sys
import tokenize

import pytest
from scripts import ROOT

sys.path.insert(0, str(ROOT / "train"))
from commandline import OptionsHelp, run_command  # noqa: E402 - lies beside the scripts

from diat.errors import TrainingStopped

TRAIN = sorted((ROOT / "train").glob("*.py"))
SETTINGS = [*TRAIN, *sorted((ROOT / "diat" / "training").glob("*.py"))]
INNER = "chooser"  # parsers that look at the options before the real one does


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == name]


@pytest.mark.parametrize("path", TRAIN, ids=lambda path: path.name)
def test_options_of_argparse_have_help_and_show_defaults(path):
    tree = ast.parse(path.read_text())
    for call in calls(tree, "add_argument"):
        if ast.unparse(call.func.value) != INNER:
            assert any(keyword.arg == "help" for keyword in call.keywords), ast.unparse(call)
    for call in calls(tree, "ArgumentParser"):
        words = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert words.get("add_help") == "False" or words["formatter_class"] == OptionsHelp.__name__


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_settings_have_a_comment_that_becomes_their_help(path):
    with path.open("rb") as file:
        commented = {token.start[0] for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Settings", "Launch", "Schedule", "Start")):
            fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
            lines = {field: range(field.lineno - 1, (field.end_lineno or field.lineno) + 1) for field in fields}
            bare = [ast.unparse(field) for field in fields if not commented & set(lines[field])]
            assert not bare, node.name


def test_a_default_stands_beside_its_option():
    parser = argparse.ArgumentParser(description="one\n  two", formatter_class=OptionsHelp)
    parser.add_argument("--size", default=7, help="how large")
    assert "how large (default: 7)" in parser.format_help() and "one\n  two" in parser.format_help()


def test_a_refusal_and_ctrl_c_end_in_a_sentence(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train/diat_a.py"])

    def refused() -> None:
        raise TrainingStopped("There is no pack.")

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run_command(refused)
    assert str(ended.value) == "diat_a: There is no pack."
    with pytest.raises(SystemExit) as ended:
        run_command(interrupted)
    assert ended.value.code == 130 and "stopped. What was finished is kept." in capsys.readouterr().err

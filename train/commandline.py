"""What the commands of this folder share: options from a dataclass, and errors and Ctrl-C as one sentence."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from diat.errors import DiatError

SettingsT = TypeVar("SettingsT")

INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended
WORDS = {"yes": True, "no": False, "true": True, "false": False}
REGISTRY = ConstructorRegistry()


@REGISTRY.primitive_rule
def yes_or_no(type_info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[bool] | None:
    """How options that are true or false are written: ``--name``, ``--name yes`` or ``--name no``."""
    if type_info.type is not bool:
        return None

    def read(words: list[str]) -> bool:
        if not words:
            return True
        if words[0].lower() not in WORDS:
            raise ValueError(f"takes yes or no, not {words[0]!r}")
        return WORDS[words[0].lower()]

    return PrimitiveConstructorSpec(
        nargs=(0, 1),
        metavar="[{yes,no}]",
        instance_from_str=read,
        is_instance=lambda value: isinstance(value, bool),
        str_from_instance=lambda value: ["yes" if value else "no"],
    )


def a_number(kind: type[int] | type[float], words: str) -> Callable[[PrimitiveTypeInfo], Any]:
    """The rule by which numbers are read, with a sentence for what is none."""

    def read(given: list[str]) -> int | float:
        try:
            return kind(given[0])
        except ValueError:
            raise ValueError(f"takes {words}, not {given[0]!r}") from None

    def rule(type_info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        if type_info.type is not kind:
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar="NUMBER",
            instance_from_str=read,
            is_instance=lambda value: isinstance(value, kind),
            str_from_instance=lambda value: [str(value)],
        )

    return rule


REGISTRY.primitive_rule(a_number(int, "a whole number"))
REGISTRY.primitive_rule(a_number(float, "a number"))


def parse(
    kind: type[SettingsT], description: str | None, default: SettingsT | None = None, arguments: list[str] | None = None
) -> SettingsT:
    """Settings from the command line: an option a field, described by the comment beside it.

    Args:
        kind: a dataclass; the fields of dataclasses in it become options too, under a heading of their own.
        description: of the command, for --help.
        default: where its fields start from; without, from the dataclass's own defaults.
        arguments: instead of the command line's.

    Raises:
        DiatError: an option is unknown, missing or cannot have that value.
    """
    markers = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagConversionOff)
    given: dict[str, Any] = {} if default is None else {"default": default}
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            settings: SettingsT = tyro.cli(
                kind, prog=Path(sys.argv[0]).name, description=description, args=arguments, config=markers,
                registry=REGISTRY, **given,
            )  # fmt: skip
            return settings
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise DiatError(one_sentence(said.getvalue())) from None


def one_sentence(box: str) -> str:
    """What tyro says in a box, without the box and without the help below its first rule."""
    lines = [line.strip("│ ") for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    rule = next((place for place, line in enumerate(lines) if line and set(line) == {"─"}), len(lines))
    text = " ".join(line for line in lines[:rule] if line)
    # Of a number that may also be left open, the sentence of what is no number stands last among two.
    text = re.sub(
        r"^(Error parsing \S+:) no type matching .* Got errors: .* - <class '\w+'>: (takes .*)$", r"\1 \2", text
    )
    text = text.split(" Got errors:")[0].rstrip(".")
    return re.sub(r"^Error parsing (\S+): takes", r"\1 takes", text) + ": see --help."


class OptionsHelp(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The description as it stands, and beside each option its default."""


def run_command(main: Callable[[], None]) -> None:
    """Run a command. What the user can mend is one sentence, and Ctrl-C ends quietly.

    Where several processes run, the first alone speaks.
    """
    name, first = Path(sys.argv[0]).stem, os.environ.get("RANK", "0") == "0"
    try:
        main()
    except DiatError as error:
        sys.exit(f"{name}: {error}" if first else 1)
    except KeyboardInterrupt:
        if first:
            print(f"\n{name}: stopped. What was finished is kept.", file=sys.stderr)
        sys.exit(INTERRUPTED)

"""What the commands have in common."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from diat.attributes import ATTRIBUTES, check_strength
from diat.errors import InvalidArgument

if TYPE_CHECKING:
    from diat.editor import FaceEditor


def check_change(args: argparse.Namespace) -> None:
    """Refuse what cannot be, before anything is loaded.

    Raises:
        InvalidArgument: nothing says what to change, or the strength cannot be.
    """
    if args.attribute is None and args.model is None:
        raise InvalidArgument(f"Say what to change with --attribute: {', '.join(ATTRIBUTES)}.")
    check_strength(args.strength)


def load_editor(args: argparse.Namespace) -> FaceEditor:
    """The editor that the options ask for."""
    from diat.editor import FaceEditor

    return FaceEditor.from_pretrained(
        args.model or args.attribute, revision=args.revision, attribute=args.attribute, device=args.device
    )


def read_stdin() -> bytes:
    """A photograph from stdin; no more of it than shows that it is too large."""
    from diat.photo import MAX_BYTES

    return sys.stdin.buffer.read(MAX_BYTES + 1)


class Reporter:
    """Says what happened, as the options ask: sentences, JSON, or nothing; errors on stderr always.

    Args:
        args: with ``json`` and ``quiet``.
        to_stderr: stdout carries a picture.
    """

    def __init__(self, args: argparse.Namespace, to_stderr: bool = False) -> None:
        self._json, self.quiet = args.json, args.quiet
        self._stream = sys.stderr if to_stderr else sys.stdout

    @property
    def shows_progress(self) -> bool:
        """Whether a progress bar is wanted."""
        return not self.quiet and not self._json

    def say(self, *sentences: str) -> None:
        """For people."""
        if self.shows_progress:
            for sentence in sentences:
                print(sentence, file=self._stream)

    def record(self, values: dict[str, Any]) -> None:
        """For programs: one line of JSON."""
        if self._json:
            print(json.dumps(values), file=self._stream, flush=True)

    def fail(self, sentence: str) -> None:
        """For whoever has to act."""
        print(sentence, file=sys.stderr)

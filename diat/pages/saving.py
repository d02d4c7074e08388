"""Results as files: their names and formats."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from diat.pages.bench import Bench
from diat.pages.pictures import PictureFile, known_file
from diat.pages.shelf import PhotoShelf
from diat.provenance import KINDS
from diat.results import result_name

AS_IT_CAME = "As the photo"
FORMATS = {AS_IT_CAME: None, "JPEG": ".jpg", "PNG": ".png", "WebP": ".webp"}
SAID_SECONDS = 5  # so long it is said where a file went


def handed_over(path: str) -> PictureFile:
    """A file for `diat.pages.widgets.saver`, and to the visitor what it is called."""
    gr.Info(f"Saved as {Path(path).name}.", duration=SAID_SECONDS)
    return known_file(Path(path))


def saved_file(shelf: PhotoShelf, bench: Bench, kind: str) -> tuple[bytes, str]:
    """A result as the content of a file, and its name, which both say what changed the photograph.

    Args:
        shelf: makes the changes.
        bench: a photograph with at least one.
        kind: one of `FORMATS`.

    Raises:
        DiatError: they cannot be made.
    """
    photo = str(bench.photo)
    result, made = shelf.result(photo, bench.changes), shelf.made(photo, bench.changes)
    suffix = FORMATS.get(kind) or result.suffix
    return result.to_bytes(KINDS[suffix]), result_name(photo, [change.attribute for change in made.values()], suffix)

"""Results as files: their names and formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from diat.pages.bench import Bench
from diat.pages.parts import QUIET, FileGone, available
from diat.pages.pictures import known_file
from diat.pages.shelf import PhotoShelf
from diat.pages.widgets import Value, saver, saver_value
from diat.provenance import KINDS
from diat.results import result_name

AS_IT_CAME = "Same as the photo"
FORMATS = {AS_IT_CAME: None, "JPEG": ".jpg", "PNG": ".png", "WebP": ".webp"}
SAID_SECONDS = 5  # so long it is said where a file went


def handed_over(path: str) -> Value:
    """A file for `diat.pages.widgets.saver`, and to the visitor what it is called.

    Raises:
        FileGone: it was deleted.
    """
    file = Path(available(path))
    gr.Info(f"Saved as {file.name}.", duration=SAID_SECONDS)
    return saver_value(known_file(file))


def download_button(elem_id: str, source: gr.components.Component) -> gr.Button:
    """Saves the file that another part of the page holds, once there is one."""
    button = gr.Button("Download", variant="primary", visible=False, elem_id=elem_id, min_width=120)

    def hand_over(path: str | None) -> Any:
        try:
            return gr.skip() if path is None else handed_over(path)
        except FileGone as error:
            gr.Warning(str(error))
            return gr.skip()

    button.click(hand_over, source, saver(f"{elem_id}-saver"), **QUIET)  # what is said comes by the queue
    return button


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

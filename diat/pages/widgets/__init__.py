"""The page's own parts: pictures to click, before and after, and a file that is handed over.

Each is Gradio's HTML component with markup and a script of its own, in this folder. What the server puts into one is a
plain value with a ``stamp``, so that an answer that comes late does not replace a newer one. Nothing of a value comes
back from the browser: a click is an event with the names of what was chosen.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from diat.pages.pictures import PictureFile

HERE = Path(__file__).parent
CSS = (HERE / "widgets.css").read_text()

Value = dict[str, Any]
Pictures = dict[str, dict[str, Any]]  # by view, "face" and "whole": the files "before" and "after", or None


@dataclass(frozen=True)
class Choice:
    """A picture to click."""

    name: str  # what comes back
    caption: str
    image: PictureFile | None = None
    note: str = ""  # a second, smaller line
    disabled: bool = False
    why: str = ""  # it is disabled, or what it is
    where: tuple[float, ...] | None = None  # it is in the photograph: left, top, width, height, as shares of its sides


def choice_value(
    title: str,
    choices: Iterable[Choice],
    chosen: Sequence[str] | None = (),
    several: bool = False,
    at_first: Sequence[str] = (),
    of: str = "",
) -> Value:
    """What a `choice` shows.

    Args:
        title: above the pictures.
        choices: the pictures.
        chosen: names of those that are chosen; None for those that are, there.
        several: whether more than one may be.
        at_first: with None, those that are chosen where the visitor has chosen nothing yet, which is a `pick` too.
        of: what the pictures are of. While they are of the same, what was chosen at first stays.
    """
    items = [
        {
            "id": c.name, "caption": c.caption, "image": c.image, "note": c.note, "disabled": c.disabled, "why": c.why,
            "where": c.where,
        }
        for c in choices
    ]  # fmt: skip
    return {
        "stamp": time.monotonic(), "title": title, "items": items, "several": several,
        "chosen": None if chosen is None else list(chosen), "at_first": list(at_first), "of": of,
    }  # fmt: skip


def chosen_value(chosen: Sequence[str]) -> Value:
    """What a `choice` shows: the pictures that it does, and the names of those that are chosen."""
    return {"stamp": time.monotonic(), "same": True, "chosen": list(chosen)}


def choice(elem_id: str, value: Value, optional: bool = False) -> gr.HTML:
    """Pictures to click. The event `pick` says which are chosen: see `chosen_of`.

    With ``optional``, where one at most can be chosen, another click on it leaves none.
    """
    return gr.HTML(
        value,
        html_template=f'<div class="pictures"{" data-optional" if optional else ""}></div>',
        js_on_load=(HERE / "choice.js").read_text(),
        elem_id=elem_id,
        elem_classes=["choice", "choice-part"],
    )


def chosen_of(event: gr.EventData, known: Iterable[str]) -> list[str]:
    """The names in a `pick`, without any that the server did not offer."""
    chosen = getattr(event, "chosen", None)
    return [name for name in known if isinstance(chosen, list) and name in chosen]


def compare_value(
    pictures: Pictures | None,
    message: str = "",
    details: str = "",
    kind: str = "",
    from_start: bool = False,
    example: bool = False,
    same: bool = False,
) -> Value:
    """What a `compare` shows.

    Args:
        pictures: by view, ``"face"`` and ``"whole"``, the files ``"before"`` and ``"after"``, or None.
        message: for the visitor, a sentence a line.
        details: for those who want to know more.
        kind: ``"refused"`` where the message says what to do, ``"consent"`` where that is to tick the page's box.
        from_start: of another photograph: the face is shown, and nearly all of "after".
        example: whether it shows what the program does, before there is a photograph.
        same: the pictures that are shown stay.
    """
    return {
        "stamp": time.monotonic(), "pictures": pictures, "message": message, "details": details, "kind": kind,
        "from_start": from_start, "example": example, "same": same,
    }  # fmt: skip


def compare(elem_id: str, value: Value, whole: str = "Whole photo") -> gr.HTML:
    """Before and after, divided by a line that moves, side by side, or in turn; and what is said of them.

    ``whole`` is what the view of all of the picture is called.
    """
    return gr.HTML(
        value,
        html_template=(HERE / "compare.html").read_text().replace("WHOLE", whole),
        js_on_load=(HERE / "compare.js").read_text(),
        elem_id=elem_id,
        elem_classes="compare-part",
    )


def bar_value(done: int = 0, of: int = 0) -> Value:
    """What a `bar` shows; nothing is seen of it where there is nothing to do."""
    return {"done": done, "of": of}


def bar(elem_id: str, label: str) -> gr.HTML:
    """How far some work is. ``label`` is what a screen reader calls it."""
    template = (
        f'<progress aria-label="{label}" max="${{value.of || 1}}" value="${{value.done}}"'
        ' ${value.of ? "" : "hidden"}></progress>'
    )
    return gr.HTML(bar_value(), html_template=template, js_on_load=None, elem_id=elem_id, elem_classes="bar-part")


def steps_value(captions: Mapping[int, str]) -> Value:
    """What `steps` shows, by their places; nothing is seen of it without any."""
    return {"stamp": time.monotonic(), "steps": [list(step) for step in captions.items()]}


def steps(elem_id: str) -> gr.HTML:
    """The changes of a photograph, each with a cross. The event `pick` says which one's was clicked: its place."""
    return gr.HTML(
        steps_value({}),
        html_template='<div class="steps"></div>',
        js_on_load=(HERE / "steps.js").read_text(),
        elem_id=elem_id,
        elem_classes="steps-part",
    )


def saver_value(file: PictureFile) -> Value:
    """What a `saver` saves, again where it is the same file."""
    return {"stamp": time.monotonic(), "file": file}


def saver(elem_id: str) -> gr.HTML:
    """Saves the file that it is given on the visitor's side; nothing is seen of it."""
    script = (HERE / "saver.js").read_text()
    return gr.HTML(None, html_template="", js_on_load=script, elem_id=elem_id, elem_classes="saver-part")

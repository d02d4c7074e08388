"""What the photograph's tab shows: whom there is to choose, before and after, what is said of it, and the buttons."""

from __future__ import annotations

from typing import Any

import gradio as gr

from diat.pages.bench import Bench, Change
from diat.pages.parts import ANYWAY, WHOM, action_of, cautions, likeness_details, result_sentences
from diat.pages.people import face_choice
from diat.pages.pictures import before_and_after, close_ups, cut, enlarged, picture_file, reduced, surroundings
from diat.pages.shelf import Opened, PhotoShelf
from diat.pages.widgets import Pictures, Value, choice_value, compare_value, steps_value
from diat.results import UNTOUCHED, EditResult, numbered

PICK_ONE = "Pick a change below."
PICK_NEXT = "Pick another change below to add it."
INSIST = f'Click "{ANYWAY}" to change it all the same.'
PICKED_FOR_YOU = "Picked for you: click any other change below."
UNTOUCHED_MORE = "nothing more was changed"
PICK_A_FACE = "Pick at least one face."

Update = dict[str, Any]  # what gr.update gives


def faces_of(bench: Bench, opened: Opened) -> Value:
    """The faces to click, where there are several."""
    if len(opened.faces) < 2:
        return choice_value(WHOM, [])
    choices = [
        face_choice(str(index), f"Face {index + 1}", opened.photo.pixels, face)
        for index, face in enumerate(opened.faces)
    ]
    return choice_value(WHOM, choices, [str(index) for index in bench.faces], several=True)


def untouched(opened: Opened, bench: Bench) -> Pictures:
    """The photograph, and the first chosen face or the largest, before anything is changed."""
    pixels = opened.photo.pixels
    face = opened.faces[bench.faces[0] if bench.faces else opened.largest]
    close = enlarged(cut(pixels, surroundings(face, pixels.shape)))
    return {
        "face": {"before": picture_file(close), "after": None},
        "whole": {"before": picture_file(reduced(pixels)), "after": None},
    }


def shown_of(bench: Bench, opened: Opened, result: EditResult, shelf: PhotoShelf, insist: bool) -> Value:
    """Before and after all changes, and what is said of them. ``insist``: something comes of applying it anyway."""
    close = close_ups(result, opened.photo.pixels, near=True)
    earlier = [change.attribute for change in shelf.made(str(bench.photo), bench.changes[:-1]).values()]
    whole = reduced(opened.photo.pixels), reduced(result.photo)
    pictures = before_and_after(close, whole, result.maker, unchanged=result.unchanged and not earlier)
    sentence = result_sentences(result, earlier)
    after = PICK_NEXT if bench.current is None else PICKED_FOR_YOU if bench.unasked else ""
    # Under what was done before, of which that would be untrue.
    notices = [notice.replace(UNTOUCHED, UNTOUCHED_MORE) if earlier else notice for notice in result.notices]
    lines = [f"{sentence} {after}".strip(), *cautions(result, earlier), *notices, INSIST * insist]
    height, width = result.photo.shape[:2]
    seconds = sum(result.milliseconds.values()) / 1000
    size = f"The file you download has {width} × {height} pixels. This took {max(seconds, 0.1):.1f} seconds."
    return compare_value(pictures, "\n".join(filter(None, lines)), f"{likeness_details(result)}\n{size}")


def steps_of(bench: Bench, opened: Opened, shelf: PhotoShelf) -> Value:
    """The changes that are on the photograph, each with its place among all; nothing before one is kept."""
    if not bench.kept:
        return steps_value({})
    several = len(opened.faces) > 1
    made = shelf.made(str(bench.photo), tuple(change for change in bench.changes if change.faces))
    return steps_value(
        {place: action_of(change.attribute) + _whose(change) * several for place, change in made.items()}
    )


def _whose(change: Change) -> str:
    return f" ({numbered('face', 'faces', [index + 1 for index in change.faces])})"


def buttons(insist: bool = False, more: bool = False, undo: bool = False, made: bool = False) -> tuple[Update, ...]:
    """To apply a change anyway, and to keep it: one in the place of the other, so that nothing jumps; undo, download.

    Args:
        insist: something comes of applying the change anyway.
        more: there is a change to keep.
        undo: something was changed, now or in a step before, or there was another photograph.
        made: something is changed, so that there is something to save.
    """
    return (
        gr.update(visible=insist),
        gr.update(visible=not insist, interactive=more),
        gr.update(interactive=undo),
        gr.update(interactive=made),
    )

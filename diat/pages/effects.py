"""Every change as a picture of a face, one of which is picked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gradio as gr

from diat.faces import Face
from diat.pages.editors import EditorPool
from diat.pages.parts import QUIET, action_of, attribute_choice
from diat.pages.pictures import picture_file, tried
from diat.pages.widgets import Choice, Value, choice, choice_value, chosen_of
from diat.pixels import U8
from diat.provenance import edited_by

TITLE = "What to change"
ADD = "What to add"  # to changes that are kept
NEEDLESS = "nothing to change"

Trial = Callable[[str], tuple[U8, bool]]  # the name of a change -> a face with it, and whether anything is seen


def effects_to_come(editors: EditorPool, chosen: Sequence[str] | None = ()) -> Value:
    """The changes before there is a face: their names."""
    choices = [Choice(name, action_of(name)) for name in editors.attributes]
    return choice_value(TITLE, choices, chosen, at_first=[editors.default])


def effects_of(
    editors: EditorPool, trial: Trial, chosen: Sequence[str] | None = (), title: str = TITLE, whose: str = "",
    needless: str = NEEDLESS, of: str = "",
) -> Value:  # fmt: skip
    """The changes, each tried on a face.

    Args:
        editors: the models.
        trial: tries one of them, see `diat.pages.pictures.tried`.
        chosen: what is picked; None for what the visitor picked, or else the default or what would be seen.
        title: above the pictures.
        whose: the face is, where that is not clear.
        needless: what is said of one of which nothing would be seen.
        of: see `choice_value`.
    """
    choices, useful = [], []
    for name in editors.attributes:
        thumbnail, seen = trial(name)
        useful += [name] * seen
        picture = picture_file(thumbnail, edited_by(name, 1.0) if seen else None)
        choices.append(Choice(name, action_of(name), picture, "" if seen else needless))
    title = f"{title} (shown on {whose})" if whose else title
    proposed = editors.default if editors.default in useful or not useful else useful[0]
    return choice_value(title, choices, chosen, at_first=[proposed], of=of)


def trial_on(editors: EditorPool, photo: U8, face: Face) -> Trial:
    """Tries changes on a face, which can be changed, of an (H, W, 3) RGB uint8 photograph."""
    return lambda name: tried(editors.get(name), photo, face)


def effect_choice(editors: EditorPool, elem_id: str) -> tuple[gr.HTML, gr.Radio]:
    """The pictures, and which of them is picked, as programs say it; the page shows that by the pictures alone."""
    pictures = choice(f"{elem_id}-effects", effects_to_come(editors, [editors.default]))
    radio = attribute_choice(editors, elem_id, visible="hidden")

    def pick(event: gr.EventData) -> str:
        chosen = chosen_of(event, editors.attributes)
        return chosen[0] if chosen else gr.skip()

    pictures.pick(pick, None, radio, queue=False, **QUIET)
    return pictures, radio

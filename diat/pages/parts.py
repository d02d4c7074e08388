"""What several pages have in common: the choices of what to change, and files that were taken away."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from diat.attributes import MAX_STRENGTH, attribute_spec
from diat.errors import PhotoRejected
from diat.pages.editors import Editors
from diat.pages.guards import refuse_by_a_sentence

CONSENT = "The faces are mine, or their owners have agreed to this."
TICK = "Please tick the box first."


def attribute_choice(editors: Editors, elem_id: str) -> gr.Radio:
    """Which attribute."""
    choices = [(attribute_spec(name).title, name) for name in editors.attributes]
    radio = gr.Radio(choices, value=editors.default, label="Attribute", elem_id=elem_id)
    refuse_by_a_sentence(radio)
    return radio


def strength_choice(elem_id: str) -> gr.Slider:
    """How much."""
    slider = gr.Slider(0, MAX_STRENGTH, 1.0, step=0.05, label="Strength", elem_id=elem_id)
    refuse_by_a_sentence(slider)
    return slider


def kept(path: str) -> str:
    """The path of an upload, unless the file has been deleted meanwhile.

    Raises:
        PhotoRejected: it has.
    """
    if not Path(path).is_file():
        raise PhotoRejected("The file is no longer kept here: choose it again.")
    return path

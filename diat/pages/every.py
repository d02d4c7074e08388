"""The page of one photograph with every attribute changed in turn."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
import numpy as np

from diat.attributes import attribute_spec
from diat.errors import DiatError
from diat.pages.batch import Gallery
from diat.pages.editors import EditorPool
from diat.pages.guards import hand_over_unopened
from diat.pages.parts import (
    CONSENT_FIRST,
    action_of,
    available,
    consent_box,
    marked_preview,
    show_on_phones,
    strength_choice,
)
from diat.pages.previews import close_ups
from diat.photo import open_photo


class EveryPage:
    """What the page does.

    Args:
        editors: the models.
        gallery: the part that shows the changes.
    """

    def __init__(self, editors: EditorPool, gallery: gr.Gallery) -> None:
        self._editors, self._gallery = editors, gallery

    def edit_every(self, photo: str | None, strength: float, consent: bool) -> tuple[Gallery, str]:
        """Change each of the attributes in turn, in the largest face of one photograph.

        Args:
            photo: JPEG, PNG, WebP or GIF file.
            strength: 0 to 1.5.
            consent: that you are in the picture, or that the people in it agreed; nothing happens without it.

        Returns the face and its changes, each with its name and its similarity to the person, and a sentence.
        """
        if photo is None:
            return [], "Choose a photo."
        try:
            opened = open_photo(available(photo))
            if not consent:
                return [], CONSENT_FIRST
            found = self._editors.detector.detect(opened.pixels)
            shown: Gallery = []
            notices: dict[str, None] = {}  # each once, in order
            for attribute in self._editors.attributes:
                editor = self._editors.get(attribute)
                result = editor.edit(opened, strength=strength, found=found)
                before, after = close_ups(result)
                shown = shown or [(before, "Original")]
                face = result.edited[0]
                unchanged = np.array_equal(face.before, face.after)
                similarity = f"{round(100 * max(face.identity_similarity, 0))} %"
                picture = after if unchanged else marked_preview(self._gallery, after, result)
                shown.append((picture, f"{action_of(attribute)}: {'nothing to change' if unchanged else similarity}"))
                notices |= dict.fromkeys([*result.notices, *editor.model.notices])
        except DiatError as error:
            return [], str(error)
        done = "Each picture says how similar it is to the original (100 % = identical)."
        return shown, "  \n".join([done, *notices])


def every_tab(editors: EditorPool) -> None:
    """The page's parts and its named endpoint ``/every``."""
    with gr.Row():
        with gr.Column(min_width=300, scale=1):
            photo = gr.Image(type="filepath", sources=["upload", "clipboard"], label="Photo", elem_id="every-photo")
            hand_over_unopened(photo, set())
            consent = consent_box("every-consent")
            strength = strength_choice("every-strength")
            run = gr.Button("Show all effects", variant="primary", elem_id="every-run")
            message = gr.Markdown(elem_id="every-message")
        with gr.Column(min_width=300, scale=2):
            gallery = gr.Gallery(
                label="Results", columns=3, format="jpeg", elem_id="every-gallery",
                buttons=["download", "fullscreen"],
            )  # fmt: skip
    page = EveryPage(editors, gallery)
    done = run.click(page.edit_every, [photo, strength, consent], [gallery, message], api_name="every")
    show_on_phones([done], "every-gallery")


def attribute_lister(editors: EditorPool) -> Callable[[], list[dict[str, str]]]:
    """The endpoint ``/attributes``."""

    def attributes() -> list[dict[str, str]]:
        """Name, title and scope ("local" or "global") of each attribute that this server has a model for."""
        specs = [attribute_spec(name) for name in editors.attributes]
        return [{"name": spec.name, "title": spec.title, "scope": spec.scope} for spec in specs]

    return attributes

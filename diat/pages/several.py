"""The pages of many results: many photographs with one attribute, and one photograph with every attribute."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from diat.attributes import attribute_spec
from diat.errors import DiatError
from diat.pages.editors import Editors
from diat.pages.guards import hand_over_unopened, take_uploads_only
from diat.pages.parts import CONSENT, TICK, attribute_choice, kept, strength_choice
from diat.pages.photo import pictures, shrunk
from diat.photo import open_photo

MAX_PHOTOS = 50

Shown = list[tuple[np.ndarray, str]]  # pictures with their captions


def many_tab(editors: Editors) -> None:
    """The page's parts and its named endpoint ``/many``."""

    def many(
        photos: list[str] | None, attribute: str, strength: float, everybody: bool, consent: bool
    ) -> Iterator[tuple[Shown, Any, str]]:
        """Change one attribute in many photographs.

        Args:
            photos: JPEG, PNG, WebP or GIF files.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            everybody: every face that can be used, not the largest alone.
            consent: that the faces are yours or that their owners agreed; nothing happens without it.

        Returns the pictures as they finish, a zip of PNG files at full size, and a sentence.
        """
        if not photos:
            yield [], None, "Choose photographs."
            return
        if not consent or len(photos) > MAX_PHOTOS:
            yield (
                [],
                None,
                TICK if not consent else f"At most {MAX_PHOTOS} photographs are taken at once: choose fewer.",
            )
            return
        shown: Shown = []
        left_out: list[str] = []
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            for number, path in enumerate(photos, start=1):
                try:
                    result = editors.get(attribute).edit(kept(path), "all" if everybody else "largest", strength)
                except DiatError as error:
                    left_out.append(f"Photograph {number} was left out. {error}")
                else:
                    # Numbered: names may say who is shown, and two may be equal.
                    archive.writestr(f"{number:03d}.png", result.to_bytes())
                    shown.append((shrunk(result.photo), f"{number}"))
                yield shown, None, "  \n".join([f"{number} of {len(photos)} done.", *left_out])
        archived = save_bytes_to_cache(packed.getvalue(), "diat.zip", download.GRADIO_CACHE) if shown else None
        yield shown, archived, "  \n".join([f"{len(shown)} of {len(photos)} photographs changed.", *left_out])

    with gr.Row():
        with gr.Column(min_width=300):
            photos = gr.File(
                label=f"Photographs (at most {MAX_PHOTOS})",
                file_count="multiple",
                file_types=[".jpg", ".jpeg", ".png", ".webp", ".gif"],
                elem_id="many-photos",
            )
            take_uploads_only(photos)
            consent = gr.Checkbox(label=CONSENT, elem_id="many-consent")
            attribute = attribute_choice(editors, "many-attribute")
            strength = strength_choice("many-strength")
            everybody = gr.Checkbox(label="Every face, not the largest alone", elem_id="many-everybody")
            run = gr.Button("Change all", variant="primary", elem_id="many-run")
        with gr.Column(min_width=300):
            message = gr.Markdown(elem_id="many-message")
            gallery = gr.Gallery(label="Results", columns=3, format="jpeg", elem_id="many-gallery", buttons=[])
            download = gr.File(label="Download all (zip of PNG, full size)", interactive=False, elem_id="many-download")
    inputs = [photos, attribute, strength, everybody, consent]
    run.click(many, inputs, [gallery, download, message], api_name="many")


def every_tab(editors: Editors) -> None:
    """The page's parts and its named endpoint ``/every``."""

    def every(photo: str | None, strength: float, consent: bool) -> tuple[Shown, str]:
        """Change each of the attributes in turn, in the largest face of one photograph.

        Args:
            photo: JPEG, PNG, WebP or GIF file.
            strength: 0 to 1.5.
            consent: that the face is yours or that its owner agreed; nothing happens without it.

        Returns the face and its changes, each with its name and its identity similarity, and a sentence.
        """
        if photo is None:
            return [], "Choose a photograph."
        try:
            opened = open_photo(kept(photo))
            if not consent:
                return [], TICK
            found = editors.detector.detect(opened.pixels)
            shown: Shown = []
            for attribute in editors.attributes:
                result = editors.get(attribute).edit(opened, strength=strength, found=found)
                before, after = pictures(result)[0]
                shown = shown or [(before, "As it is")]
                shown.append((after, f"{attribute_spec(attribute).title} {result.edited[0].identity_similarity:.2f}"))
        except DiatError as error:
            return [], str(error)
        return shown, f"{len(shown) - 1} changes of one face, each with its identity similarity (1: the same picture)."

    with gr.Row():
        with gr.Column(min_width=300, scale=1):
            photo = gr.Image(
                type="filepath", sources=["upload", "clipboard"], label="Photograph", elem_id="every-photo"
            )
            hand_over_unopened(photo, set())
            consent = gr.Checkbox(label=CONSENT, elem_id="every-consent")
            strength = strength_choice("every-strength")
            run = gr.Button("Show every change", variant="primary", elem_id="every-run")
            message = gr.Markdown(elem_id="every-message")
        with gr.Column(min_width=300, scale=2):
            gallery = gr.Gallery(label="Results", columns=3, format="jpeg", elem_id="every-gallery", buttons=[])
    run.click(every, [photo, strength, consent], [gallery, message], api_name="every")


def attribute_lister(editors: Editors) -> Callable[[], list[dict[str, str]]]:
    """The endpoint ``/attributes``."""

    def attributes() -> list[dict[str, str]]:
        """Name, title and scope ("local" or "global") of each attribute that this server has a model for."""
        specs = [attribute_spec(name) for name in editors.attributes]
        return [{"name": spec.name, "title": spec.title, "scope": spec.scope} for spec in specs]

    return attributes

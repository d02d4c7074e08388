"""The page of many photographs, edited in one way."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from diat.errors import DiatError
from diat.pages.editors import EditorPool
from diat.pages.guards import take_uploads_only
from diat.pages.parts import (
    CONSENT_FIRST,
    attribute_choice,
    available,
    cache_file,
    marked_preview,
    refusal,
    show_on_phones,
    strength_choice,
)
from diat.pages.pictures import reduced
from diat.pixels import U8

MAX_PHOTOS = 50

Gallery = list[tuple[U8 | str, str]]  # pictures or their files, with captions


class BatchPage:
    """What the page does.

    Args:
        editors: the models.
    """

    def __init__(self, editors: EditorPool) -> None:
        self._editors = editors

    def edit_all(
        self, photos: list[str] | None, attribute: str, strength: float, all_faces: bool, consent: bool
    ) -> Iterator[tuple[Gallery, Any, str]]:
        """Change one attribute in many photographs.

        Args:
            photos: JPEG, PNG, WebP or GIF files.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            all_faces: every face that can be edited, not only the largest.
            consent: that you are in these pictures, or that the people in them agreed; nothing happens without it.

        Returns the pictures as they finish, a zip of PNG files at full size, and a sentence.
        """
        if not photos:
            raise refusal("Choose photos.")
        elif len(photos) > MAX_PHOTOS:
            raise refusal(f"The limit is {MAX_PHOTOS} photos at once. Choose fewer.")
        elif not consent:
            raise refusal(CONSENT_FIRST)
        else:
            yield from self._edit_all(photos, attribute, strength, "all" if all_faces else "largest")

    def _edit_all(self, photos: list[str], attribute: str, strength: float, faces: Any) -> Iterator[Any]:
        shown: Gallery = []
        skipped: list[str] = []
        previews: list[str] = []
        # On disk, written as it grows: 50 photographs of 25 megapixels are gigabytes.
        path = cache_file("diat.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for number, photo in enumerate(photos, start=1):
                try:
                    result = self._editors.get(attribute).edit(available(photo), faces, strength)
                except DiatError as error:
                    skipped.append(f"{Path(photo).name} was skipped: {error}")
                else:
                    # Numbered: names may say who is shown, and two may be equal.
                    archive.writestr(f"{number:03d}.png", result.to_bytes())
                    previews.append(marked_preview(reduced(result.photo), result))
                    shown.append((previews[-1], f"{number}"))
                for preview in previews:
                    os.utime(preview)  # shown still, so not to be swept
                yield shown, None, "  \n".join([f"{number} of {len(photos)} done.", *skipped])
        if not shown:
            path.unlink()
        done = f"{len(shown)} of {len(photos)} photos changed."
        yield shown, str(path) if shown else None, "  \n".join([done, *skipped])


def batch_tab(editors: EditorPool, consent: gr.Checkbox) -> None:
    """The page's parts and its named endpoint ``/many``."""
    with gr.Row():
        with gr.Column(min_width=300):
            photos = gr.File(
                label=f"Photos (up to {MAX_PHOTOS})",
                file_count="multiple",
                file_types=[".jpg", ".jpeg", ".png", ".webp", ".gif"],
                elem_id="many-photos",
            )
            take_uploads_only(photos)
            attribute = attribute_choice(editors, "many-attribute")
            strength = strength_choice("many-strength")
            all_faces = gr.Checkbox(label="All faces (not only the largest)", elem_id="many-everybody")
            run = gr.Button("Apply to all", variant="primary", elem_id="many-run")
        with gr.Column(min_width=300):
            message = gr.Markdown(elem_id="many-message")
            gallery = gr.Gallery(
                label="Results", columns=3, format="jpeg", elem_id="many-gallery", object_fit="contain", buttons=[]
            )
            download = gr.File(label="Download all (ZIP, full-size PNG)", interactive=False, elem_id="many-download")
    page = BatchPage(editors)
    inputs = [photos, attribute, strength, all_faces, consent]
    done = run.click(page.edit_all, inputs, [gallery, download, message], api_name="many")
    show_on_phones([done], "many-message")

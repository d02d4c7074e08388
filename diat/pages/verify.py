"""The page that reads marks: whether a picture says that it was edited."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from diat.errors import DiatError
from diat.marks import read_marks
from diat.pages.guards import hand_over_unopened
from diat.pages.parts import available, close_notes, show_on_phones
from diat.photo import photo_bytes


def verify(photo: str | None) -> str:
    """Read the marks of having been edited that a picture carries: metadata, Content Credentials, invisible mark.

    Args:
        photo: JPEG, PNG, WebP, GIF, BMP, HEIC or AVIF file.

    Returns the answer, and sentences on what it rests on.
    """
    if photo is None:
        return ""
    try:
        return "\n\n".join(read_marks(photo_bytes(Path(available(photo)))).sentences)
    except DiatError as error:
        return str(error)


def verify_tab() -> None:
    """The page's parts and its named endpoint ``/verify``."""
    with gr.Row():
        with gr.Column(min_width=300):
            photo = gr.Image(
                type="filepath",
                sources=["upload", "clipboard"],
                label="Picture",
                height=300,
                buttons=[],
                elem_id="verify-photo",
                placeholder="# Choose a picture\nor drop it here",
            )
            hand_over_unopened(photo, set())
        with gr.Column(min_width=300):
            gr.Markdown(
                "Was this photograph edited with this program, DIAT? Every result carries marks; this page reads them. "
                "For films, use the command `diat verify`."
            )
            message = gr.Markdown(label="Sentence", elem_id="verify-message")
    close_notes(photo.change)
    read = photo.change(verify, photo, message, api_name="verify", show_progress="hidden")
    show_on_phones([read], "#verify-message")

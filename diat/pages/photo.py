"""The page of one photograph: it goes in, and comes out with one attribute changed."""

from __future__ import annotations

from typing import Any

import cv2
import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from diat.errors import DiatError
from diat.faces import MAX_FACES, SAME_PERSON, Face, FaceChoice, choose_faces
from diat.pages.editors import Editors
from diat.pages.guards import hand_over_unopened
from diat.pages.parts import CONSENT, attribute_choice, kept, strength_choice
from diat.photo import open_photo
from diat.pixels import U8
from diat.results import EditResult

PREVIEW_SIDE = 1600  # pixels; the download has the photograph's own size

Pair = tuple[np.ndarray, np.ndarray]
NOTHING = (None, None, None)


def photo_tab(editors: Editors, examples: list[list[Any]]) -> None:
    """The page's parts and its named endpoints ``/faces`` and ``/edit``.

    Args:
        examples: rows of a path, an attribute and the consent.
    """

    def faces(photo: str | None) -> tuple[Any, Any, str]:
        """Find the faces of a photograph.

        Returns the photograph with numbered faces, the numbers that can be chosen, and a sentence.
        """
        nothing = gr.update(value=None, visible=False), gr.update(choices=[], value=[], visible=False)
        if photo is None:
            return *nothing, ""
        try:
            pixels = open_photo(kept(photo)).pixels
            found = editors.detector.detect(pixels)
            notices: list[str] = []
            choose_faces(found, "all", notices)
        except DiatError as error:
            return *nothing, str(error)
        numbers = [str(index + 1) for index in range(len(found))]
        several = len(found) > 1
        drawn = shrunk(draw_faces(pixels, found)) if several else None
        sentence = f"{len(found)} faces found: choose by number. {' '.join(notices)}" if several else "One face found."
        usable = [number for index, number in enumerate(numbers) if f"Face {index + 1} " not in " ".join(notices)]
        return (
            gr.update(value=drawn, visible=several),
            gr.update(choices=numbers, value=usable[:1], visible=several),
            sentence,
        )

    def edit(
        photo: str | None,
        attribute: str,
        strength: float,
        chosen: list[str],
        consent: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio asks for it
    ) -> tuple[Any, Any, Any, str]:
        """Change one attribute.

        Args:
            photo: JPEG, PNG, WebP or GIF file.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            chosen: numbers of the faces, largest first from "1"; none takes the largest.
            consent: that the faces are yours or that their owners agreed; nothing happens without it.

        Returns the face before and after, the photograph before and after, the result as a PNG file, and a sentence.
        """
        if photo is None:
            return *NOTHING, "Choose a photograph."
        try:
            if not consent:
                open_photo(kept(photo))  # what cannot be used is said first
                return *NOTHING, "Please tick the box under the photograph first."
            progress(0.1, "Loading the network")
            editor = editors.get(attribute)
            progress(0.3, "Changing the face")
            indices: FaceChoice = [int(number) - 1 for number in chosen] or "largest"
            result = editor.edit(kept(photo), indices, strength)
            progress(0.8, "Writing the result")
            data = result.to_bytes()
            # In Gradio's own folder, which it empties; a file elsewhere would be copied there, and stay.
            path = save_bytes_to_cache(data, "diat.png", download.GRADIO_CACHE)
            return *pictures(result), path, report(result)
        except DiatError as error:
            return *NOTHING, str(error)

    with gr.Row():
        with gr.Column(min_width=300):
            photo = gr.Image(
                type="filepath",
                sources=["upload", "webcam", "clipboard"],
                label="Photograph",
                height=360,
                elem_id="photo",
                webcam_options=gr.WebcamOptions(mirror=False),
            )
            hand_over_unopened(photo, {row[0] for row in examples})
            consent = gr.Checkbox(label=CONSENT, elem_id="consent")
            numbered = gr.Image(
                visible=False, label="Faces found", interactive=False, elem_id="faces", format="jpeg", buttons=[]
            )
            chosen = gr.CheckboxGroup(
                [str(number + 1) for number in range(MAX_FACES)],
                label="Faces to change (none: the largest)",
                visible=False,
                elem_id="chosen",
            )
        with gr.Column(min_width=300):
            attribute = attribute_choice(editors, "attribute")
            strength = strength_choice("strength")
            run = gr.Button("Change", variant="primary", elem_id="run")
            message = gr.Markdown(elem_id="message")
            with gr.Tab("Face"):
                close_up = gr.ImageSlider(label="Before and after", max_height=520, elem_id="close-up", buttons=[])
            with gr.Tab("Whole photograph"):
                whole = gr.ImageSlider(
                    label="Before and after", max_height=520, elem_id="whole", buttons=["fullscreen"]
                )
            download = gr.File(label="Download the result (PNG, full size)", elem_id="download", interactive=False)
    with gr.Column(elem_id="examples"):  # last, so that on a phone the result is near the photograph
        gr.Examples(
            [row for row in examples if row[1] in editors.attributes] or [[row[0], None, True] for row in examples],
            [photo, attribute, consent],
            label="Or try Eileen Collins (NASA) and Grace Hopper (US Navy), public domain",
            cache_examples=False,
            visible_columns=[0, 1],
        )

    inputs, outputs = [photo, attribute, strength, chosen, consent], [close_up, whole, download, message]
    # First, so that the public name is its own: Gradio numbers a name that is taken.
    run.click(edit, inputs, outputs, api_name="edit")
    changed = photo.change(faces, photo, [numbered, chosen, message], api_name="faces", show_progress="hidden")
    changed.success(edit, inputs, outputs, api_visibility="private")
    gr.on(
        [attribute.input, strength.release, chosen.input, consent.input],
        edit,
        inputs,
        outputs,
        api_visibility="private",
        trigger_mode="always_last",
    )


def pictures(result: EditResult) -> tuple[Pair, Pair]:
    """Before and after of the first face's surroundings and of the photograph."""
    left, top, right, bottom = surroundings(result.faces[result.edited[0].index], result.photo.shape)
    near = tuple(enlarged(photo[top:bottom, left:right]) for photo in (result.original, result.photo))
    return (near[0], near[1]), (shrunk(result.original), shrunk(result.photo))


def surroundings(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A square of twice the face's height around it, cut to the photograph."""
    left, top, right, bottom = (float(value) for value in face.box)
    x, y, half = (left + right) / 2, (top + bottom) / 2, bottom - top
    return max(0, int(x - half)), max(0, int(y - half)), min(shape[1], int(x + half)), min(shape[0], int(y + half))


def enlarged(pixels: np.ndarray) -> np.ndarray:
    """A small face is shown large: the longer side at least 520 pixels, at most `PREVIEW_SIDE`."""
    scale = 520 / max(pixels.shape[:2])
    return shrunk(pixels) if scale <= 1 else cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """A preview: the longer side at most `PREVIEW_SIDE`."""
    scale = PREVIEW_SIDE / max(pixels.shape[:2])
    return pixels if scale >= 1 else cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def report(result: EditResult) -> str:
    """What the user reads under the picture."""
    several = f"{len(result.faces)} faces found: choose them by number."
    lines = [several] if len(result.faces) > 1 else []
    for face in result.edited:
        similarity = face.identity_similarity
        verdict = "recognised as the same person" if similarity >= SAME_PERSON else "not recognised as the same person"
        lines.append(f"Face {face.number}: identity similarity {similarity:.2f} of 1, **{verdict}**.")
    times = ", ".join(f"{stage} {value:.0f}" for stage, value in result.milliseconds.items())
    return "  \n".join([*lines, *result.notices, f"{sum(result.milliseconds.values()):.0f} ms ({times})"])


def draw_faces(photo: U8, faces: list[Face], selected: set[int] | None = None) -> U8:
    """A copy of the photograph with each face boxed and numbered from 1; chosen faces are drawn stronger."""
    drawn = photo.copy()
    thickness = max(2, round(max(photo.shape[:2]) / 400))
    for index, face in enumerate(faces):
        left, top, right, bottom = (int(round(float(value))) for value in face.box)
        chosen = selected is None or index in selected
        colour = (255, 140, 0) if chosen else (150, 150, 150)
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, thickness)
        scale = max(0.6, (right - left) / 140)
        label = str(index + 1)
        (width, height), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        cv2.rectangle(drawn, (left, top), (left + width + 8, top + height + 10), colour, -1)
        cv2.putText(drawn, label, (left + 4, top + height + 4), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), thickness)
    return drawn

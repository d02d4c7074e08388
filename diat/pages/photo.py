"""The page of one photograph: it goes in, and comes out with one attribute changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from diat.errors import DiatError
from diat.faces import MAX_FACES, FaceChoice, choose_faces, face_fault
from diat.pages.editors import EditorPool
from diat.pages.guards import hand_over_unopened, refuse_by_a_sentence
from diat.pages.parts import (
    CONSENT_FIRST,
    action_of,
    anyway_box,
    attribute_choice,
    available,
    cache_file,
    consent_box,
    marked_preview,
    show_on_phones,
    similarity_sentence,
    strength_choice,
)
from diat.pages.previews import close_ups, draw_faces, reduced
from diat.photo import open_photo
from diat.pixels import U8
from diat.provenance import KINDS
from diat.results import EditResult

NO_RESULT = (None, None, None)
SLIDER_START = 12  # percent of the width: nearly all of "after" is seen, and the handle covers nothing

Update = dict[str, Any]  # what gr.update gives
Shown = tuple[U8, str]  # before, and a file with its marks after


class PhotoPage:
    """What the page does.

    Args:
        editors: the models.
        download: the part that offers the result.
    """

    def __init__(self, editors: EditorPool, download: gr.File) -> None:
        self._editors, self._download = editors, download

    def find_faces(self, photo: str | None) -> tuple[Update, Update, str]:
        """Find the faces of a photograph.

        Returns the photograph with numbered faces, the numbers that can be chosen, and a sentence.
        """
        nothing = gr.update(value=None, visible=False), gr.update(choices=[], value=[], visible=False)
        if photo is None:
            return *nothing, ""
        try:
            pixels = open_photo(available(photo)).pixels
            found = self._editors.detector.detect(pixels)
            notices: list[str] = []
            choose_faces(found, "all", notices)
        except DiatError as error:
            return *nothing, str(error)
        several = len(found) > 1
        numbers = [str(number) for number in range(1, len(found) + 1)]
        usable = [number for number, face in zip(numbers, found, strict=True) if face_fault(face) is None]
        sentences = [f"{len(found)} faces found. Pick which to change on the left." if several else "1 face found."]
        return (
            gr.update(value=reduced(draw_faces(pixels, found)) if several else None, visible=several),
            gr.update(choices=numbers, value=usable[:1], visible=several),
            "  \n".join([*sentences, *notices]),
        )

    def edit(
        self,
        photo: str | None,
        attribute: str,
        strength: float,
        chosen: list[str],
        consent: bool,
        apply_anyway: bool = False,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio asks for it
    ) -> tuple[Shown | None, Shown | None, str | None, str]:
        """Change one attribute.

        Args:
            photo: JPEG, PNG, WebP or GIF file.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            chosen: numbers of the faces, largest first from "1"; none takes the largest.
            consent: that you are in the picture, or that the people in it agreed; nothing happens without it.
            apply_anyway: also change faces that have the attribute already.

        Returns the face before and after, the photograph before and after, the result as a file, and a sentence.
        """
        if photo is None:
            return *NO_RESULT, "Choose a photo."
        try:
            if not consent:
                open_photo(available(photo))  # what cannot be used is said first
                return *NO_RESULT, CONSENT_FIRST
            progress(0.1, "Loading the model")
            editor = self._editors.get(attribute)
            progress(0.3, "Changing the face")
            faces: FaceChoice = [int(number) - 1 for number in chosen] or "largest"
            result = editor.edit(available(photo), faces, strength, apply_anyway=apply_anyway)
            progress(0.8, "Writing the file")
            path = self._saved(result, Path(photo))
        except DiatError as error:
            return *NO_RESULT, str(error)
        near, whole = (
            (before, marked_preview(self._download, after, result))
            for before, after in (close_ups(result), (reduced(result.original), reduced(result.photo)))
        )
        return near, whole, str(path), report(result, editor.model.notices)

    def _saved(self, result: EditResult, original: Path) -> Path:
        path = cache_file(self._download, result_name(original, result.attribute))
        path.write_bytes(result.to_bytes(KINDS[path.suffix]))
        return path


def result_name(original: Path, attribute: str) -> str:
    """``NAME-close-mouth.jpg``: a JPEG stays one, since a large PNG takes seconds to write; all else becomes PNG."""
    suffix = ".jpg" if KINDS.get(original.suffix.lower()) == "JPEG" else ".png"
    return f"{original.stem[:100]}-{action_of(attribute).lower().replace(' ', '-')}{suffix}"


def report(result: EditResult, model_notices: Sequence[str]) -> str:
    """What the user reads beside the picture."""
    lines = [similarity_sentence(result), *result.notices, *model_notices]
    if len(result.faces) > 1:
        lines.append(f"{len(result.faces)} faces found. Pick which to change on the left.")
    lines.append(f"Done in {sum(result.milliseconds.values()) / 1000:.2f} s.")
    return "  \n".join(filter(None, lines))


class _PhotoParts(NamedTuple):
    """Where the photograph goes in."""

    photo: gr.Image
    consent: gr.Checkbox
    numbered: gr.Image
    chosen: gr.CheckboxGroup


class _ResultParts(NamedTuple):
    """What comes out."""

    message: gr.Markdown
    close_up: gr.ImageSlider
    whole: gr.ImageSlider
    download: gr.File


def _photo_parts(examples: list[list[Any]], attribute: gr.Radio) -> _PhotoParts:
    photo = gr.Image(
        type="filepath",
        sources=["upload", "webcam", "clipboard"],
        label="Photo",
        height=360,
        elem_id="photo",
        webcam_options=gr.WebcamOptions(mirror=False),
    )
    hand_over_unopened(photo, {row[0] for row in examples})
    consent = consent_box("consent")
    numbered = gr.Image(
        visible=False, label="Faces found", interactive=False, elem_id="faces", format="jpeg", buttons=[]
    )
    chosen = gr.CheckboxGroup(
        [str(number + 1) for number in range(MAX_FACES)],
        label="Faces to change (none selected = the largest)",
        visible=False,
        elem_id="chosen",
    )
    refuse_by_a_sentence(chosen)
    if examples:
        with gr.Column(elem_id="examples"):
            gr.Examples(
                examples,
                [photo, attribute, consent],
                label="Or try an example",
                cache_examples=False,
                visible_columns=[0],
            )
    return _PhotoParts(photo, consent, numbered, chosen)


def _result_parts() -> _ResultParts:
    message = gr.Markdown(elem_id="message")
    with gr.Tab("Face"):
        close_up = _slider("close-up", buttons=[])
    with gr.Tab("Whole photo"):
        whole = _slider("whole", buttons=["fullscreen"])
    download = gr.File(label="Download (full size)", elem_id="download", interactive=False)
    return _ResultParts(message, close_up, whole, download)


def _slider(elem_id: str, buttons: list[Any]) -> gr.ImageSlider:
    return gr.ImageSlider(
        label="Before | After", max_height=520, elem_id=elem_id, buttons=buttons, slider_position=SLIDER_START
    )


def photo_tab(editors: EditorPool, examples: list[list[Any]]) -> None:
    """The page's parts and its named endpoints ``/faces`` and ``/edit``.

    Args:
        editors: the models.
        examples: rows of a path, an attribute and the consent.
    """
    known = [row for row in examples if row[1] in editors.attributes]
    attribute = attribute_choice(editors, "attribute", render=False)  # the examples, which come first, name it
    with gr.Row():
        with gr.Column(min_width=300):
            photo, consent, numbered, chosen = _photo_parts(
                known or [[path, None, agreed] for path, _, agreed in examples], attribute
            )
        with gr.Column(min_width=300):
            attribute.render()  # type: ignore[no-untyped-call]
            strength = strength_choice("strength")
            anyway = anyway_box("anyway")
            run = gr.Button("Apply", variant="primary", elem_id="run")
            message, close_up, whole, download = _result_parts()
    page = PhotoPage(editors, download)
    inputs = [photo, attribute, strength, chosen, consent, anyway]
    outputs = [close_up, whole, download, message]
    # First, so that the public name is its own: Gradio numbers a name that is taken.
    applied = run.click(page.edit, inputs, outputs, api_name="edit")
    found = photo.change(page.find_faces, photo, [numbered, chosen, message], api_name="faces", show_progress="hidden")
    uploaded = found.success(page.edit, inputs, outputs, api_visibility="private")
    chosen_anew = gr.on(
        [attribute.input, strength.release, chosen.input, consent.input, anyway.input],
        page.edit,
        inputs,
        outputs,
        api_visibility="private",
        trigger_mode="always_last",
    )
    show_on_phones([applied, uploaded, chosen_anew], "message")

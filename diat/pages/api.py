"""The named endpoints for programs. What they cannot do is an error with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from diat.attributes import attribute_spec
from diat.errors import DiatError
from diat.faces import MAX_FACES, FaceChoice, choose_faces
from diat.pages.editors import EditorPool
from diat.pages.guards import OWN_FILES, hand_over_unopened, refuse_by_a_sentence
from diat.pages.parts import (
    CONSENT_FIRST,
    STRANGERS,
    action_of,
    attribute_choice,
    available,
    cache_file,
    consent_box,
    refusal,
    result_sentences,
    strength_choice,
)
from diat.pages.pictures import close_ups, marked_preview, picture_file, reduced
from diat.photo import Photo, open_photo
from diat.pixels import U8
from diat.provenance import KINDS

Gallery = list[tuple[U8 | str, str]]  # pictures or their files, with captions
Shown = tuple[U8, str]  # before, and a file with its marks after


class PhotoApi:
    """What the endpoints for one photograph do.

    Args:
        editors: the models.
    """

    def __init__(self, editors: EditorPool) -> None:
        self._editors = editors

    def faces(self, photo: str | None) -> tuple[list[str], str]:
        """Find the faces of a photograph.

        Args:
            photo: an uploaded JPEG, PNG, WebP, GIF, BMP, HEIC or AVIF file.

        Returns the numbers that /edit takes, largest face first, and a sentence.
        """
        try:
            found = self._editors.detector.detect(_opened(photo).pixels)
            notices: list[str] = []
            choose_faces(found, "all", notices)
        except DiatError as error:
            raise refusal(error) from None
        count = f"{len(found)} faces found." if len(found) > 1 else "1 face found."
        return [str(number + 1) for number in range(len(found))], "  \n".join([count, *notices])

    def edit(
        self, photo: str | None, attribute: str, strength: float, chosen: list[str], consent: bool,
        apply_anyway: bool = False,
    ) -> tuple[Shown, Shown, str, str]:  # fmt: skip
        """Change one attribute.

        Args:
            photo: an uploaded JPEG, PNG, WebP, GIF, BMP, HEIC or AVIF file.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            chosen: numbers of the faces, largest first from "1"; none takes the largest.
            consent: that you are in the picture, or that the people in it agreed; nothing happens without it.
            apply_anyway: also change faces that have the attribute already.

        Returns the face before and after, the photograph before and after, the result as a file, and a sentence.
        """
        try:
            opened = _opened(photo)
            _check(consent)
            editor = self._editors.get(attribute)
            faces: FaceChoice = [int(number) - 1 for number in chosen or []] or "largest"
            result = editor.edit(opened, faces, strength, apply_anyway=apply_anyway)
            path = cache_file(result.file_name(str(photo)))
            path.write_bytes(result.to_bytes(KINDS[result.suffix]))
        except DiatError as error:
            raise refusal(error) from None
        sentence = "  \n".join(filter(None, [result_sentences(result, measured=True), *result.notices]))
        near, whole = (
            (before, marked_preview(after, result))
            for before, after in (close_ups(result), (reduced(result.original), reduced(result.photo)))
        )
        return near, whole, str(path), sentence

    def every(
        self, photo: str | None, strength: float, consent: bool, apply_anyway: bool = False
    ) -> tuple[Gallery, str]:
        """Change each of the attributes in turn, in the largest face of one photograph.

        Args:
            photo: an uploaded JPEG, PNG, WebP, GIF, BMP, HEIC or AVIF file.
            strength: 0 to 1.5.
            consent: that you are in the picture, or that the people in it agreed; nothing happens without it.
            apply_anyway: also make changes that the face seems not to need.

        Returns the face and its changes, each with its name and its similarity to the person, and a sentence.
        """
        shown: Gallery = []
        notices: dict[str, None] = {}  # each once, in order
        try:
            opened = _opened(photo)
            _check(consent)
            found = self._editors.detector.detect(opened.pixels)
            for attribute in self._editors.attributes:
                editor = self._editors.get(attribute)
                result = editor.edit(opened, strength=strength, found=found, apply_anyway=apply_anyway)
                before, after = close_ups(result)
                shown = shown or [(str(picture_file(before)["path"]), "Original")]
                similarity = f"{round(100 * max(result.edited[0].identity_similarity, 0))} %"
                said = "nothing to change" if result.unchanged else similarity
                shown.append((marked_preview(after, result), f"{action_of(attribute)}: {said}"))
                notices |= dict.fromkeys(result.notices)
        except DiatError as error:
            raise refusal(error) from None
        done = f"Each picture says how similar it is to the original (100 % = identical; {STRANGERS})."
        return shown, "  \n".join([done, *notices])

    def attributes(self) -> list[dict[str, str]]:
        """Name, title and scope ("local" or "global") of each attribute that this server has a model for."""
        specs = [attribute_spec(name) for name in self._editors.attributes]
        return [{"name": spec.name, "title": spec.title, "scope": spec.scope} for spec in specs]


def _opened(photo: str | None) -> Photo:
    if photo is None:
        raise DiatError("Choose a photo.")
    return open_photo(available(photo))


def _check(consent: bool) -> None:
    if not consent:
        raise DiatError(CONSENT_FIRST)


def photo_api(editors: EditorPool, sample: Path, address: str) -> None:
    """``/edit``, ``/faces``, ``/every`` and ``/attributes``; nothing of them is seen on the page.

    Args:
        editors: the models.
        sample: a photograph that the server shows, with which the calls on its page work as they are.
        address: of this server, as its own machine reaches it.
    """
    api = PhotoApi(editors)
    with gr.Column(visible=False):
        photo = gr.Image(type="filepath", label="Photo")
        hand_over_unopened(photo, {str(sample)})
        shown = {"path": f"{address}{OWN_FILES}{sample}", "meta": {"_type": "gradio.FileData"}}
        photo.example_payload = lambda: shown  # type: ignore[method-assign]
        attribute, strength = attribute_choice(editors, "attribute"), strength_choice("api-strength")
        chosen = gr.CheckboxGroup([str(number + 1) for number in range(MAX_FACES)], label="Faces")
        refuse_by_a_sentence(chosen)
        consent = consent_box(None, None)
        consent.value = None  # no default: it has to be said, as the call on the page does
        anyway = gr.Checkbox(label="Also where nothing needs it")
        near = gr.ImageSlider(label="Face before and after")
        whole = gr.ImageSlider(label="Photo before and after")
        file, sentence = gr.File(label="File"), gr.Textbox(label="Sentence")
        numbers, gallery = gr.JSON(label="Numbers"), gr.Gallery(label="Changes", format="jpeg")
        asked = gr.Button()
    given: list[Any] = [photo, attribute, strength, chosen, consent, anyway]
    asked.click(api.edit, given, [near, whole, file, sentence], api_name="edit")
    asked.click(api.faces, photo, [numbers, sentence], api_name="faces")
    asked.click(api.every, [photo, strength, consent, anyway], [gallery, sentence], api_name="every")
    gr.api(api.attributes, api_name="attributes")  # type: ignore[attr-defined]

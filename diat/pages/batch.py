"""The page of many photographs, edited in one way."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from diat.errors import DiatError
from diat.faces import FaceChoice, usable_faces
from diat.pages.editors import EditorPool
from diat.pages.effects import effect_choice, effects_of, effects_to_come, trial_on
from diat.pages.guards import take_uploads_only
from diat.pages.parts import (
    CONSENT_FIRST,
    QUIET,
    Stops,
    anyway_box,
    available,
    cache_file,
    close_notes,
    refusal,
    result_sentences,
    strength_choice,
    unnumbered,
    with_stop,
)
from diat.pages.pictures import close_ups, marked_preview
from diat.pages.saving import download_button
from diat.pages.widgets import Value, bar, bar_value
from diat.photo import open_photo, photo_bytes
from diat.pixels import U8
from diat.provenance import KINDS
from diat.results import EditResult, action_in_names

MAX_PHOTOS = 50
TO_COME = "<p>The photos appear here one by one, each before and after.</p>"

Gallery = list[tuple[U8 | str, str]]  # pictures or their files, with captions


class BatchPage:
    """What the page does.

    Args:
        editors: the models.
    """

    def __init__(self, editors: EditorPool) -> None:
        self._editors = editors
        self._stops = Stops()
        self.stop = self._stops.stop  # after the photograph that the work is at; what is done is kept

    def edit_all(
        self,
        photos: list[str] | None,
        attribute: str,
        strength: float,
        all_faces: bool,
        consent: bool,
        apply_anyway: bool = False,
        request: gr.Request | None = None,
    ) -> Iterator[tuple[Gallery, Any, str]]:
        """Change one attribute in many photographs.

        Args:
            photos: JPEG, PNG, WebP, GIF, BMP, HEIC or AVIF files.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            all_faces: every face that can be edited, not only the largest.
            consent: that you are in these pictures, or that the people in them agreed; nothing happens without it.
            apply_anyway: also change faces that have the attribute already.

        Returns the faces before and after as they finish, a zip of files at full size, in the formats and with the
        names of the photographs, those of which nothing was changed as they came, and a sentence.
        """
        steps = self.watched(photos, attribute, strength, all_faces, consent, apply_anyway, request)
        for shown, path, sentence, _ in steps:
            yield shown, path, sentence

    def watched(
        self,
        photos: list[str] | None,
        attribute: str,
        strength: float,
        all_faces: bool,
        consent: bool,
        apply_anyway: bool = False,
        request: gr.Request | None = None,
    ) -> Iterator[tuple[Gallery, Any, str, Value]]:
        """`edit_all` for the page: with how far it is, for `diat.pages.widgets.bar`."""
        if not photos:
            raise refusal("Choose photos.")
        if len(photos) > MAX_PHOTOS:
            raise refusal(f"The limit is {MAX_PHOTOS} photos at once. Choose fewer.")
        if not consent:
            raise refusal(CONSENT_FIRST)

        def edit(photo: str) -> EditResult:
            faces: FaceChoice = "all" if all_faces else "largest"
            return self._editors.get(attribute).edit(available(photo), faces, strength, apply_anyway=apply_anyway)

        with self._stops.of(str(request.session_hash) if request is not None else "") as stop:
            yield from self._edit_all(photos, edit, stop, cache_file(f"photos-{action_in_names(attribute)}.zip"))

    def effects(self, photos: list[str] | None, consent: bool) -> Value:
        """Every change of the largest face of the first photograph that shows one."""
        for number, photo in enumerate((photos or [])[:MAX_PHOTOS] if consent else [], start=1):
            try:
                pixels = open_photo(available(photo)).pixels
                usable = usable_faces(self._editors.detector.detect(pixels))
            except DiatError:
                continue  # the batch will say why
            if usable:
                whose = "the first photo" if number == 1 else f"photo {number}"
                trial = trial_on(self._editors, pixels, usable[0])
                return effects_of(self._editors, trial, None, whose=f"the largest face of {whose}")
        return effects_to_come(self._editors, None)

    def _edit_all(
        self, photos: list[str], edit: Callable[[str], EditResult], stop: threading.Event, path: Path
    ) -> Iterator[Any]:
        shown: Gallery = []
        skipped: list[str] = []
        previews: list[str] = []
        looked_at = changed = 0
        yield shown, None, f"0 of {len(photos)} done.", bar_value(0, len(photos))
        # On disk, written as it grows: 50 photographs of 25 megapixels are gigabytes.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for number, photo in enumerate(photos, start=1):
                if stop.is_set():
                    skipped.append(f"Stopped: {len(photos) - number + 1} photos were not looked at.")
                    break
                try:
                    result = edit(photo)
                except DiatError as error:
                    skipped.append(f"{Path(photo).name} was skipped. {error}")
                else:
                    changed += not result.unchanged
                    name, data = _file_of(result, Path(photo))
                    archive.writestr(_unused(name, archive.namelist()), data)
                    previews.append(marked_preview(np.concatenate(close_ups(result), axis=1), result))
                    shown.append((previews[-1], f"{Path(photo).name} – {_said(result)}"))
                for preview in previews:
                    os.utime(preview)  # shown still, so not to be swept
                looked_at = number
                words = "  \n".join([f"{looked_at} of {len(photos)} done.", *skipped])
                yield shown, None, words, bar_value(looked_at, len(photos))
        if not shown:
            path.unlink()
        yield (
            shown,
            str(path) if shown else None,
            "  \n".join([*_counted(len(photos), changed, len(shown) - changed, looked_at - len(shown)), *skipped]),
            bar_value(looked_at, len(photos)),
        )


def _counted(given: int, changed: int, unchanged: int, skipped: int) -> Iterator[str]:
    """What became of the photographs, and which of them the ZIP holds."""
    counts = {"left unchanged": unchanged, "skipped": skipped}
    rest = (f"{n} {what}" for what, n in counts.items() if n)
    yield ", ".join([f"{changed} of {given} photos changed", *rest]) + "."
    if unchanged:
        yield "The ZIP also has the unchanged ones."


def _file_of(result: EditResult, photo: Path) -> tuple[str, bytes]:
    """A photograph's file for the ZIP, as its name and content: where nothing was changed, the very one that came."""
    if result.unchanged:
        return photo.name, photo_bytes(photo)
    return result.file_name(photo.name), result.to_bytes(KINDS[result.suffix])


def _unused(name: str, taken: list[str]) -> str:
    """The name, numbered where another file has it."""
    stem, suffix = Path(name).stem, Path(name).suffix
    names = (name, *(f"{stem}-{number}{suffix}" for number in range(2, MAX_PHOTOS + 2)))
    return next(other for other in names if other not in taken)


def _said(result: EditResult) -> str:
    sentence = result_sentences(result, numbers=False) or " ".join(dict.fromkeys(map(unnumbered, result.notices)))
    return sentence[:1].lower() + sentence[1:]


def offered(path: str | None) -> Any:
    """The button that saves the photographs."""
    if path is None:
        return gr.update(visible=False)
    with zipfile.ZipFile(path) as archive:
        many = len(archive.namelist())
    photos = "all photos" if many == 1 else f"all {many} photos"
    return gr.update(
        value=f"Download {photos} (ZIP, {max(Path(path).stat().st_size / 2**20, 0.1):.1f} MB)", visible=True
    )


def _label(photos: list[str] | None) -> str:
    """How many photographs are chosen, or may be."""
    if not photos:
        return f"Photos (up to {MAX_PHOTOS})"
    chosen = "1 photo" if len(photos) == 1 else f"{len(photos)} photos"
    return f"{chosen} of up to {MAX_PHOTOS}" if len(photos) <= MAX_PHOTOS else f"{chosen}, {MAX_PHOTOS} at most"


def batch_tab(editors: EditorPool, consent: gr.Checkbox) -> None:
    """The page's parts and its named endpoint ``/many``."""
    with gr.Row():
        with gr.Column(min_width=300):
            photos = gr.File(
                label=_label(None),
                file_count="multiple",
                file_types=["image"],
                height=240,  # more of them scroll
                elem_id="many-photos",
            )
            take_uploads_only(photos)
            effects, attribute = effect_choice(editors, "many-attribute")
            strength = strength_choice("many-strength")
            all_faces = gr.Checkbox(label="All faces (not only the largest)", elem_id="many-everybody")
            anyway = anyway_box("many-anyway")
            with gr.Column(elem_classes="work"):
                with gr.Row():
                    run = gr.Button("Apply to all", variant="primary", elem_id="many-run", min_width=120)
                    stop = gr.Button("Stop", visible=False, elem_id="many-stop", min_width=120)
        with gr.Column(min_width=300, elem_id="many-outcome", elem_classes="outcome"):
            progress = bar("many-bar", "Photos done")
            message = gr.Markdown(label="Sentence", elem_id="many-message")
            files = gr.File(label="Files", interactive=False, visible="hidden", elem_id="many-files")
            download = download_button("many-download", files)
            gr.HTML(TO_COME, js_on_load=None, elem_id="many-to-come")
            gallery = gr.Gallery(
                label="Before | After",
                columns=2,
                format="jpeg",
                elem_id="many-gallery",
                object_fit="contain",
                buttons=["fullscreen"],
                visible=False,
            )
    page = BatchPage(editors)
    inputs = [photos, attribute, strength, all_faces, consent, anyway]
    run.click(lambda: gr.update(visible=False), None, download, queue=False, **QUIET)  # it is of the last photographs
    done = with_stop(
        run, stop, gallery, page.stop,
        lambda before: before.then(
            page.watched, inputs, [gallery, files, message, progress], api_visibility="private",
            concurrency_id="many", show_progress="minimal", show_progress_on=message,
        ),
        message, [photos, consent],
    )  # fmt: skip
    asked = gr.Button(visible=False)
    asked.click(page.edit_all, inputs, [gallery, files, message], api_name="many", concurrency_id="many")
    done.success(offered, files, download, **QUIET)
    close_notes(photos.change)
    photos.change(lambda photos: gr.update(label=_label(photos)), photos, photos, queue=False, **QUIET)
    gr.on(
        [photos.change, consent.input], page.effects, [photos, consent], effects,
        trigger_mode="always_last", **QUIET,
    )  # fmt: skip

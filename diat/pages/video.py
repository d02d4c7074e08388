"""The page of a video."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from diat.errors import DiatError, InvalidArgument
from diat.pages.editors import EditorPool
from diat.pages.guards import refuse_by_a_sentence, take_uploads_only
from diat.pages.parts import (
    CONSENT_FIRST,
    attribute_choice,
    available,
    cache_file,
    refusal,
    show_on_phones,
    strength_choice,
)
from diat.video.choice import FilmFaces
from diat.video.film import Progress, VideoReport, edit_video

MAX_SECONDS = 60.0  # of film: minutes of work

FACES = [("Largest face", "largest"), ("All faces", "all"), ("One person", "person")]


class VideoPage:
    """What the page does.

    Args:
        editors: the models.
    """

    def __init__(self, editors: EditorPool) -> None:
        self._editors = editors
        self._stop: dict[str, threading.Event] = {}  # by session, of the videos in work: set to stop

    def edit_film(
        self,
        film: str | None,
        attribute: str,
        strength: float,
        faces: str,
        number: float,
        consent: bool,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio asks for it
    ) -> tuple[Any, str]:
        """Change one attribute in a video.

        Args:
            film: MP4, MOV or WebM file of at most a minute.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            faces: "largest", "all" or "person".
            number: with "person", which one of the first frame, largest first from 1.
            consent: that you are in the video, or that the people in it agreed; nothing happens without it.

        Returns the result as an MP4 file and a sentence.
        """
        if film is None:
            raise refusal("Choose a video.")
        if not consent:
            raise refusal(CONSENT_FIRST)
        session = str(request.session_hash)
        stop = self._stop[session] = threading.Event()

        def show(now: Progress) -> bool:
            left = f", {now.seconds_left:.0f} s left" if now.seconds_left is not None else ""
            progress((now.done, now.total or None), desc=f"{now.rate:.1f} frames/s{left}", unit="frames")
            return not stop.is_set()

        try:
            chosen, editor = film_faces(faces, number), self._editors.get(attribute)
            path = cache_file(f"{Path(available(film)).stem[:100]}-edited.mp4")
            report = edit_video(film, path, editor, chosen, strength, show, MAX_SECONDS)
        except DiatError as error:
            raise refusal(error) from None
        finally:
            self._stop.pop(session, None)
        return str(path), "  \n".join([video_sentence(report), *editor.model.notices])

    def stop(self, request: gr.Request) -> None:
        """Stop the visitor's video, if one is in work."""
        if event := self._stop.get(str(request.session_hash)):
            event.set()


def film_faces(faces: str, number: float | None) -> FilmFaces:
    """The page's choice as `edit_video` takes it; people are counted from 1 here and from 0 there.

    Raises:
        InvalidArgument: there is no such choice.
    """
    if faces == "person":
        if number is None or not number >= 1:
            raise InvalidArgument("People are counted from 1, the largest in the first frame.")
        return int(number) - 1
    return "all" if faces == "all" else "largest"


def video_sentence(report: VideoReport) -> str:
    """What the user reads when a video is done."""
    damaged = f" {report.damaged} damaged frames were left out." if report.damaged else ""
    return f"Done: {report.changed} of {report.frames} frames changed in {report.seconds:.0f} s.{damaged}"


def video_tab(editors: EditorPool, consent: gr.Checkbox) -> Callable[[gr.Request], None]:
    """The page's parts and its named endpoint ``/video``.

    Returns:
        What stops a visitor's work, for when they leave.
    """
    with gr.Row():
        with gr.Column(min_width=300):
            film = gr.File(
                label=f"Video (up to {MAX_SECONDS:.0f} seconds and 40 MiB)",
                file_types=[".mp4", ".mov", ".m4v", ".webm"],
                elem_id="film",
            )
            take_uploads_only(film)
            attribute = attribute_choice(editors, "film-attribute")
            strength = strength_choice("film-strength")
            faces = gr.Radio(FACES, value="largest", label="Faces to change", elem_id="film-faces")
            refuse_by_a_sentence(faces)
            number = gr.Number(
                1, label="Which person (1 = largest in the first frame)", minimum=1, precision=0, visible=False
            )
            refuse_by_a_sentence(number)
            faces.change(lambda chosen: gr.update(visible=chosen == "person"), faces, number, api_visibility="private")
            with gr.Row():
                run = gr.Button("Apply", variant="primary", elem_id="film-run")
                stop = gr.Button("Stop", elem_id="film-stop")
        with gr.Column(min_width=300):
            message = gr.Markdown(elem_id="film-message")
            result = gr.Video(label="Result", interactive=False, elem_id="film-result", buttons=["download"])
    page = VideoPage(editors)
    inputs = [film, attribute, strength, faces, number, consent]
    # The last run's sentence goes: it would lie under the progress.
    run.click(lambda: "", None, message, queue=False, api_visibility="private")
    done = run.click(page.edit_film, inputs, [result, message], api_name="video", concurrency_limit=1)
    stop.click(page.stop, None, None, queue=False, api_visibility="private")
    show_on_phones([done], "film-message")
    return page.stop

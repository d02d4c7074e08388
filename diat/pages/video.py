"""The page of a video."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache

from diat.errors import DiatError
from diat.pages.editors import Editors
from diat.pages.guards import take_uploads_only
from diat.pages.parts import CONSENT, TICK, attribute_choice, kept, strength_choice
from diat.video.choice import FilmFaces
from diat.video.film import Progress, edit_video

MAX_SECONDS = 60.0  # of film: minutes of work

FACES = [("the largest", "largest"), ("all", "all"), ("one person", "person")]


def video_tab(editors: Editors) -> Callable[[gr.Request], None]:
    """The page's parts and its named endpoint ``/video``.

    Returns:
        What stops a visitor's work, for when he leaves.
    """
    going: dict[str, threading.Event] = {}  # by session: set to stop

    def change(
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
            number: with "person", whom of the first frame, largest first from 1.
            consent: that the faces are yours or that their owners agreed; nothing happens without it.

        Returns the result as an MP4 file and a sentence.
        """
        if film is None or not consent:
            return None, "Choose a video." if film is None else TICK
        stopped = going[str(request.session_hash)] = threading.Event()

        def shown(now: Progress) -> bool:
            left = f", {now.seconds_left:.0f} s left" if now.seconds_left is not None else ""
            progress((now.done, now.total or None), desc=f"{now.rate:.1f} frames/s{left}", unit="frames")
            return not stopped.is_set()

        chosen: FilmFaces = int(number) - 1 if faces == "person" else "all" if faces == "all" else "largest"
        try:
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder) / "diat.mp4"
                report = edit_video(kept(film), made, editors.get(attribute), chosen, strength, shown, MAX_SECONDS)
                kept_here = save_file_to_cache(made, result.GRADIO_CACHE)
        except DiatError as error:
            return None, str(error)
        finally:
            going.pop(str(request.session_hash), None)
        damaged = f", {report.damaged} damaged ones left out" if report.damaged else ""
        return (
            kept_here,
            f"Done: {report.changed} of {report.frames} frames changed{damaged}, in {report.seconds:.0f} s.",
        )

    def stop(request: gr.Request) -> None:
        if event := going.get(str(request.session_hash)):
            event.set()

    with gr.Row():
        with gr.Column(min_width=300):
            film = gr.File(
                label="Video (at most a minute and 40 MiB)",
                file_types=[".mp4", ".mov", ".m4v", ".webm"],
                elem_id="film",
            )
            take_uploads_only(film)
            consent = gr.Checkbox(label=CONSENT, elem_id="film-consent")
            attribute = attribute_choice(editors, "film-attribute")
            strength = strength_choice("film-strength")
            faces = gr.Radio(FACES, value="largest", label="Faces", elem_id="film-faces")
            number = gr.Number(1, label="Whom, by size in the first frame", minimum=1, precision=0, visible=False)
            faces.change(lambda chosen: gr.update(visible=chosen == "person"), faces, number, api_visibility="private")
            with gr.Row():
                run = gr.Button("Change", variant="primary", elem_id="film-run")
                halt = gr.Button("Stop", elem_id="film-stop")
        with gr.Column(min_width=300):
            message = gr.Markdown(elem_id="film-message")
            result = gr.Video(label="Result", interactive=False, elem_id="film-result", buttons=["download"])
    inputs = [film, attribute, strength, faces, number, consent]
    run.click(change, inputs, [result, message], api_name="video", concurrency_limit=1)
    halt.click(stop, None, None, queue=False, api_visibility="private")
    return stop

"""The page of a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from diat.errors import DiatError, InvalidArgument
from diat.faces import MAX_FACES
from diat.pages.editors import EditorPool
from diat.pages.guards import refuse_by_a_sentence, take_uploads_only
from diat.pages.parts import (
    CONSENT_FIRST,
    QUIET,
    Stops,
    attribute_choice,
    available,
    cache_file,
    refusal,
    show_on_phones,
    similarity_sentence,
    strength_choice,
    with_stop,
)
from diat.pages.pictures import before_and_after, close_ups, picture_file, portrait
from diat.pages.widgets import Choice, Value, choice, choice_value, chosen_of, compare, compare_value
from diat.pixels import U8
from diat.video.choice import FilmFaces
from diat.video.colours import upright
from diat.video.film import Progress, VideoReport, edit_video, open_film

MAX_SECONDS = 60.0  # of film: minutes of work
MAX_SEARCHED = 50  # frames in which people are looked for
PEOPLE = "Whom to change"

FACES = [("Largest face", "largest"), ("All faces", "all"), ("One person", "person")]


class VideoPage:
    """What the page does.

    Args:
        editors: the models.
    """

    def __init__(self, editors: EditorPool) -> None:
        self._editors = editors
        self._stops = Stops()
        self.stop = self._stops.stop

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

        def show(now: Progress) -> bool:
            left = f", {now.seconds_left:.0f} s left" if now.seconds_left is not None else ""
            progress((now.done, now.total or None), desc=f"{now.rate:.1f} frames/s{left}", unit="frames")
            return not stop.is_set()

        try:
            with self._stops.of(str(request.session_hash)) as stop:
                chosen, editor = film_faces(faces, number), self._editors.get(attribute)
                path = cache_file(f"{Path(available(film)).stem[:100]}-edited.mp4")
                report = edit_video(film, path, editor, chosen, strength, show, MAX_SECONDS)
        except DiatError as error:
            raise refusal(error) from None
        return str(path), "  \n".join([video_sentence(report), *editor.model.notices])

    def people(self, film: str | None) -> Value:
        """The people in the first frame that shows any, as pictures to click."""
        if film is None:
            return choice_value(PEOPLE, [])
        try:
            for picture in frames_from(Path(available(film)), 0.0, MAX_SEARCHED):
                if found := self._editors.detector.detect(picture):
                    crops = [picture_file(portrait(picture, face)) for face in found]
                    choices = [Choice(str(n), f"Person {n}", crop) for n, crop in enumerate(crops, start=1)]
                    return choice_value(PEOPLE, choices)
        except DiatError as error:
            gr.Warning(str(error))
        return choice_value(PEOPLE, [])

    def person(self, event: gr.EventData) -> tuple[Any, Any]:
        """One of them was clicked."""
        chosen = chosen_of(event, [str(number + 1) for number in range(MAX_FACES)])
        return ("person", int(chosen[0])) if chosen else (gr.skip(), gr.skip())

    def preview(
        self, film: str | None, attribute: str, strength: float, faces: str, number: float, moment: float, consent: bool
    ) -> Value:
        """One moment of the film, before and after."""
        try:
            if film is None:
                raise DiatError("Choose a video.")
            if not consent:
                raise DiatError(CONSENT_FIRST)
            chosen = film_faces(faces, number)
            picture = next(iter(frames_from(Path(available(film)), moment / 100, 1)), None)
            if picture is None:
                raise DiatError("There is no picture at this moment. Choose another.")
            result = self._editors.get(attribute).edit(picture, chosen, strength)
        except DiatError as error:
            gr.Warning(str(error))
            return compare_value(None, str(error), kind="refused")
        mark = result.attribute, result.strength
        pictures = before_and_after(close_ups(result), (result.original, result.photo), mark)
        lines = [similarity_sentence(result), *result.notices]
        return compare_value(pictures, "\n".join(filter(None, lines)), from_start=True)


def frames_from(film: Path, share: float, most: int) -> Iterator[U8]:
    """Some frames of a film, (H, W, 3) RGB, from a share (0 to 1) of its length on.

    Raises:
        PhotoRejected: it is no film.
    """
    import av

    with open_film(film) as container:
        start = int(min(share, 0.99) * (container.duration or 0))  # microseconds, as FFmpeg counts containers' time
        container.seek(start)
        left = most
        try:
            for frame in container.decode(video=0):
                if frame.time is not None and frame.time * av.time_base < start and left == most:
                    continue  # a film can be entered at key frames alone
                yield upright(frame)
                left -= 1
                if left == 0:
                    return
        except av.error.FFmpegError:
            return


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
            film = gr.Video(
                label=f"Video (up to {MAX_SECONDS:.0f} seconds and 40 MiB)",
                sources=["upload"],
                height=240,
                elem_id="film",
                buttons=[],
            )
            take_uploads_only(film)
            attribute = attribute_choice(editors, "film-attribute")
            strength = strength_choice("film-strength")
            people = choice("film-people", choice_value(PEOPLE, []))
            faces = gr.Radio(FACES, value="largest", label="Faces to change", elem_id="film-faces")
            refuse_by_a_sentence(faces)
            number = gr.Number(
                1, label="Which person (1 = largest in the first frame)", minimum=1, precision=0, visible=False
            )
            refuse_by_a_sentence(number)
            faces.change(lambda chosen: gr.update(visible=chosen == "person"), faces, number, api_visibility="private")
            moment = gr.Slider(0, 100, 0, step=1, label="Moment to preview (% of the video)", elem_id="film-moment")
            refuse_by_a_sentence(moment)
            preview = gr.Button("Preview this moment", elem_id="film-preview")
            with gr.Row():
                run = gr.Button("Apply", variant="primary", elem_id="film-run")
                stop = gr.Button("Stop", visible=False, elem_id="film-stop")
        with gr.Column(min_width=300):
            compared = compare("film-compare", compare_value(None, "Choose a video, then preview any moment of it."))
            message = gr.Markdown(elem_id="film-message")
            result = gr.Video(
                label="Result", visible=False, interactive=False, elem_id="film-result", buttons=["download"]
            )
    page = VideoPage(editors)
    inputs = [film, attribute, strength, faces, number, consent]
    # The last run's sentence goes: it would lie under the progress.
    run.click(lambda: "", None, message, queue=False, api_visibility="private")
    done = with_stop(
        run, stop, result, page.stop,
        lambda before: before.then(
            page.edit_film, inputs, [result, message], api_name="video", concurrency_limit=1
        ),
    )  # fmt: skip
    show_on_phones([done], "film-message")
    film.change(page.people, film, people, **QUIET)
    looked = preview.click(
        page.preview, [film, attribute, strength, faces, number, moment, consent], compared, show_progress="minimal",
        api_visibility="private",
    )  # fmt: skip
    show_on_phones([looked], "film-compare")
    people.pick(page.person, None, [faces, number], queue=False, **QUIET)
    return page.stop

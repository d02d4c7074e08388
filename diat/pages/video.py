"""The page of a video."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from diat.pages.editors import EditorPool
from diat.pages.effects import effect_choice
from diat.pages.guards import hold_within, refuse_by_a_sentence, take_uploads_only
from diat.pages.parts import QUIET, anyway_box, close_notes, show_on_phones, strength_choice, with_stop
from diat.pages.saving import download_button
from diat.pages.video_steps import CHOOSE_FILM, LAST_RESULT, MAX_SECONDS, WHOM_IN_FILM, VideoPage
from diat.pages.widgets import choice, choice_value, compare, compare_value

FACES = [("Largest person", "largest"), ("Everyone", "all"), ("One person", "person")]


def video_tab(editors: EditorPool, consent: gr.Checkbox) -> Callable[[gr.Request], None]:
    """The page's parts and its named endpoint ``/video``.

    Returns:
        What stops a visitor's work, for when they leave.
    """
    with gr.Row():
        with gr.Column(min_width=300):
            label = f"Video (up to {MAX_SECONDS:.0f} seconds and 40 MiB)"
            film = gr.Video(label=label, sources=["upload"], height=240, elem_id="film", buttons=[])
            take_uploads_only(film)
            effects, attribute = effect_choice(editors, "film-attribute")
            strength = strength_choice("film-strength")
            people, faces, number = _whom_choice()
            start, end = _part_choice()
            moment, preview = _moment_choice()
            beside = gr.Checkbox(label="Show the original beside the result", elem_id="film-beside")
            anyway = anyway_box("film-anyway")
        result = gr.Video(
            label="Result", visible=False, interactive=False, elem_id="film-result", buttons=[], render=False
        )
        with gr.Column(min_width=300, elem_id="film-outcome", elem_classes="outcome"):
            with gr.Column(elem_classes="work"):  # in sight, however much there is to choose beside it
                with gr.Row():
                    run = gr.Button("Apply", variant="primary", elem_id="film-run", min_width=120)
                    stop = gr.Button("Stop", visible=False, elem_id="film-stop", min_width=120)
                    download = download_button("film-download", result)
                message = gr.Markdown(label="Sentence", elem_id="film-message")
            result.render()  # type: ignore[no-untyped-call]
            compared = compare("film-compare", compare_value(None, CHOOSE_FILM), whole="Whole frame")
    page = VideoPage(editors)
    inputs = [film, attribute, strength, faces, number, consent, start, end, beside, anyway]
    # The last sentence goes, which would lie under the progress, and the preview, in whose place the result comes.
    cleared = [message, compared, download]
    run.click(lambda film: ("", page.chosen(film), gr.update(visible=False)), film, cleared, queue=False, **QUIET)
    done = with_stop(
        run, stop, result, page.stop,
        lambda before: before.then(
            page.edit_film, inputs, [result, message], api_name="video", concurrency_limit=1, show_progress_on=message
        ),
        message, [film, consent],
    )  # fmt: skip
    done.success(lambda path: gr.update(visible=path is not None), result, download, **QUIET)
    # What a run that was refused or stopped leaves is the last result, which is still to be had.
    done.failure(
        lambda path: (gr.update(visible=path is not None), LAST_RESULT if path else ""), result, [download, message],
        **QUIET,
    )  # fmt: skip
    looked = preview.click(
        page.preview, [film, attribute, strength, faces, number, start, moment, consent, anyway], compared,
        show_progress="minimal", api_visibility="private",
    )  # fmt: skip
    show_on_phones([looked], "#film-compare")
    film.change(page.anew, film, [result, download, message], queue=False, **QUIET)
    _follow(page, film, start, end, moment, people, faces, number, effects, compared, consent)
    return page.stop


def _follow(
    page: VideoPage, film: gr.Video, start: gr.Number, end: gr.Number, moment: gr.Slider, people: gr.HTML,
    faces: gr.Radio, number: gr.Number, effects: gr.HTML, compared: gr.HTML, consent: gr.Checkbox,
) -> None:  # fmt: skip
    """What there is to choose goes with the film, where it begins, and whom it is to be."""
    picked = people.pick(page.person, None, [faces, number], queue=False, **QUIET)
    close_notes(film.change)
    film.change(page.chosen, film, compared, **QUIET)
    film.change(page.part, [film, start], [start, end], **QUIET)
    gr.on(
        [film.change, start.change, end.change], page.moments, [film, start, end, moment], moment,
        trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    begun = gr.on(
        [film.change, start.change], page.begun_elsewhere, [film, faces], faces, trigger_mode="always_last", **QUIET
    )
    met = begun.then(page.people, [film, start, faces, number], people, trigger_mode="always_last", **QUIET)
    shown = [film, start, faces, number, consent]
    for event in (met.then, picked.then, consent.input):
        event(page.effects, shown, effects, trigger_mode="always_last", **QUIET)


def _whom_choice() -> tuple[gr.HTML, gr.Radio, gr.Number]:
    """Whom to change: visitors click a picture, programs say it in words and, of one person, by the number."""
    people = choice("film-people", choice_value(WHOM_IN_FILM, []))
    faces = gr.Radio(FACES, value="largest", label=WHOM_IN_FILM, elem_id="film-faces", visible="hidden")
    refuse_by_a_sentence(faces)
    number = gr.Number(1, label="Which person", minimum=1, precision=0, visible="hidden")
    refuse_by_a_sentence(number)
    return people, faces, number


def _part_choice() -> tuple[gr.Number, gr.Number]:
    """The seconds between which a film is taken: the whole of it, once there is one."""
    with gr.Row():
        start, end = (
            gr.Number(0, label=label, minimum=0, min_width=120, elem_id=elem_id, interactive=False)
            for label, elem_id in (("From second", "film-start"), ("To second", "film-end"))
        )
    for second in (start, end):
        refuse_by_a_sentence(second)
    return start, end


def _moment_choice() -> tuple[gr.Slider, gr.Button]:
    """A moment to look at before the work; it can be moved as far as the film goes once there is one."""
    moment = gr.Slider(
        0, MAX_SECONDS, 0, step=0.1, label="Second to preview", elem_id="film-moment", interactive=False, buttons=[]
    )
    hold_within(moment)
    return moment, gr.Button("Preview this moment", elem_id="film-preview")

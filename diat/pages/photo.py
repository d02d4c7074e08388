"""The photograph's tab: one goes in, its faces and every change of them are shown, and a click makes a change."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from diat.pages.bench import Bench
from diat.pages.editors import EditorPool
from diat.pages.effects import effects_to_come
from diat.pages.first_sight import Example, first_sight
from diat.pages.guards import hand_over_unopened, hold_within, refuse_by_a_sentence
from diat.pages.parts import ANYWAY, WHOM, close_notes, show_on_phones, strength_choice
from diat.pages.photo_shown import buttons
from diat.pages.photo_steps import PhotoPage
from diat.pages.pictures import known_file
from diat.pages.saving import FORMATS
from diat.pages.widgets import Choice, Value, choice, choice_value, chosen_of, compare, saver, steps

# In the last place of what is given: whether the photograph was taken out by its cross, see keep.js.
TAKEN_OUT = """(...given) => {
  const takenOut = Boolean(window.takenOut);
  window.takenOut = false;
  return [...given.slice(0, -1), takenOut];
}"""
KEEP = "Keep this and add another change"
QUICK: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "multiple"}
LAST: dict[str, Any] = {"api_visibility": "private", "trigger_mode": "always_last"}


class _Parts(NamedTuple):
    photo: gr.Image
    faces: gr.HTML
    compare: gr.HTML
    effects: gr.HTML
    steps: gr.HTML
    strength: gr.Slider
    anyway: gr.Button
    keep: gr.Button
    undo: gr.Button
    download: gr.Button
    kind: gr.Radio
    identity: gr.Slider
    saver: gr.HTML
    examples: gr.HTML | None


def photo_tab(editors: EditorPool, consent: gr.Checkbox, examples: list[Example]) -> None:
    """The page's parts.

    Args:
        editors: the models.
        consent: the page's box.
        examples: photographs to click.
    """
    examples = [example for example in examples if example.attribute in editors.attributes]
    page = PhotoPage(editors, examples)
    parts = _laid_out(editors, examples)
    _connect(page, parts, consent, examples)


def _laid_out(editors: EditorPool, examples: list[Example]) -> _Parts:
    with gr.Row(elem_classes="flow"):
        with gr.Column(min_width=300, scale=2):
            photo = gr.Image(
                type="filepath", sources=["upload", "webcam", "clipboard"], label="Photo", height=260, elem_id="photo",
                placeholder="# Choose a photo\nor drop it here",
                webcam_options=gr.WebcamOptions(mirror=False), buttons=[],
            )  # fmt: skip
            hand_over_unopened(photo, {str(example.photo) for example in examples})
            faces = choice("faces", choice_value(WHOM, []))
            shown = None
            if examples:
                shown = choice("examples", _to_click(examples))
        with gr.Column(min_width=300, scale=3):
            compared = compare("result", first_sight())
            effects = choice("effects", effects_to_come(editors), optional=True)
            strength = strength_choice("strength", interactive=False, held=True)
            made = steps("steps")
            with gr.Row(elem_classes="actions"):
                anyway = gr.Button(ANYWAY, visible=False, elem_id="anyway", size="md", scale=3, min_width=280)
                keep = gr.Button(KEEP, interactive=False, elem_id="keep", size="md", scale=3, min_width=280)
                undo = gr.Button("Undo", interactive=False, elem_id="undo", size="md", min_width=80)
                download = gr.Button(
                    "Download", variant="primary", interactive=False, elem_id="download", size="md", min_width=100
                )
            with gr.Accordion("Advanced", open=False):
                kind = gr.Radio(list(FORMATS), value=next(iter(FORMATS)), label="File format", elem_id="format")
                identity = gr.Slider(
                    0, 0.95, 0, step=0.05, label="Stay at least this much me (identity similarity; 0 = no limit)",
                    elem_id="identity",
                )  # fmt: skip
                hold_within(identity)
                refuse_by_a_sentence(kind)
            handed = saver("saver")
    return _Parts(
        photo, faces, compared, effects, made, strength, anyway, keep, undo, download, kind, identity, handed,
        shown,
    )  # fmt: skip


def _to_click(examples: list[Example]) -> Value:
    """The examples, none of which is chosen."""
    return choice_value("Or try an example", [Choice(e.name, e.caption, known_file(e.thumbnail)) for e in examples])


def _back(examples: list[Example], bench: Bench) -> Any:
    """The examples, none of which is chosen any more where Undo went back to a photograph of the visitor's."""
    return gr.skip() if bench.photo in {str(example.photo) for example in examples} else _to_click(examples)


def _connect(page: PhotoPage, p: _Parts, consent: gr.Checkbox, examples: list[Example]) -> None:
    bench, wanted, first = gr.State(Bench()), gr.State(""), gr.State("")  # what an example shows, and what is made
    at_work: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": p.compare, **LAST}
    shown = [p.compare, p.anyway, p.keep, p.undo, p.download, p.steps, p.strength]

    def then(event: Any) -> Any:
        """Make the changes, and show every change anew."""
        made = event.then(page.render, bench, shown, **at_work)
        made.then(page.effects, bench, p.effects, show_progress="hidden", **LAST)
        return made

    # Not the photograph's `change`: an example with the same one is another change all the same.
    another = [wanted, p.anyway, p.keep, p.undo, p.download]  # of the last photograph nothing is undone or saved
    begun: list[Any] = [p.photo.input(lambda: ("", *buttons()), None, another, queue=False, **QUICK).then]
    if p.examples is not None:
        # What a visitor brings, or takes out, is no example any more.
        p.photo.input(lambda: _to_click(examples), None, p.examples, queue=False, **QUICK)

        def take(event: gr.EventData) -> tuple[Any, ...]:
            names = chosen_of(event, [example.name for example in examples])
            example = next((example for example in examples if example.name in names), None)
            if example is None:
                return (gr.skip(),) * (1 + len(another))
            return str(example.photo), example.attribute, *buttons()

        begun.append(p.examples.pick(take, None, [p.photo, *another], queue=False, **QUICK).then)
    close_notes(p.photo.input, p.undo.click, *([] if p.examples is None else [p.examples.pick]))
    given = [p.photo, consent, wanted, p.identity, bench]
    taken_out = gr.Checkbox(visible=False)
    outcome = [bench, p.faces, p.effects, p.compare, p.strength, first]
    opened = [begin(page.start, [*given, taken_out], outcome, js=TAKEN_OUT, **at_work) for begin in begun]
    opened.append(consent.input(page.agree, given, outcome, **at_work))
    step = [bench, p.strength, p.effects]
    # In a moment of its own, so that nothing that was clicked while it was looked for is lost.
    started = [event.then(page.begin, [bench, first, wanted], step, queue=False, **QUICK) for event in opened]
    picked = p.effects.pick(page.pick, bench, step, queue=False, **QUICK)
    p.effects.pick(page.ask_for_photo, bench, None, **QUICK)
    chosen = p.faces.pick(page.choose, bench, bench, queue=False, **QUICK)
    # A box that is left shows a number within the ends, of which only `release` tells.
    adjusted = [
        event(page.adjust, [bench, p.strength], bench, queue=False, **QUICK)
        for event in (p.strength.input, p.strength.release)
    ]
    insisted = p.anyway.click(page.insist, bench, bench, **at_work)
    kept = p.keep.click(page.keep, bench, step, queue=False, **QUICK)
    taken = p.steps.pick(page.take_away, bench, step, queue=False, **QUICK)
    before = [bench, p.photo, p.faces, p.strength, p.identity, p.effects]
    undone = p.undo.click(page.undo, [bench, consent], before, **QUICK)
    if p.examples is not None:
        undone.then(partial(_back, examples), bench, p.examples, queue=False, **QUICK)
    limited = p.identity.input(page.limit, [bench, p.identity], bench, queue=False, **QUICK)
    # Of several faces those come into view, with the result and the changes below them. Where some are being chosen,
    # nothing moves under the finger.
    show_on_phones([*map(then, started)], "#faces:has(.picture), #result, #effects")
    show_on_phones([*map(then, [kept, taken, undone, picked])], "#result, #effects")
    for event in (chosen, insisted, *adjusted, limited):
        then(event)
    p.download.click(page.save, [bench, p.kind], p.saver, api_visibility="private", show_progress_on=p.download)

"""What several pages have in common: their words, the choices of what to change, and files in Gradio's cache."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from diat.attributes import MAX_STRENGTH, attribute_spec
from diat.errors import PhotoRejected
from diat.faces import SAME_PERSON
from diat.pages.editors import EditorPool
from diat.pages.guards import behave, hold_within, refuse_by_a_sentence
from diat.results import EditedFace, EditResult, numbered

INTO_VIEW = (Path(__file__).parent / "into_view.js").read_text()
# As far as it takes to see a button and what appears below it, see `.work` in page.css.
SCROLLED = 'document.querySelector("#%s").closest(".work").scrollIntoView({ block: "nearest" })'
# Of 1,988,713 pairs of strangers in CelebA's validation part one in a thousand reaches 24.6 %; of 2,297 pairs of one
# person's photographs the middle 80 % lie between 34 and 70 % (benchmarks/likeness.py).
STRANGERS = "strangers: under 25 %"
LIKENESS = (
    "100 % is the same picture. Two photos of one person mostly reach 35 to 70 %, photos of two people less than 25 %."
)
UNSEEN = 0.995  # identity similarity, of 1: so like itself is a face of which nothing is seen to have changed
UNSEEN_CHANGE = "Hardly anything changed"
WHOM = "Whom to change, from left to right"
ANYWAY = "Apply anyway"  # what to click, or to tick, where a change seems not to be needed
CONSENT = "I am in these pictures, or the people in them agreed."
CONSENT_FIRST = "Confirm consent first: tick the box at the top of the page."


def action_of(attribute: str) -> str:
    """How the pages call an attribute."""
    return attribute_spec(attribute).action


def attribute_choice(editors: EditorPool, elem_id: str, visible: bool | Literal["hidden"] = True) -> gr.Radio:
    """Which attribute."""
    choices = [(action_of(name), name) for name in editors.attributes]
    radio = gr.Radio(choices, value=editors.default, label="What to change", elem_id=elem_id, visible=visible)
    refuse_by_a_sentence(radio)
    return radio


def strength_choice(elem_id: str, interactive: bool | None = None, held: bool = False) -> gr.Slider:
    """How much. ``held``: of what is beyond the ends, the end, and no refusal."""
    slider = gr.Slider(0, MAX_STRENGTH, 1.0, step=0.05, label="Strength", elem_id=elem_id, interactive=interactive)
    (hold_within if held else refuse_by_a_sentence)(slider)
    return slider


def anyway_box(elem_id: str) -> gr.Checkbox:
    """Whether faces that seem to need no change are changed, too."""
    return gr.Checkbox(label=f"{ANYWAY}, also to faces that seem to need no change", elem_id=elem_id)


def consent_box(elem_id: str | None, value: Any = False) -> gr.Checkbox:
    """Whether those shown agreed. Anything but a true yes is no: a client may send the text "false"."""
    box = gr.Checkbox(value, label=CONSENT, elem_id=elem_id)
    behave(box, preprocess=lambda _, payload: payload is True)
    return box


class FileGone(PhotoRejected):
    """An upload was deleted, as `diat.pages.uploads` does in time."""

    def __init__(self) -> None:
        super().__init__("For privacy, the server has deleted this file: choose it again to go on.")


def available(path: str) -> str:
    """The path of an upload, unless the file has been deleted meanwhile.

    Raises:
        FileGone: it has.
    """
    if not Path(path).is_file():
        raise FileGone
    return path


def cache_file(name: str) -> Path:
    """Where a page may write a file to offer: in the folder of uploads, which is emptied in time."""
    path = Path(get_upload_folder()) / secrets.token_hex(16) / name
    path.parent.mkdir(parents=True)
    return path


def result_sentences(
    result: EditResult, earlier: Sequence[str] = (), numbers: bool = True, measured: bool = False
) -> str:
    """What was done, and whether each person is still recognisable; nothing where no face was changed.

    Args:
        result: of the last change.
        earlier: attributes of the changes below it that changed anything.
        numbers: say which of several faces it is.
        measured: say by how much, too, as programs want it.
    """
    verdict = _verdict(result, numbers and len(result.faces) > 1, measured)
    unseen = result.unchanged or (_changed(result) and not _seen(result))
    made = [*earlier, *([] if unseen else [result.attribute])]
    return " ".join([*(attribute_spec(attribute).done for attribute in made), *filter(None, [verdict])])


def cautions(result: EditResult, earlier: Sequence[str] = ()) -> list[str]:
    """What to look at closely after these changes, as `result_sentences` takes them."""
    made = [*earlier, *([] if result.unchanged else [result.attribute])]
    return [*dict.fromkeys(filter(None, (attribute_spec(attribute).caution for attribute in made)))]


def likeness_of(result: EditResult) -> str:
    """How similar those who were changed are to who they were: ``"83 %"``, ``"78 to 91 %"``, or nothing."""
    percent = {round(100 * max(face.identity_similarity, 0)) for face in _changed(result)}
    return f"{' to '.join(map(str, sorted({min(percent), max(percent)})))} %" if percent else ""


def likeness_details(result: EditResult) -> str:
    """The same for those who want to know more, and what such numbers mean."""
    measured = f"Identity similarity to the original: {likeness_of(result)}." if _changed(result) else ""
    return "\n".join(filter(None, [measured, LIKENESS]))


def of_people(sentence: str) -> str:
    """A sentence about numbered faces, said of the people of a film."""
    return re.sub(r"\bFace(s?) (?=\d)", lambda found: "People " if found[1] else "Person ", sentence)


def unnumbered(sentence: str) -> str:
    """A sentence about numbered faces, where nothing shows the numbers."""
    return re.sub(r"\bFaces \d[\d, and]* ", "Some faces ", re.sub(r"\bFace \d+ ", "A face ", sentence))


def _changed(result: EditResult) -> list[EditedFace]:
    return [face for face in result.edited if not np.array_equal(face.before, face.after)]


def _seen(result: EditResult) -> list[EditedFace]:
    """The changed faces on which more than hardly anything is seen of it."""
    return [face for face in _changed(result) if face.identity_similarity < UNSEEN]


def _verdict(result: EditResult, numbers: bool, measured: bool) -> str:
    changed, seen = _changed(result), _seen(result)
    if not changed:
        return ""
    if not seen:
        return f"{UNSEEN_CHANGE} (identity similarity 100 %)." if measured else f"{UNSEEN_CHANGE}."
    same = sum(face.identity_similarity >= SAME_PERSON for face in seen)
    if len(seen) == 1:
        verdict = "still" if same else "no longer"
    else:
        verdict = "all still" if same == len(seen) else f"{same} of {len(seen)} still"
    number = f" (identity similarity {likeness_of(result)}; {STRANGERS})" if measured else ""
    sentence = f"{verdict} recognisable{number}."
    if not numbers:
        return sentence.capitalize()
    said = [f"{numbered('Face', 'Faces', [face.number for face in seen])}: {sentence}"]
    if hardly := [face.number for face in changed if face not in seen]:
        said.append(f"{numbered('Face', 'Faces', hardly)}: {UNSEEN_CHANGE.lower()}.")
    return " ".join(said)


def refusal(error: Exception | str) -> gr.Error:
    """A sentence that a client gets as an error and a visitor as a note above the page."""
    return gr.Error(str(error), title="Not done", print_exception=False)


class Stops:
    """Lets visitors stop their own work, each by the session of their page."""

    def __init__(self) -> None:
        self._events: dict[str, threading.Event] = {}  # of the work going on: set to stop

    @contextmanager
    def of(self, session: str) -> Iterator[threading.Event]:
        """What is set when the work that is done meanwhile is to stop."""
        event = self._events[session] = threading.Event()
        try:
            yield event
        finally:
            self._events.pop(session, None)

    def stop(self, request: gr.Request) -> None:
        """Stop the visitor's work, if any goes on."""
        if event := self._events.get(str(request.session_hash)):
            event.set()


def close_notes(*events: Callable[..., Any]) -> None:
    """After these events the notes above the page are out of date."""
    for event in events:
        event(None, js="() => document.querySelectorAll('.toast-close').forEach((cross) => cross.click())", **QUIET)


QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}  # of events that only tidy up


def with_stop(
    run: gr.Button,
    stop: gr.Button,
    shown: gr.components.Component,
    stopper: Callable[..., None],
    work: Callable[[Any], Any],
    message: gr.Markdown,
    needed: Sequence[gr.components.Component],
) -> Any:
    """Work that a button starts; meanwhile it rests, and another one, which is seen only then, stops the work.

    One after the other: quick work would else be over before its beginning is shown.

    Args:
        run, stop: the buttons.
        shown: a part that is seen from the first run on.
        stopper: ends the visitor's work.
        work: given what comes before it, adds the work to it.
        message: what is said of the work; on a phone it comes into view at the end. It stands below the buttons, with
            how far the work is, and that is in view from the beginning.
        needed: without one of them it is only said that it is missing, and nothing else begins.

    Returns:
        The work's event.
    """
    off, on = gr.update(interactive=False), gr.update(interactive=True)
    seen, gone = gr.update(visible=True), gr.update(visible=False)

    def begin(*given: Any) -> tuple[Any, ...]:
        return (off, seen, seen) if all(given) else (gr.skip(),) * 3

    begun = run.click(begin, [*needed], [run, stop, shown], queue=False, **QUIET)
    begun.then(None, js=f"() => {{ {SCROLLED % run.elem_id} }}", api_visibility="private")
    done = work(begun)
    # After an error, as after a stop, Gradio's page does not go on to what is to follow in any case.
    rested = [ended(lambda: (on, gone), None, [run, stop], queue=False, **QUIET) for ended in (done.then, done.failure)]
    # Not before: what is below the other button moves up.
    show_on_phones(rested, f"#{message.elem_id}", followed=True)
    stop.click(stopper, None, None, queue=False, **QUIET)
    return done


def show_on_phones(events: Sequence[gr.events.Dependency], parts: str, followed: bool = False) -> None:
    """After these events, bring parts of the page into view where they are not wholly on the screen, as on a phone.

    Args:
        events: after which it is looked for.
        parts: CSS selector of them, those that stand together.
        followed: by something that is to be seen too: they are brought up unless they stand in the upper half.
    """
    script = f"() => ({INTO_VIEW.strip()})('{parts}', {str(followed).lower()})"
    for event in events:
        event.then(None, js=script, api_visibility="private")

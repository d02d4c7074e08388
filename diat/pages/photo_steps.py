"""What the photograph's tab does: faces and changes as pictures, changes made, stacked, undone and saved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import gradio as gr

from diat.errors import DiatError
from diat.faces import MAX_FACES
from diat.pages.bench import Bench, Change, Opened, PhotoShelf
from diat.pages.editors import EditorPool
from diat.pages.effects import ADD, TITLE, effects_of, effects_to_come
from diat.pages.first_sight import Example, first_sight
from diat.pages.parts import (
    CONSENT_FIRST,
    WHOM,
    FileGone,
    action_of,
    cache_file,
    numbered,
    result_sentences,
)
from diat.pages.people import face_choice
from diat.pages.pictures import (
    before_and_after,
    close_ups,
    enlarged,
    known_file,
    picture_file,
    reduced,
    surroundings,
    tried,
)
from diat.pages.pictures import cut as cut_out
from diat.pages.saving import saved_file
from diat.pages.widgets import Value, choice_value, chosen_of, compare_value, steps_value
from diat.results import EditResult

PICK_ONE = "Pick a change below."
PICK_NEXT = "Kept. Pick the next change below: it is added to this one."
PICKED_FOR_YOU = "Picked for you: click any other change below."
PICK_A_FACE = "Pick at least one face."
SAID_SECONDS = 5  # so long it is said where a file went
NO_PHOTO = "Choose a photo first, or click an example."

Update = dict[str, Any]  # what gr.update gives


class PhotoPage:
    """What the page does. A visitor's `Bench` goes in and out; Gradio keeps it, and the browser never sees it.

    Args:
        editors: the models.
        examples: photographs for which nobody has to be asked.
    """

    def __init__(self, editors: EditorPool, examples: list[Example]) -> None:
        self._editors, self._examples = editors, examples
        self._shelf = PhotoShelf(editors)
        self._free = {str(example.photo) for example in examples}

    # What happens, each step as (bench, then what is shown).

    def start(self, photo: str | None, consent: bool, wanted: str, identity: float) -> Iterator[tuple[Any, ...]]:
        """Another photograph, or none: its faces, and the change that is wanted or the first that would be seen.

        Gives the bench, the faces, the effects to come, before and after, and the strength.
        """
        empty = Bench()
        nothing = empty, choice_value(WHOM, []), effects_to_come(self._editors)
        if photo is None:
            yield *nothing, first_sight(), _strength(empty)
            return
        try:
            self._check(photo, consent)
            opened = self._shelf.opened(photo)
            if not opened.usable:
                self._editors.get(self._editors.default).edit(opened.photo, found=opened.faces)  # says why
        except DiatError as error:
            gr.Warning(str(error))
            kind = "consent" if str(error) == CONSENT_FIRST else "refused"
            yield *nothing, compare_value(None, str(error), kind=kind), _strength(empty)
            return
        bench = Bench(photo, (opened.largest,), identity=identity or None)
        faces = self._faces(bench, opened)
        untouched = _untouched(opened, bench)
        shown = compare_value(untouched, "Changing the face …", from_start=True)
        yield bench, faces, effects_to_come(self._editors), shown, _strength(bench)
        unasked = wanted not in self._editors.attributes
        bench = bench.picked(self._first_seen(opened, opened.largest) if unasked else wanted)
        bench = replace(bench, unasked=unasked)
        yield bench, gr.skip(), gr.skip(), gr.skip(), _strength(bench)

    def agree(
        self, photo: str | None, consent: bool, wanted: str, identity: float, bench: Bench
    ) -> Iterator[tuple[Any, ...]]:
        """The page's box was ticked, or is no longer: as `start`, but what is being worked on and may be goes on."""
        if photo is not None and photo == bench.photo and (consent or photo in self._free):
            yield (gr.skip(),) * 5
        else:
            yield from self.start(photo, consent, wanted, identity)

    def pick(self, bench: Bench, event: gr.EventData) -> tuple[Any, Any]:
        """Another change. Gives the bench and the strength, which starts anew."""
        chosen = chosen_of(event, self._editors.attributes)
        if bench.photo is None:
            gr.Info(NO_PHOTO)
        if bench.photo is None or not chosen:
            return gr.skip(), gr.skip()
        bench = bench.picked(chosen[0])
        return bench, _strength(bench)

    def choose(self, bench: Bench, event: gr.EventData) -> Bench:
        """Other faces."""
        names = chosen_of(event, [str(index) for index in range(MAX_FACES)])
        return bench.chosen([int(name) for name in names])

    def adjust(self, bench: Bench, strength: float) -> Bench:
        """Another strength."""
        return bench.adjusted(strength)

    def limit(self, bench: Bench, identity: float) -> Bench:
        """Another similarity to keep."""
        return bench.limited(identity)

    def insist(self, bench: Bench) -> Bench:
        """The change is made although nothing seems to need it."""
        return bench.insisted()

    def keep(self, bench: Bench) -> tuple[Bench, float]:
        """The next change goes on top. Gives the bench and the strength."""
        bench = bench.kept_on()
        return bench, _strength(bench)

    def take_away(self, bench: Bench, event: gr.EventData) -> tuple[Bench, float]:
        """One of the changes goes. Gives the bench and the strength."""
        for number in chosen_of(event, [str(number) for number in range(len(bench.changes))]):
            bench = bench.without(int(number))
        return bench, _strength(bench)

    def undo(self, bench: Bench) -> tuple[Any, ...]:
        """One step back. Gives the bench, the faces, the strength and the similarity to keep."""
        bench, faces = bench.undone(), gr.skip()
        if bench.photo is not None:
            with suppress(FileGone):  # `render` says so
                faces = self._faces(bench, self._shelf.opened(bench.photo))
        return bench, faces, _strength(bench), bench.identity or 0

    def effects(self, bench: Bench) -> Any:
        """Every change of the first chosen face, on top of what is kept, as pictures."""
        if bench.photo is None:
            return gr.skip()
        begun = time.monotonic()
        try:
            base = self._shelf.base(bench.photo, bench.kept)
        except DiatError:
            return gr.skip()  # it is said where the changes are made
        face = base.faces[bench.faces[0] if bench.faces else base.largest]
        chosen = [] if bench.current is None else [bench.current.attribute]
        whose = f"face {bench.faces[0] + 1}" if len(bench.faces) > 1 else ""
        shown = effects_of(self._editors, base.photo.pixels, face, chosen, ADD if bench.kept else TITLE, whose)
        return {**shown, "stamp": begun}  # what was chosen later is shown, whichever is ready last

    def render(self, bench: Bench) -> tuple[Any, ...]:
        """Make the changes.

        Gives before and after, the buttons that go with them (apply anyway, keep, undo, download), the changes, and
        whether the strength can be moved.
        """
        # There is nothing to make stronger before a change is picked.
        strength = gr.update(interactive=bench.current is not None)
        if bench.photo is None:
            return gr.skip(), *buttons(), steps_value([]), strength
        steps, undo = gr.skip(), False
        try:
            opened = self._shelf.opened(bench.photo)
            steps_back = [step.changes for step in (bench, *reversed(bench.past))]
            undo = bool(bench.past) and self._shelf.any_made(bench.photo, steps_back)
            steps = self._steps(bench, opened)
            if bench.changes and not bench.faces:
                shown = compare_value(_untouched(opened, bench), PICK_A_FACE, kind="refused")
            elif not bench.changes:
                shown = compare_value(_untouched(opened, bench), PICK_ONE)
            else:
                result = self._shelf.result(bench.photo, bench.changes)
                insist = result.unchanged and self._shelf.can_insist(bench)
                more = bench.current is not None and not result.unchanged
                made = self._shelf.any_made(bench.photo, [bench.changes])
                return self._shown(bench, opened, result), *buttons(insist, more, undo, made), steps, strength
        except FileGone as error:
            gr.Warning(str(error))
            return compare_value(None, str(error), kind="refused", same=True), *[gr.skip()] * 6
        except DiatError as error:
            gr.Warning(str(error))
            shown = compare_value(None, str(error), kind="refused")
        return shown, *buttons(undo=undo), steps, strength

    def save(self, bench: Bench, kind: str) -> Any:
        """The result as a file of the photograph's own size."""
        if bench.photo is None or not bench.changes:
            gr.Info(NO_PHOTO)
            return gr.skip()
        try:
            data, name = saved_file(self._shelf, bench, kind)
        except DiatError as error:
            gr.Warning(str(error))
            return gr.skip()
        path = cache_file(name)
        path.write_bytes(data)
        gr.Info(f"Saved as {name}.", duration=SAID_SECONDS)
        return known_file(path)

    # What is shown.

    def _check(self, photo: str, consent: bool) -> None:
        if not consent and photo not in self._free:
            self._shelf.opened(photo)  # what cannot be used is said first
            raise DiatError(CONSENT_FIRST)

    def _faces(self, bench: Bench, opened: Opened) -> Value:
        if len(opened.faces) < 2:
            return choice_value(WHOM, [])
        choices = [
            face_choice(str(index), f"Face {index + 1}", opened.photo.pixels, face)
            for index, face in enumerate(opened.faces)
        ]
        return choice_value(WHOM, choices, [str(index) for index in bench.faces], several=True)

    def _first_seen(self, opened: Opened, index: int) -> str:
        """The default change, or the first one of which anything would be seen on this face."""
        default = self._editors.default
        for name in sorted(self._editors.attributes, key=lambda name: name != default):
            if tried(self._editors.get(name), opened.photo.pixels, opened.faces[index])[1]:
                return name
        return default

    def _shown(self, bench: Bench, opened: Opened, result: EditResult) -> Value:
        close = close_ups(result, opened.photo.pixels)
        earlier = [change.attribute for change in self._shelf.made(str(bench.photo), bench.kept)]
        whole = reduced(opened.photo.pixels), reduced(result.photo)
        pictures = before_and_after(close, whole, result.maker, unchanged=result.unchanged and not earlier)
        sentence = result_sentences(result, earlier)
        sentence = f"{sentence} {PICKED_FOR_YOU}".strip() if bench.unasked else sentence
        lines = [PICK_NEXT] if bench.current is None else [sentence, *result.notices]
        height, width = result.photo.shape[:2]
        seconds = sum(result.milliseconds.values()) / 1000
        details = f"{width} × {height} pixels, changed in {seconds:.2f} s: " + ", ".join(
            f"{stage} {value:.0f} ms" for stage, value in result.milliseconds.items()
        )
        return compare_value(pictures, "\n".join(filter(None, lines)), details)

    def _steps(self, bench: Bench, opened: Opened) -> Value:
        """The changes that are on the photograph; nothing before one is kept."""
        if not bench.kept:
            return steps_value([])
        several = len(opened.faces) > 1
        return steps_value(action_of(change.attribute) + _whose(change) * several for change in bench.changes)


def _strength(bench: Bench) -> float:
    """The strength of the current change."""
    return 1.0 if bench.current is None else bench.current.strength


def buttons(insist: bool = False, more: bool = False, undo: bool = False, made: bool = False) -> tuple[Update, ...]:
    """To apply a change anyway, and to keep it: one in the place of the other, so that nothing jumps; undo, download.

    Args:
        insist: something comes of applying the change anyway.
        more: there is a change to keep.
        undo: something was changed, now or in a step before.
        made: something is changed, so that there is something to save.
    """
    return (
        gr.update(visible=insist),
        gr.update(visible=not insist, interactive=more),
        gr.update(interactive=undo),
        gr.update(interactive=made),
    )


def _whose(change: Change) -> str:
    return f" ({numbered('face', 'faces', [index + 1 for index in change.faces])})"


def _untouched(opened: Opened, bench: Bench) -> dict[str, Any]:
    pixels = opened.photo.pixels
    face = opened.faces[bench.faces[0] if bench.faces else opened.largest]
    close = enlarged(cut_out(pixels, surroundings(face, pixels.shape)))
    return {
        "face": {"before": picture_file(close), "after": None},
        "whole": {"before": picture_file(reduced(pixels)), "after": None},
    }

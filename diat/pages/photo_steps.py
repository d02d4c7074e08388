"""What the photograph's tab does: faces and changes as pictures, changes made, stacked, undone and saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from diat.errors import DiatError
from diat.faces import MAX_FACES, face_fault
from diat.pages.bench import Bench, Opened, PhotoShelf
from diat.pages.editors import EditorPool
from diat.pages.effects import effects_of, effects_to_come
from diat.pages.first_sight import Example, first_sight
from diat.pages.parts import (
    CONSENT_FIRST,
    action_of,
    cache_file,
    similarity_sentence,
)
from diat.pages.pictures import (
    before_and_after,
    close_ups,
    enlarged,
    known_file,
    picture_file,
    portrait,
    reduced,
    surroundings,
    tried,
)
from diat.pages.pictures import cut as cut_out
from diat.pages.saving import saved_file
from diat.pages.widgets import Choice, Value, choice_value, chosen_of, compare_value
from diat.results import EditResult

FACES_TITLE = "Whom to change"
PICK_ONE = "Pick a change below."
PICK_NEXT = "Pick a change below: it is made on top of this."
PICK_A_FACE = "Pick at least one face."
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

        Gives the bench, the faces, the effects to come, and before and after.
        """
        if photo is None:
            yield Bench(), choice_value(FACES_TITLE, []), effects_to_come(self._editors), first_sight()
            return
        nothing = Bench(), choice_value(FACES_TITLE, []), effects_to_come(self._editors)
        try:
            self._check(photo, consent)
            opened = self._shelf.opened(photo)
            usable = opened.usable
            if not usable:
                self._editors.get(self._editors.default).edit(opened.photo, found=opened.faces)  # says why
        except DiatError as error:
            gr.Warning(str(error))
            kind = "consent" if str(error) == CONSENT_FIRST else "refused"
            yield *nothing, compare_value(None, str(error), kind=kind)
            return
        bench = Bench(photo, (usable[0],), identity=identity or None)
        faces = self._faces(bench, opened)
        untouched = _untouched(opened, bench)
        shown = compare_value(untouched, "Changing the face …", from_start=True)
        yield bench, faces, effects_to_come(self._editors), shown
        bench = bench.picked(wanted if wanted in self._editors.attributes else self._first_seen(opened, usable[0]))
        yield bench, gr.skip(), gr.skip(), gr.skip()

    def pick(self, bench: Bench, event: gr.EventData) -> tuple[Any, ...]:
        """Another change. Gives the bench and the strength, which starts anew."""
        chosen = chosen_of(event, self._editors.attributes)
        if bench.photo is None:
            gr.Info(NO_PHOTO)
        if bench.photo is None or not chosen:
            return gr.skip(), gr.skip()
        return bench.picked(chosen[0]), 1.0

    def choose(self, bench: Bench, event: gr.EventData) -> Bench:
        """Other faces."""
        names = chosen_of(event, [str(index) for index in range(MAX_FACES)])
        return bench.chosen([int(name) for name in names])

    def adjust(self, bench: Bench, strength: float) -> Bench:
        """Another strength."""
        return bench.adjusted(strength=strength)

    def limit(self, bench: Bench, identity: float) -> Bench:
        """Another similarity to keep."""
        return bench.limited(identity)

    def insist(self, bench: Bench) -> Bench:
        """The change is made although nothing seems to need it."""
        return bench.adjusted(apply_anyway=True)

    def keep(self, bench: Bench) -> Bench:
        """The next change goes on top."""
        return bench.kept_on()

    def undo(self, bench: Bench) -> tuple[Any, ...]:
        """The last change goes. Gives the bench, the faces and the strength."""
        bench = bench.undone()
        if bench.photo is None:
            return bench, gr.skip(), gr.skip()
        faces = self._faces(bench, self._shelf.opened(bench.photo))
        return bench, faces, gr.skip() if bench.current is None else bench.current.strength

    def effects(self, bench: Bench) -> Any:
        """Every change of the first chosen face, on top of what is kept, as pictures."""
        if bench.photo is None:
            return gr.skip()
        try:
            base = self._shelf.base(bench.photo, bench.kept)
        except DiatError:
            return gr.skip()  # it is said where the changes are made
        face = base.faces[bench.faces[0] if bench.faces else base.usable[0]]
        chosen = [] if bench.current is None else [bench.current.attribute]
        return effects_of(self._editors, base.photo.pixels, face, chosen)

    def render(self, bench: Bench) -> tuple[Any, ...]:
        """Make the changes.

        Gives before and after, the buttons that go with them (apply anyway, add another, undo, download), and a list
        of the changes.
        """
        off = gr.update(interactive=False)
        if bench.photo is None:
            return gr.skip(), gr.update(visible=False), off, off, off, ""
        try:
            opened = self._shelf.opened(bench.photo)
            if bench.changes and not bench.faces:
                shown = compare_value(_untouched(opened, bench), PICK_A_FACE, kind="refused")
            elif not bench.changes:
                shown = compare_value(_untouched(opened, bench), PICK_ONE)
            else:
                result = self._shelf.result(bench.photo, bench.changes)
                return self._shown(bench, opened, result), *self._buttons(bench, result), self._history(bench)
        except DiatError as error:
            gr.Warning(str(error))
            shown = compare_value(None, str(error), kind="refused")
        undo = gr.update(interactive=bool(bench.changes))
        return shown, gr.update(visible=False), off, undo, off, self._history(bench)

    def save(self, bench: Bench, kind: str) -> Any:
        """The result as a file of the photograph's own size."""
        if bench.photo is None or not bench.changes:
            gr.Info(NO_PHOTO)
            return gr.skip()
        try:
            result = self._shelf.result(bench.photo, bench.changes)
            data, name = saved_file(result, self._shelf.opened(bench.photo), bench, kind)
        except DiatError as error:
            gr.Warning(str(error))
            return gr.skip()
        path = cache_file(name)
        path.write_bytes(data)
        return known_file(path)

    # What is shown.

    def _check(self, photo: str, consent: bool) -> None:
        if not consent and photo not in self._free:
            self._shelf.opened(photo)  # what cannot be used is said first
            raise DiatError(CONSENT_FIRST)

    def _faces(self, bench: Bench, opened: Opened) -> Value:
        if len(opened.faces) < 2:
            return choice_value(FACES_TITLE, [])
        faults = [face_fault(face) for face in opened.faces]
        choices = [
            Choice(
                str(index), f"Face {index + 1}", picture_file(portrait(opened.photo.pixels, face)),
                note="cannot be changed" if fault else "", disabled=fault is not None, why=fault or "",
            )
            for index, (face, fault) in enumerate(zip(opened.faces, faults, strict=True))
        ]  # fmt: skip
        return choice_value(FACES_TITLE, choices, [str(index) for index in bench.faces], several=True)

    def _first_seen(self, opened: Opened, index: int) -> str:
        """The default change, or the first one of which anything would be seen on this face."""
        default = self._editors.default
        for name in sorted(self._editors.attributes, key=lambda name: name != default):
            if tried(self._editors.get(name), opened.photo.pixels, opened.faces[index])[1]:
                return name
        return default

    def _shown(self, bench: Bench, opened: Opened, result: EditResult) -> Value:
        mark = (result.attribute, result.strength) if result.photo is not opened.photo.pixels else None
        close = close_ups(result, opened.photo.pixels)
        pictures = before_and_after(close, (reduced(opened.photo.pixels), reduced(result.photo)), mark)
        lines = [PICK_NEXT] if bench.current is None else [similarity_sentence(result), *result.notices]
        height, width = result.photo.shape[:2]
        seconds = sum(result.milliseconds.values()) / 1000
        details = f"{width}x{height} pixels, {seconds:.2f} s: " + ", ".join(
            f"{stage} {value:.0f} ms" for stage, value in result.milliseconds.items()
        )
        return compare_value(pictures, "\n".join(filter(None, lines)), details)

    def _buttons(self, bench: Bench, result: EditResult) -> tuple[Update, ...]:
        changed = (result.photo != result.original).any()
        insist = not changed and bench.current is not None and not bench.current.apply_anyway
        more = bool(changed) and bench.current is not None
        on = gr.update(interactive=True)
        return gr.update(visible=bool(insist)), gr.update(interactive=more), on, on

    def _history(self, bench: Bench) -> str:
        if len(bench.changes) < 2 and not bench.kept:
            return ""
        return (
            "Changes so far: " + ", then ".join(action_of(change.attribute).lower() for change in bench.changes) + "."
        )


def _untouched(opened: Opened, bench: Bench) -> dict[str, Any]:
    pixels = opened.photo.pixels
    face = opened.faces[bench.faces[0] if bench.faces else opened.usable[0]]
    close = enlarged(cut_out(pixels, surroundings(face, pixels.shape)))
    return {
        "face": {"before": picture_file(close), "after": None},
        "whole": {"before": picture_file(reduced(pixels)), "after": None},
    }

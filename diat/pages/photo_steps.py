"""What the photograph's tab does: a photograph begun, changes made, stacked, undone and saved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from diat.errors import DiatError
from diat.faces import MAX_FACES
from diat.pages.bench import Bench
from diat.pages.editors import EditorPool
from diat.pages.effects import ADD, NEEDLESS, TITLE, effects_of, effects_to_come
from diat.pages.first_sight import Example, first_sight
from diat.pages.parts import CONSENT_FIRST, WHOM, FileGone, cache_file
from diat.pages.photo_shown import PICK_A_FACE, PICK_ONE, buttons, faces_of, shown_of, steps_of, untouched
from diat.pages.saving import SAID_SECONDS, handed_over, saved_file
from diat.pages.shelf import Opened, PhotoShelf
from diat.pages.widgets import Value, choice_value, chosen_of, chosen_value, compare_value, steps_value

PHOTO_BACK = "Your photo from before is back."
UNDO_BRINGS = "Undo brings your photo from before back."
NO_PHOTO = "Choose a photo first, or click an example."


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

    def start(
        self, photo: str | None, consent: bool, wanted: str, identity: float, bench: Bench, taken_out: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        """Another photograph, or none: its faces, and the change that is wanted or the first that would be seen.

        Undo brings the one before back, unless the visitor has taken it out.

        Gives the bench, the faces, the effects to come, before and after, the strength, and for `begin` that change.
        """
        nothing = choice_value(WHOM, []), effects_to_come(self._editors)
        if photo is None:
            yield Bench() if taken_out else bench.replaced(None), *nothing, first_sight(), _strength(Bench()), ""
            return
        try:
            self._check(photo, consent)
            opened = self._shelf.opened(photo)
            if not opened.usable:
                self._editors.get(self._editors.default).edit(opened.photo, found=opened.faces)  # says why
        except DiatError as error:
            gr.Warning(str(error))
            kind = "consent" if str(error) == CONSENT_FIRST else "refused"
            bench = bench.replaced(None)
            said = f"{error}\n{UNDO_BRINGS}" if bench.past and kind == "refused" else str(error)
            yield bench, *nothing, compare_value(None, said, kind=kind), _strength(Bench()), ""
            return
        bench = bench.replaced(photo, [opened.largest], identity or None)
        shown = compare_value(untouched(opened, bench), "Changing the face …", from_start=True)
        yield bench, faces_of(bench, opened), effects_to_come(self._editors), shown, _strength(bench), ""
        name = wanted if wanted in self._editors.attributes else self._first_seen(photo, opened)
        yield *(gr.skip(),) * 5, name

    def begin(self, bench: Bench, name: str, wanted: str) -> tuple[Any, ...]:
        """The first change, if nobody has picked one meanwhile. Gives the bench, the strength and what is picked."""
        if not name or bench.photo is None or bench.current is not None:
            return (gr.skip(),) * 3
        bench = bench.begun(name, unasked=name != wanted)
        return bench, _strength(bench), _picked(bench)

    def agree(
        self, photo: str | None, consent: bool, wanted: str, identity: float, bench: Bench
    ) -> Iterator[tuple[Any, ...]]:
        """The page's box was ticked, or is no longer: as `start`, but what is being worked on and may be goes on."""
        if photo is None and consent:
            yield (gr.skip(),) * 6  # a photograph that comes at the same moment keeps what it shows
        elif photo is not None and photo == bench.photo and (consent or photo in self._free):
            yield *(gr.skip(),) * 5, ""
        else:
            yield from self.start(photo, consent, wanted, identity, bench if consent else Bench())

    def pick(self, bench: Bench, event: gr.EventData) -> tuple[Any, ...]:
        """Another change, or none. Gives the bench, the strength, which starts anew, and what is picked.

        Pictures that were begun before and come later do not say again what was picked then.
        """
        chosen = chosen_of(event, self._editors.attributes)
        none = getattr(event, "chosen", None) == []
        if bench.photo is None or not (chosen or none):
            return gr.skip(), gr.skip(), _picked(bench)
        bench = bench.unpicked() if none else bench.picked(chosen[0])
        return bench, _strength(bench), _picked(bench)

    def ask_for_photo(self, bench: Bench) -> None:
        """A change was picked, of nothing yet. What is said comes by the queue, for which `pick` does not wait."""
        if bench.photo is None:
            gr.Info(NO_PHOTO)

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

    def keep(self, bench: Bench) -> tuple[Bench, float, Value]:
        """The next change goes on top. Gives the bench, the strength and what is picked: nothing yet."""
        bench = bench.kept_on()
        return bench, _strength(bench), _picked(bench)

    def take_away(self, bench: Bench, event: gr.EventData) -> tuple[Bench, float, Value]:
        """One of the changes goes. Gives the bench, the strength and what is picked."""
        for number in chosen_of(event, [str(number) for number in range(len(bench.changes))]):
            bench = bench.without(int(number))
        return bench, _strength(bench), _picked(bench)

    def undo(self, bench: Bench, consent: bool) -> tuple[Any, ...]:
        """One step back.

        Gives the bench, the photograph, the faces, the strength, the similarity to keep and what is picked.
        """
        now, bench = bench, bench.undone()
        photo, faces = gr.skip(), gr.skip()
        try:
            if bench.photo is not None:
                self._check(bench.photo, consent)
                faces = faces_of(bench, self._shelf.opened(bench.photo))
        except DiatError as error:  # another photograph, which is gone or may not be shown any more
            if bench.photo != now.photo:
                gr.Warning(str(error))
                return (gr.skip(),) * 6
        if bench.photo != now.photo:
            photo = bench.photo
            gr.Info(PHOTO_BACK, duration=SAID_SECONDS)
        return bench, photo, faces, _strength(bench), bench.identity or 0, _picked(bench)

    def effects(self, bench: Bench) -> Any:
        """Every change of the first chosen face, on top of what is kept, as pictures."""
        if (photo := bench.photo) is None:
            return gr.skip()
        begun = time.monotonic()
        current, anyway = bench.current, ""
        if current is not None and current.apply_anyway:
            anyway = current.attribute
        try:
            face = bench.faces[0] if bench.faces else self._shelf.base(photo, bench.kept).largest
            whose = f"face {face + 1}" if len(bench.faces) > 1 else ""
            shown = effects_of(
                self._editors,
                lambda name: self._shelf.tried(photo, bench.kept, face, name, name == anyway),
                [] if current is None else [current.attribute],
                ADD if bench.kept else TITLE,
                whose,
                f"no change on {whose}" if whose else NEEDLESS,
            )
        except DiatError:
            return gr.skip()  # it is said where the changes are made
        return {**shown, "stamp": begun}  # what was chosen later is shown, whichever is ready last

    def render(self, bench: Bench) -> tuple[Any, ...]:
        """Make the changes.

        Gives before and after, the buttons that go with them (apply anyway, keep, undo, download), the changes, and
        whether the strength can be moved.
        """
        # There is nothing to make stronger before a change is picked.
        strength = gr.update(interactive=bench.current is not None)
        if bench.photo is None:
            return gr.skip(), *buttons(undo=bool(bench.past)), steps_value({}), strength
        steps, undo = gr.skip(), False
        try:
            opened = self._shelf.opened(bench.photo)
            undo = self._shelf.can_undo(bench)
            steps = steps_of(bench, opened, self._shelf)
            if bench.changes and not bench.faces:
                shown = compare_value(untouched(opened, bench), PICK_A_FACE, kind="refused")
            elif not bench.changes:
                shown = compare_value(untouched(opened, bench), PICK_ONE)
            else:
                result = self._shelf.result(bench.photo, bench.changes)
                insist = result.unchanged and self._shelf.can_insist(bench)
                more = bench.current is not None and not result.unchanged
                made = self._shelf.any_made(bench)
                shown = shown_of(bench, opened, result, self._shelf, insist)
                return shown, *buttons(insist, more, undo, made), steps, strength
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
        return handed_over(str(path))

    def _check(self, photo: str, consent: bool) -> None:
        if not consent and photo not in self._free:
            self._shelf.opened(photo)  # what cannot be used is said first
            raise DiatError(CONSENT_FIRST)

    def _first_seen(self, photo: str, opened: Opened) -> str:
        """The default change, or the first one of which anything would be seen on the largest face."""
        default = self._editors.default
        for name in sorted(self._editors.attributes, key=lambda name: name != default):
            if self._shelf.tried(photo, (), opened.largest, name)[1]:
                return name
        return default


def _strength(bench: Bench) -> float:
    """The strength of the current change."""
    return 1.0 if bench.current is None else bench.current.strength


def _picked(bench: Bench) -> Value:
    """The current change among the pictures, at once: until they are made anew, clicks on it may mean another thing."""
    return chosen_value([] if bench.current is None else [bench.current.attribute])

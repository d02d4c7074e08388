"""What the page of a video does: people and changes as pictures, a preview of a moment, and the film itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from diat.attributes import AttributeSpec
from diat.errors import DiatError, InvalidArgument
from diat.faces import MAX_FACES, SAME_PERSON, DetectedFaces, Face, face_fault, usable_faces
from diat.pages.editors import EditorPool
from diat.pages.effects import effects_of, effects_to_come, trial_on
from diat.pages.films import film_faces, frames_from, length_of, seconds_of
from diat.pages.parts import (
    ANYWAY,
    CONSENT_FIRST,
    Stops,
    available,
    cache_file,
    cautions,
    likeness_details,
    of_people,
    refusal,
    result_sentences,
)
from diat.pages.people import face_choice
from diat.pages.pictures import (
    THUMBNAIL_SIDE,
    around,
    before_and_after,
    close_ups,
    cut,
    from_left,
    picture_file,
    portrait,
    reduced,
)
from diat.pages.widgets import Choice, Value, choice_value, chosen_of, compare_value
from diat.pixels import U8
from diat.results import result_name
from diat.video.film import edit_video
from diat.video.report import Progress, VideoReport

MAX_SECONDS = 60.0  # of film: minutes of work
LAST_FRAME = 0.1  # seconds before a film's end in which its last picture begins, at ten a second or more
CHOOSE_FILM = "Choose a video. Any moment of it can be previewed here."
LAST_RESULT = "This is still the result from before."
ENDS_FIRST = '"To second" must be later than "From second".'
PREVIEW = "Preview any moment here before the whole video is changed."
PICK_AGAIN = "The video begins elsewhere now: pick the person again."
WHOM_IN_FILM = "Whom to change"
TICK_ANYWAY = f'Tick "{ANYWAY}" to change them, too.'
NEEDLESS_AT_FIRST = "nothing to change at the start"  # later in a film there may be
MAX_SEARCHED = 50  # frames in which people are looked for


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
        start: float,
        end: float,
        beside: bool,
        apply_anyway: bool,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio asks for it
    ) -> tuple[Any, str]:
        """Change one attribute in a video, or in a part of one.

        Args:
            film: MP4, MOV or WebM file; at most a minute of it is taken.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            faces: "largest", "all" or "person".
            number: with "person", which one of the first frame, largest first from 1.
            consent: that you are in the video, or that the people in it agreed; nothing happens without it.
            start: second at which the part begins.
            end: second at which it is over, 0 for the video's end.
            beside: show the original at the left of the result.
            apply_anyway: also change faces that have the attribute already.

        Returns the result as an MP4 file and a sentence.
        """
        if film is None:
            raise refusal("Choose a video.")
        if not consent:
            raise refusal(CONSENT_FIRST)
        if end and end <= (start or 0):
            raise refusal(ENDS_FIRST)

        def show(now: Progress) -> bool:
            of = f" of {now.total}" if now.total else ""
            left = f", {now.seconds_left:.0f} s left" if now.seconds_left is not None else ""
            progress((now.done, now.total or None), desc=f"{now.done}{of} frames{left}", unit="frames")
            return not stop.is_set()

        try:
            with self._stops.of(str(request.session_hash)) as stop:
                chosen, editor = film_faces(faces, number), self._editors.get(attribute)
                path = cache_file(result_name(available(film), [attribute], ".mp4"))
                report = edit_video(
                    film, path, editor, chosen, strength, show, MAX_SECONDS, apply_anyway,
                    start=start or 0.0, end=end if end and end < length_of(film) else None, before_after=beside,
                )  # fmt: skip
        except DiatError as error:
            raise refusal(error) from None
        return str(path), "  \n".join([video_sentence(report, editor.spec, apply_anyway), *editor.model.notices])

    def chosen(self, film: str | None) -> Value:
        """Another film, or none: what was previewed of the last one goes."""
        return compare_value(None, CHOOSE_FILM if film is None else PREVIEW)

    def anew(self, film: str | None) -> tuple[Any, ...]:
        """Of another film the result, its download and what was said of it go; of none they stay."""
        if film is None:
            return (gr.skip(),) * 3
        gone = gr.update(visible=False)
        return gone, gone, ""

    def part(self, film: str | None, start: float) -> tuple[Any, Any]:
        """Another film: all of it is taken, unless it begins later. Gives the seconds from which and to which."""
        length = length_of(film)
        start = start if start and start < length else 0
        given = film is not None
        return gr.update(value=start, interactive=given), gr.update(value=length, interactive=given)

    def moments(self, film: str | None, start: float, end: float, moment: float) -> Any:
        """The moments of which one can be previewed: those of the part that is taken, or of the film."""
        length = length_of(film)
        last = max(0.0, length - LAST_FRAME)
        first = min(start or 0.0, last)
        last = last if not end or end <= first else min(last, end)
        if last <= first:  # no film, or one picture
            return gr.update(minimum=0, maximum=MAX_SECONDS, value=0, interactive=False)
        first, last = round(first, 1), round(last, 1)
        return gr.update(minimum=first, maximum=last, value=min(max(moment, first), last), interactive=True)

    def begun_elsewhere(self, film: str | None, faces: str) -> Any:
        """Another film, or another second to begin at: who was picked may have another number there."""
        if film is None or faces != "person":
            return gr.skip()
        gr.Info(PICK_AGAIN)
        return "largest"

    def people(self, film: str | None, start: float, faces: str, number: float) -> Value:
        """Whom to change, as pictures to click: the people in the first frame that shows any, and all of them."""
        if film is None:
            return choice_value(WHOM_IN_FILM, [])
        try:
            picture, found = self._first_seen(film, start)
        except DiatError as error:
            gr.Warning(str(error))
            return choice_value(WHOM_IN_FILM, [])
        whole = picture_file(reduced(cut(picture, around(found, picture.shape)), THUMBNAIL_SIDE))
        usable = usable_faces(found)
        largest, usable = (picture, usable) if usable else self._first_usable(film, start)
        shown = picture_file(portrait(largest, usable[0])) if usable else whole
        choices = [Choice("largest", "Largest person", shown, "at each moment"), Choice("all", "Everyone", whole)]
        if len(found) > 1 or face_fault(found[0]) is not None:  # else the only person is the largest
            choices += [
                face_choice(str(found.index(face) + 1), f"Person {place}", picture, face)
                for place, face in enumerate(from_left(found), start=1)
            ]
        return choice_value(WHOM_IN_FILM, choices, [str(int(number)) if faces == "person" else faces])

    def person(self, event: gr.EventData) -> tuple[Any, Any]:
        """One of the pictures was clicked: whom to change, and the number of the person."""
        for chosen in chosen_of(event, ["largest", "all", *(str(number + 1) for number in range(MAX_FACES))]):
            return ("person", int(chosen)) if chosen.isdigit() else (chosen, gr.skip())
        return gr.skip(), gr.skip()

    def effects(self, film: str | None, start: float, faces: str, number: float, consent: bool) -> Value:
        """Every change of the person who is picked, or of the largest who can be changed."""
        nothing = effects_to_come(self._editors, None)
        if not consent or film is None:
            return nothing
        try:
            picture, found = (self._first_seen if faces == "person" else self._first_usable)(film, start)
        except DiatError:
            return nothing  # `people` says why
        picked = found[int(number) - 1 : int(number)] if faces == "person" else found
        whose = "the largest person" if len(picked) > 1 else ""
        for face in usable_faces(picked):
            trial = trial_on(self._editors, picture, face)
            return effects_of(self._editors, trial, None, whose=whose, needless=NEEDLESS_AT_FIRST, of=film)
        return nothing

    def _first_seen(self, film: str, start: float) -> tuple[U8, list[Face]]:
        """The first frame that shows a face, and its faces, largest first.

        Raises:
            DiatError: no face is seen, or it is no film.
        """
        for picture, found in self._with_faces(film, start):
            return picture, found
        raise DiatError("No face is seen where the video begins. Start later, or choose another.")

    def _first_usable(self, film: str, start: float) -> tuple[U8, list[Face]]:
        """The first frame that shows a face that can be changed, and those; none where there is none soon."""
        for picture, found in self._with_faces(film, start):
            if usable := usable_faces(found):
                return picture, usable
        return np.zeros((1, 1, 3), np.uint8), []

    def _with_faces(self, film: str, start: float) -> Iterator[tuple[U8, list[Face]]]:
        """The frames from where the part begins that show any face, and their faces, largest first."""
        for picture in frames_from(Path(available(film)), start or 0.0, MAX_SEARCHED):
            if found := self._editors.detector.detect(picture):
                yield picture, list(found)

    def preview(
        self, film: str | None, attribute: str, strength: float, faces: str, number: float, start: float, moment: float,
        consent: bool, apply_anyway: bool,
    ) -> Value:  # fmt: skip
        """One moment of the film, before and after."""
        try:
            if film is None:
                raise DiatError("Choose a video.")
            if not consent:
                raise DiatError(CONSENT_FIRST)
            chosen, path = film_faces(faces, number), Path(available(film))
            length = seconds_of(path)
            picture = next(frames_from(path, moment, 1), None)
            if picture is None:
                raise DiatError("There is no picture at this moment. Choose another.")
            found = DetectedFaces(from_left(self._editors.detector.detect(picture)))
            if isinstance(chosen, int):
                chosen = self._again(film, start, chosen, picture, found)
            elif chosen == "largest" and (usable := usable_faces(found)):
                chosen = found.index(max(usable, key=lambda face: face.area))
            edit = partial(self._editors.get(attribute).edit, picture, chosen, strength, found=found)
            result = edit(apply_anyway=apply_anyway)
            more = result.unchanged and not apply_anyway and not edit(apply_anyway=True).unchanged
        except DiatError as error:
            gr.Warning(str(error))
            return compare_value(None, str(error), kind="refused")
        whole = result.original, result.photo
        pictures = before_and_after(close_ups(result, near=True), whole, result.maker, unchanged=result.unchanged)
        said = [result_sentences(result), *cautions(result), *result.notices, TICK_ANYWAY * more]
        lines = filter(None, [*said, f"At {moment:.1f} of {length:.1f} seconds."])
        return compare_value(pictures, of_people("\n".join(lines)), likeness_details(result), from_start=True)

    def _again(self, film: str, start: float, number: int, picture: U8, found: list[Face]) -> int:
        """Index of the person with a number, from 0, among the faces of a moment.

        Raises:
            DiatError: the person is not seen there.
        """
        detector = self._editors.detector
        first, people = self._first_seen(film, start)
        if number >= len(people):
            raise InvalidArgument(f"There is no person {number + 1}: {len(people)} are seen at first.")
        person = detector.embed(first, people[number].points5)
        alike = [float(detector.embed(picture, face.points5) @ person) for face in found]
        if max(alike, default=-1.0) < SAME_PERSON:
            raise DiatError("This person is not seen at this moment. Choose another.")
        return int(np.argmax(alike))


def video_sentence(report: VideoReport, spec: AttributeSpec, apply_anyway: bool) -> str:
    """What the user reads when a video is done."""
    others = report.frames - report.changed - report.left
    said = [
        f"Done: {report.changed} of {report.frames} frames changed in {report.seconds:.0f} s.",
        report.sentence_of_left(spec, apply_anyway),
        TICK_ANYWAY * report.would_change,
        "In the others, no face could be changed." * (others > 0),
        f"{report.damaged} damaged frames were left out." * bool(report.damaged),
    ]
    return " ".join(filter(None, said))

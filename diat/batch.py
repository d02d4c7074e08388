"""Photographs on their way through the editor's stages, several of them as one batch of the network."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from diat.errors import DiatError, InvalidArgument, PhotoRejected
from diat.faces import Face, FaceChoice, choose_faces
from diat.identity import Person, allowed_strength
from diat.methods import AlignedFace
from diat.native.stage import faded
from diat.photo import Photo, PhotoSource, open_photo
from diat.pixels import U8
from diat.results import UNCHANGED, EditedFace, EditResult, needless_notices, weakened_notices

if TYPE_CHECKING:
    from diat.editor import FaceEditor

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Job:
    """One photograph on its way."""

    photo: Photo
    first: U8  # what it was before earlier changes, to which similarities are
    faces: tuple[Face, ...] = ()
    chosen: list[int] = field(default_factory=list)  # indices into faces
    aligned: list[AlignedFace] = field(default_factory=list)  # of the chosen ones
    notices: list[str] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage takes."""
        start = time.perf_counter()
        yield
        self.milliseconds[stage] = 1000 * (time.perf_counter() - start)


class PhotoBatch:
    """One edit for all photographs; see `diat.editor.FaceEditor.edit` for the arguments."""

    def __init__(
        self, editor: FaceEditor, faces: FaceChoice, strength: float, apply_anyway: bool, identity: float | None
    ) -> None:
        self._editor, self._faces, self._strength = editor, faces, strength
        self._apply_anyway, self._identity = apply_anyway, identity

    def edit(self, photo: Any, found: Sequence[Face] | None = None, original: U8 | None = None) -> EditResult:
        """The result of one photograph; see `edit_all`."""
        result: EditResult = self.edit_all([photo], found, several=False, original=original)[0]
        return result

    def edit_all(
        self,
        photos: Iterable[Any],
        found: Sequence[Face] | None = None,
        skip: bool = False,
        several: bool = True,
        original: U8 | None = None,
    ) -> list[Any]:
        """The results in the order of the photographs, None for one that was skipped.

        Args:
            photos: what `diat.photo.open_photo` takes, or photographs that it gave.
            found: the faces of each, to save the detection.
            skip: log why a photograph cannot be used and go on, instead of raising it.
            several: say which photograph it is that cannot be used, counted from 1.
            original: what similarities are to; None for each photograph itself.

        Raises:
            PhotoRejected: a photograph cannot be used, and ``skip`` is not set.
            InvalidArgument: the choice of faces is out of range, or ``original`` is of another size.
        """
        jobs: list[_Job | None] = []
        for number, source in enumerate(photos, start=1):
            try:
                jobs.append(self._prepared(source, found, original))
            except DiatError as error:
                logger.info("refused attribute=%s reason=%s", self._editor.spec.name, error)
                if not isinstance(error, PhotoRejected):
                    raise
                if not skip:
                    raise PhotoRejected(f"Photograph {number}: {error}" if several else str(error)) from error
                logger.warning("Photograph %d was skipped. %s", number, error)
                jobs.append(None)
        aligned = [face for job in jobs if job is not None for face in job.aligned]
        start = time.perf_counter()
        changes = iter(self._editor.changes(aligned, self._strength))
        each = 1000 * (time.perf_counter() - start) / max(len(aligned), 1)
        results: list[EditResult | None] = []
        for job in jobs:
            if job is not None:
                job.milliseconds["network"] = each * len(job.aligned)
                results.append(self._finished(job, [next(changes) for _ in job.aligned]))
            else:
                results.append(None)
        return results

    def _prepared(self, source: PhotoSource | Photo, found: Sequence[Face] | None, original: U8 | None) -> _Job:
        start = time.perf_counter()
        photo = source if isinstance(source, Photo) else open_photo(source)
        first = photo.pixels if original is None else original
        if first.shape != photo.pixels.shape:
            raise InvalidArgument(
                f"original must have the photograph's shape {photo.pixels.shape}, not {first.shape}: "
                "give it as it was at first."
            )
        job = _Job(photo, first, milliseconds={"decode": 1000 * (time.perf_counter() - start)})
        with job.timed("detect"):
            faces = self._editor.detector.detect(photo.pixels) if found is None else found
        job.faces = tuple(faces)
        job.notices.extend((*self._editor.model.notices, *photo.notices))
        with job.timed("align"):
            for index in choose_faces(faces, self._faces, job.notices):
                job.chosen.append(index)
                job.aligned.append(self._editor.aligned(photo.pixels, job.faces[index]))
        return job

    def _finished(self, job: _Job, changes: list[Any]) -> EditResult:
        original, method = job.photo.pixels, self._editor.method
        needed = [method.needed(change) for change in changes]
        spec, needless = self._editor.spec, []
        with job.timed("paste"):
            result, made = original, []
            for index, face, probability, change in zip(job.chosen, job.aligned, needed, changes, strict=True):
                before, (result, *of_face) = result, self._changed(result, job.first, face, change)
                made.append(of_face)
                # Where it was to be made anyway, with a strength of 0 it was the strength that left the face.
                if result is before and faded(probability, spec.fade) == 0 and (of_face[1] or not self._apply_anyway):
                    needless.append(index)
            edited = []
            for index, face, probability, (change, strength) in zip(job.chosen, job.aligned, needed, made, strict=True):
                pair = method.before_after((original, result), face, change, strength)
                if index in needless:  # what is seen of a change then is another's, who stands close by
                    pair = pair[0], pair[0]
                measure = Person(self._editor.detector, job.first, face.face).compared(result)
                edited.append(EditedFace(index, *pair, probability, strength, measure))
        why = needless_notices(spec, job.chosen, needless, self._apply_anyway)
        if self._identity is not None:
            why.extend(weakened_notices(edited, self._strength, self._identity))
        self._log(job)
        done = EditResult(
            photo=result,
            original=original,
            faces=job.faces,
            edited=tuple(edited),
            attribute=self._editor.spec.name,
            strength=max(face.strength for face in edited),
            notices=(*job.notices, *why),
            milliseconds=job.milliseconds,
            keepsake=job.photo.keepsake,
        )
        return done if why or not done.unchanged else replace(done, notices=(*done.notices, UNCHANGED))

    def _changed(self, photo: U8, first: U8, face: AlignedFace, change: Any) -> tuple[U8, Any, float]:
        """The photograph with a face changed as strongly as its identity allows, the change, and how strong it is."""
        method, tried = self._editor.method, {0.0: (photo, change)}

        def applied(strength: float) -> tuple[U8, Any]:
            if strength not in tried:
                remade = change if strength == self._strength else method.remade(face, change, strength)
                tried[strength] = method.applied(photo, face, remade, strength, self._apply_anyway), remade
            return tried[strength]

        strength = self._strength
        if self._identity is not None:
            person = Person(self._editor.detector, first, face.face)
            lost = 1 - person.compared(photo)()  # by earlier changes
            strength = allowed_strength(
                lambda of: person.compared(applied(of)[0])() + lost, strength, self._identity + lost
            )
        return *applied(strength), strength

    def _log(self, job: _Job) -> None:
        """One line for each photograph, which says nothing of whom it shows."""
        height, width = job.photo.pixels.shape[:2]
        logger.info(
            "edited attribute=%s strength=%g size=%dx%d faces=%d/%d milliseconds=%.0f",
            self._editor.spec.name, self._strength, width, height, len(job.chosen), len(job.faces),
            sum(job.milliseconds.values()),
        )  # fmt: skip

"""The inference path: a photograph in, the same photograph with one attribute changed out. No files, no web page."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np

from diat.align import paste_back, photo_to_crop_matrix, transform_points, warp_to_crop
from diat.attributes import MAX_STRENGTH, AttributeSpec, attribute_spec
from diat.detector import InsightFaceDetector
from diat.errors import DiatError, InvalidArgument, PhotoRejected
from diat.faces import Face, FaceChoice, FaceDetector, choose_faces, face_fault
from diat.hub import load_model
from diat.masks import attribute_mask
from diat.models import Model, write_model
from diat.photo import Photo, PhotoSource, is_photo, open_photo
from diat.pixels import F32, U8
from diat.results import EditedFace, EditResult
from diat.runtime.devices import Device
from diat.runtime.engine import Engine

logger = logging.getLogger(__name__)

GREY = 12  # levels between the channels of a pixel; less in all of them is no colour, only compression


@dataclass(eq=False)
class _Job:
    """One photograph on its way through the stages."""

    photo: Photo
    faces: tuple[Face, ...] = ()
    chosen: list[int] = field(default_factory=list)
    matrices: list[F32] = field(default_factory=list)
    crops: list[U8] = field(default_factory=list)
    masks: list[F32] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage takes."""
        start = time.perf_counter()
        yield
        self.milliseconds[stage] = 1000 * (time.perf_counter() - start)


class FaceEditor:
    """Changes one attribute of faces in photographs.

    Args:
        model: from `diat.hub.load_model`.
        detector: finds the faces; the embedded one by default. Editors can share one.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, or a torch device, for the network; None takes the GPU when there is
            one (`device` says which was taken).

    `edit`, `edit_frame` and the rest may be called from several threads at once, also of editors that share a
    detector; `to` may not be called meanwhile.

    Example:
        >>> editor = FaceEditor.from_pretrained("mouth_close")
        >>> result = editor.edit("portrait.jpg")
        >>> result.save("closed.png")  # marked as edited
    """

    def __init__(self, model: Model, detector: FaceDetector | None = None, device: Device | None = None) -> None:
        self.model = model
        self.spec: AttributeSpec = attribute_spec(model.config.attribute, model.config.region)
        self.detector: FaceDetector = detector or InsightFaceDetector()
        self.engine = Engine(model, device)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        token: bool | str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        subfolder: str | None = None,
        attribute: str | None = None,
        detector: FaceDetector | None = None,
        device: Device | None = None,
    ) -> FaceEditor:
        """Load embedded weights (``"mouth_close"``), a folder, or a Hub repository (``"org/diat-mouth-close"``).

        ``detector`` and ``device`` are those of `FaceEditor`, the rest those of `diat.hub.load_model`.

        Raises:
            ModelRejected: see `diat.hub.load_model`.
        """
        model = load_model(
            name,
            attribute=attribute,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
            subfolder=subfolder,
        )
        return cls(model, detector, device)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model's weights, configuration and manifest into a folder that `from_pretrained` takes.

        Raises:
            DiatError: the folder cannot be written; a model that was there before is as it was.
        """
        try:
            write_model(Path(folder), self.model.config, self.model.weights, self.model.training)
        except OSError as error:
            raise DiatError(f"{folder} cannot be written ({error.strerror}): choose another place.") from error

    def push_to_hub(
        self,
        repository: str,
        *,
        token: bool | str | None = None,
        private: bool = False,
        commit_message: str = "Update the model",
    ) -> str:
        """Send the model to a Hub repository ``"org/name"``, made if need be, and return the commit.

        Raises:
            DiatError: see `diat.upload.push_folder`.
        """
        from diat.upload import push_model

        return push_model(self.model, repository, token=token, private=private, commit_message=commit_message)

    @property
    def device(self) -> str:
        """Where the network runs, such as ``"cpu"`` or ``"cuda:0"``."""
        return self.engine.device

    def to(self, device: Device) -> Self:
        """Move the network to another device, in place, and return the editor."""
        self.engine = Engine(self.model, device)
        return self

    def __repr__(self) -> str:
        return f"FaceEditor({self.spec.name!r}, source={self.model.source!r}, device={self.device!r})"

    @overload
    def edit(  # type: ignore[overload-overlap]  # text and bytes are iterable too
        self,
        photo: PhotoSource | Photo,
        faces: FaceChoice = "largest",
        strength: float = 1.0,
        found: Sequence[Face] | None = None,
        on_error: Literal["raise"] = "raise",
    ) -> EditResult: ...

    @overload
    def edit(
        self, photo: Iterable[PhotoSource | Photo], faces: FaceChoice = "largest", strength: float = 1.0,
        found: None = None, on_error: Literal["raise"] = "raise",
    ) -> list[EditResult]: ...  # fmt: skip

    @overload
    def edit(
        self, photo: Iterable[PhotoSource | Photo], faces: FaceChoice = "largest", strength: float = 1.0,
        found: None = None, *, on_error: Literal["skip"],
    ) -> list[EditResult | None]: ...  # fmt: skip

    def edit(
        self,
        photo: PhotoSource | Photo | Iterable[PhotoSource | Photo],
        faces: FaceChoice = "largest",
        strength: float = 1.0,
        found: Sequence[Face] | None = None,
        on_error: Literal["raise", "skip"] = "raise",
    ) -> EditResult | list[EditResult] | list[EditResult | None]:
        """Change the attribute in a photograph, or in several as one batch of the network.

        Args:
            photo: a path, the bytes of a file, an open file, a PIL image or an (H, W, 3) uint8 RGB array; or any
                sequence or iterator of these, all of which are held in memory at once.
            faces: ``"largest"`` that can be used, ``"all"`` that can, or one or several indices from 0 into the faces
                found, largest first. Sentences for the user number faces from 1.
            strength: factor of the change, 0 (the photograph bit-equal) to 1.5.
            found: faces found before in this very photograph, to save the detection.
            on_error: what to do with one of several photographs that cannot be used: ``"raise"`` the error, or
                ``"skip"`` it, with None in its place and the reason in the log.

        Returns:
            An `EditResult`, or a list of them in the order of the photographs.

        Raises:
            PhotoRejected: the photograph or a chosen face cannot be used; the sentence says why.
            InvalidArgument: another argument is out of range.
        """
        if isinstance(strength, bool) or not isinstance(strength, Real) or not 0 <= strength <= MAX_STRENGTH:
            raise InvalidArgument(
                f"The strength must be a number from 0 to {MAX_STRENGTH}, not {strength!r}: choose another."
            )
        if on_error not in ("raise", "skip"):
            raise InvalidArgument(f'on_error must be "raise" or "skip", not {on_error!r}.')
        if is_photo(photo):
            return self._edit([photo], faces, strength, found, skip=False)[0]
        if not isinstance(photo, Iterable):
            raise PhotoRejected(
                f"A photograph is a path, bytes, an open file, a PIL image or an array, not {type(photo).__name__}."
            )
        if found is not None:
            raise InvalidArgument("found holds the faces of one photograph: give one, or leave found out.")
        return self._edit(photo, faces, strength, None, skip=on_error == "skip")

    __call__ = edit

    def _edit(
        self, photos: Iterable[Any], faces: FaceChoice, strength: float, found: Sequence[Face] | None, skip: bool
    ) -> list[Any]:
        jobs: list[_Job | None] = []
        for number, source in enumerate(photos, start=1):
            try:
                jobs.append(self._prepare(source, faces, found))
            except PhotoRejected as error:
                if not skip:
                    raise
                logger.warning("Photograph %d was skipped. %s", number, error)
                jobs.append(None)
        there = [job for job in jobs if job is not None]
        start = time.perf_counter()
        crops = [crop for job in there for crop in job.crops]
        changes = self.changes(crops, [mask for job in there for mask in job.masks], strength)
        each = 1000 * (time.perf_counter() - start) / max(len(crops), 1)
        results: list[EditResult | None] = []
        done = 0
        for job in jobs:
            if job is None:
                results.append(None)
                continue
            job.milliseconds["network"] = each * len(job.crops)
            results.append(self._finish(job, changes[done : done + len(job.crops)], strength))
            done += len(job.crops)
        return results

    def edit_frame(
        self,
        frame: U8,
        faces: Sequence[Face],
        strength: float = 1.0,
        settle: Callable[[int, U8, F32], F32] | None = None,
    ) -> U8:
        """Change the attribute of faces that are known already, and measure nothing: for live pictures and videos.

        Args:
            frame: (H, W, 3) RGB uint8.
            faces: of this frame; one that cannot be edited is left as it is.
            strength: factor of the change, 0 to 1.5.
            settle: given the place of a face in ``faces``, its crop and T's change, the change to make instead.

        Returns:
            (H, W, 3) RGB uint8; the frame itself where there is nothing to do.
        """
        places = [place for place, face in enumerate(faces) if face_fault(face) is None]
        if not places or strength == 0:
            return frame
        aligned = [self.aligned(frame, faces[place]) for place in places]
        changes: Iterable[F32] = self.changes([crop for _, crop, _ in aligned], [m for *_, m in aligned], strength)
        if settle is not None:
            crops = [crop for _, crop, _ in aligned]
            changes = [settle(*of_face) for of_face in zip(places, crops, changes, strict=True)]
        return self.pasted(frame, aligned, changes, strength)

    def pasted(self, photo: U8, aligned: Iterable[tuple[F32, U8, F32]], changes: Iterable[F32], strength: float) -> U8:
        """A photograph with the changes of some of its faces added to it.

        Args:
            photo: (H, W, 3) RGB uint8, left as it is.
            aligned: of each face what `aligned` gave.
            changes: of each face, in the same order, what `changes` gave for this very strength.
            strength: 0 to 1.5.
        """
        for (matrix, crop, mask), change in zip(aligned, changes, strict=True):
            photo = paste_back(photo, crop, change, mask, matrix, min(strength, 1.0), self.spec.detail_fade)
        return photo

    def changes(self, crops: list[U8], masks: list[F32], strength: float = 1.0) -> F32:
        """The changes for a strength, in the window of the region alone where T learnt there and the mask lies inside.

        A mouth's window is a quarter of the crop, and a quarter of the work.

        Args:
            crops: N of (S, S, 3) RGB uint8.
            masks: theirs, (S, S) float in [0, 1].
            strength: 0 to 1.5.

        Returns:
            (N, S, S, 3) float in units of 0..255, of which ``min(strength, 1)`` is to be added.
        """
        size = self.model.config.size
        left, top, right, bottom = self.spec.window(size, self.model.config.windowed)
        inside = np.array([_lies_in(mask, left, top, right, bottom) for mask in masks], bool)
        changes = np.zeros((len(crops), size, size, 3), np.float32)
        for chosen, (x0, y0, x1, y1) in ((inside, (left, top, right, bottom)), (~inside, (0, 0, size, size))):
            if chosen.any():
                seen = np.stack([crop[y0:y1, x0:x1] for crop, here in zip(crops, chosen, strict=True) if here])
                changes[chosen, y0:y1, x0:x1] = self.engine.change(seen, strength)
        for crop, change in zip(crops, changes, strict=True):
            if np.ptp(crop, axis=-1).max() <= GREY:  # a black-and-white photograph stays one
                change[:] = change.mean(-1, keepdims=True)
        return changes

    def aligned(self, photo: U8, face: Face) -> tuple[F32, U8, F32]:
        """Of a face: matrix photograph to crop at 128, (2, 3); crop, (S, S, 3) RGB uint8; mask, (S, S) in [0, 1]."""
        matrix, size = photo_to_crop_matrix(face.points5), self.model.config.size
        points = (transform_points(face.points68, matrix) + 0.5) * np.float32(size / 128) - 0.5
        return matrix, warp_to_crop(photo, matrix, size), attribute_mask(self.spec, points, size)

    def _prepare(self, source: PhotoSource | Photo, choice: FaceChoice, found: Sequence[Face] | None) -> _Job:
        start = time.perf_counter()
        photo = source if isinstance(source, Photo) else open_photo(source)
        job = _Job(photo, milliseconds={"decode": 1000 * (time.perf_counter() - start)})
        with job.timed("detect"):
            faces = self.detector.detect(photo.pixels) if found is None else found
        job.faces = tuple(faces)
        job.notices.extend((*self.model.notices, *photo.notices))
        with job.timed("align"):
            for index in choose_faces(faces, choice, job.notices):
                matrix, crop, mask = self.aligned(photo.pixels, job.faces[index])
                job.chosen.append(index)
                job.matrices.append(matrix)
                job.crops.append(crop)
                job.masks.append(mask)
        return job

    def _finish(self, job: _Job, changes: F32, strength: float) -> EditResult:
        original = job.photo.pixels
        with job.timed("paste"):
            aligned = zip(job.matrices, job.crops, job.masks, strict=True)
            result = self.pasted(original, aligned, changes, strength)
            after = [
                np.clip(np.rint(crop + min(strength, 1.0) * mask[..., None] * change), 0, 255).astype(np.uint8)
                for crop, change, mask in zip(job.crops, changes, job.masks, strict=True)
            ]
        with job.timed("recognise"):
            edited = [
                EditedFace(index, crop, done, self._identity_similarity(original, result, job.faces[index]))
                for index, crop, done in zip(job.chosen, job.crops, after, strict=True)
            ]
        return EditResult(
            photo=result,
            original=original,
            faces=job.faces,
            edited=tuple(edited),
            attribute=self.spec.name,
            strength=float(strength),
            notices=tuple(job.notices),
            milliseconds=job.milliseconds,
        )

    def _identity_similarity(self, before: U8, after: U8, face: Face) -> float:
        a, b = (self.detector.embed(photo, face.points5) for photo in (before, after))
        return float(np.clip(a @ b, -1, 1))


def _lies_in(mask: F32, left: int, top: int, right: int, bottom: int) -> bool:
    """Whether the mask is 0 outside the window."""
    return not (mask[:top].any() or mask[bottom:].any() or mask[:, :left].any() or mask[:, right:].any())

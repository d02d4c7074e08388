"""The inference path: a photograph in, the same photograph with one attribute changed out. No files, no web page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Self, overload

from diat.attributes import AttributeSpec, attribute_spec, check_identity, check_strength
from diat.batch import PhotoBatch
from diat.detector import InsightFaceDetector
from diat.errors import DiatError, InvalidArgument, PhotoRejected
from diat.faces import Face, FaceChoice, FaceDetector, face_fault
from diat.hub import load_model
from diat.methods import AlignedFace, Method, method_of
from diat.models import Model, write_model
from diat.photo import Photo, PhotoSource, is_photo
from diat.pixels import U8
from diat.results import EditResult
from diat.runtime.devices import Device


class FaceEditor:
    """Changes one attribute of faces in photographs.

    Args:
        model: from `diat.hub.load_model`.
        detector: finds the faces; the embedded one by default. Editors can share one.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, or a torch device, for the network; None takes the GPU when there is
            one (`device` says which was taken).

    `edit` is what most programs need, and `edit_frame` the same without its measures; `aligned`, `changes` and `pasted`
    are the steps of that, for code that settles changes between them, as films and streams do.

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
        self.method: Method = method_of(model, self.spec, device)

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
        """Load a model: see `diat.hub.load_model`.

        Args:
            name: an attribute, for its embedded weights (``"mouth_close"``; `diat.ATTRIBUTES` has them all), a folder,
                or a Hub repository (``"org/diat-mouth-close"``).
            revision: branch, tag or commit of a Hub repository.
            token: for private repositories; None takes the one that `hf auth login` or HF_TOKEN gave, False none.
            cache_dir: where Hub files are kept; None is huggingface_hub's own.
            local_files_only: take a Hub repository from the cache and do not touch the network.
            force_download: fetch a Hub repository's files though the cache holds them.
            subfolder: where in the repository or folder the model lies.
            attribute: what is wanted; a model of another attribute is refused.
            detector, device: see `FaceEditor`.

        Raises:
            ModelRejected: the files are not as they should be, or the Hub gave nothing and the cache has no copy.
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
        return self.method.device

    def to(self, device: Device) -> Self:
        """Move the network to another device, in place, and return the editor."""
        self.method = method_of(self.model, self.spec, device)
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
        apply_anyway: bool = False,
        identity: float | None = None,
        original: U8 | None = None,
    ) -> EditResult: ...

    @overload
    def edit(
        self, photo: Iterable[PhotoSource | Photo], faces: FaceChoice = "largest", strength: float = 1.0,
        found: None = None, on_error: Literal["raise"] = "raise", apply_anyway: bool = False,
        identity: float | None = None,
    ) -> list[EditResult]: ...  # fmt: skip

    @overload
    def edit(
        self, photo: Iterable[PhotoSource | Photo], faces: FaceChoice = "largest", strength: float = 1.0,
        found: None = None, *, on_error: Literal["skip"], apply_anyway: bool = False,
        identity: float | None = None,
    ) -> list[EditResult | None]: ...  # fmt: skip

    def edit(
        self,
        photo: PhotoSource | Photo | Iterable[PhotoSource | Photo],
        faces: FaceChoice = "largest",
        strength: float = 1.0,
        found: Sequence[Face] | None = None,
        on_error: Literal["raise", "skip"] = "raise",
        apply_anyway: bool = False,
        identity: float | None = None,
        original: U8 | None = None,
    ) -> EditResult | list[EditResult] | list[EditResult | None]:
        """Change the attribute in a photograph, or in several as one batch of the network.

        Args:
            photo: a path, the bytes of a file, an open file, a PIL image or a uint8 array, (H, W, 3) RGB,
                (H, W, 4) RGBA or (H, W) grey; or any sequence or iterator of these, all of which are held in memory at
                once.
            faces: ``"largest"`` that can be used, ``"all"`` that can, or one or several indices from 0 into the faces
                found, largest first. Sentences for the user number faces from 1.
            strength: factor of the change, 0 (the photograph bit-equal) to 1.5.
            found: faces found before in this very photograph, to save the detection.
            on_error: what to do with one of several photographs that cannot be used: ``"raise"`` the error, or
                ``"skip"`` it, with None in its place and the reason in the log.
            apply_anyway: also change a face that has the attribute already, if anything is then seen to change; else it
                is left as it is, with a notice.
            identity: the similarity to keep, 0 to 1: the cosine of the recogniser's embeddings of a face before and
                after. A face that loses more is changed less strongly (`EditedFace.strength`), with a notice. The
                recogniser looks at it four times at most.
            original: what a photograph that was changed before was at first, (H, W, 3) RGB uint8 of its size. Every
                similarity is then to this one; None for the photograph itself.

        Returns:
            An `EditResult`, or a list of them in the order of the photographs.

        Raises:
            PhotoRejected: the photograph or a chosen face cannot be used; the sentence says why, and which of several.
            InvalidArgument: another argument is out of range.
        """
        if on_error not in ("raise", "skip"):
            raise InvalidArgument(f'on_error must be "raise" or "skip", not {on_error!r}.')
        batch = PhotoBatch(self, faces, check_strength(strength), apply_anyway, check_identity(identity))
        if is_photo(photo):
            return batch.edit(photo, found, original)
        if not isinstance(photo, Iterable):
            raise PhotoRejected(
                f"A photograph is a path, bytes, an open file, a PIL image or an array, not {type(photo).__name__}."
            )
        for name, given in (("found", found), ("original", original)):
            if given is not None:
                raise InvalidArgument(f"{name} belongs to one photograph: give one, or leave {name} out.")
        return batch.edit_all(photo, skip=on_error == "skip")

    __call__ = edit

    def edit_frame(
        self,
        frame: U8,
        faces: Sequence[Face],
        strength: float = 1.0,
        apply_anyway: bool = False,
    ) -> U8:
        """Change the attribute of faces that are known already, and measure nothing: for live pictures and videos.

        Args:
            frame: (H, W, 3) RGB uint8.
            faces: of this frame; one that cannot be edited is left as it is.
            strength: factor of the change, 0 to 1.5.
            apply_anyway: also change faces that have the attribute already.

        Returns:
            (H, W, 3) RGB uint8; the frame itself where there is nothing to do.
        """
        usable = [face for face in faces if face_fault(face) is None]
        if not usable or strength == 0:
            return frame
        aligned = [self.aligned(frame, face) for face in usable]
        return self.pasted(frame, aligned, self.changes(aligned, strength), strength, apply_anyway)

    def aligned(self, photo: U8, face: Face) -> AlignedFace:
        """What the network sees of a face of an (H, W, 3) RGB uint8 photograph."""
        return self.method.aligned(photo, face)

    def changes(self, aligned: Sequence[AlignedFace], strength: float = 1.0) -> Sequence[Any]:
        """What the network says of each face, for a strength from 0 to 1.5: see `diat.methods`."""
        return self.method.changes(aligned, strength)

    def pasted(
        self, photo: U8, aligned: Iterable[AlignedFace], changes: Iterable[Any], strength: float,
        apply_anyway: bool = False,
    ) -> U8:  # fmt: skip
        """A photograph with some of its faces changed.

        Args:
            photo: (H, W, 3) RGB uint8, left as it is.
            aligned: of each face what `aligned` gave.
            changes: of each face, in the same order, what `changes` gave for this very strength.
            strength: 0 to 1.5.
            apply_anyway: also change faces that have the attribute already.
        """
        for face, change in zip(aligned, changes, strict=True):
            photo = self.method.applied(photo, face, change, strength, apply_anyway)
        return photo

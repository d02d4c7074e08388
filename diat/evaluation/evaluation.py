"""Everything that a set of photographs is measured against, and the figures of models on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from diat.align import CROP_SIZE, photo_to_crop_matrix, transform_points
from diat.attributes import COLUMNS, AttributeSpec
from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.evaluation import metrics
from diat.evaluation.judges import Judges
from diat.evaluation.photographs import Photographs
from diat.masks import attribute_mask
from diat.pixels import contact_sheet, save_image

GROUPS = {"men": ("Male", True), "women": ("Male", False), "young": ("Young", True), "older": ("Young", False),
          "glasses": ("Eyeglasses", True), "no glasses": ("Eyeglasses", False)}  # fmt: skip


class Evaluation:
    """Everything that one set of photographs is measured against, and the figures of models on it."""

    def __init__(self, photographs: Photographs, judges: Judges, detector: InsightFaceDetector, realism: bool) -> None:
        self.photographs, self.judges, self.detector, self.realism = photographs, judges, detector, realism
        self.said = judges.attributes(photographs.crops)  # of the photographs as they are
        self.embeddings = judges.embeddings(photographs.crops, photographs.points5)
        similarities = self.embeddings @ self.embeddings.T
        # Hardly any two photographs of a random sample show the same person.
        self.threshold = metrics.threshold_at(similarities[np.triu_indices(len(similarities), 1)])
        self.features: dict[str, np.ndarray] = {}

    def rows(self, spec: AttributeSpec, having: bool) -> np.ndarray:
        """Photographs with the attribute's wanted value, or without; by label where there are labels."""
        labels, column = self.photographs.labels, COLUMNS.index(spec.column)
        there = labels[:, column] if labels is not None else self.said[:, column] > 0.5
        return np.flatnonzero((there == spec.wanted) == having)

    def edit(self, editor: FaceEditor, rows: np.ndarray, strength: float) -> list[np.ndarray]:
        """Those photographs, each edited as a user's would be."""
        p = self.photographs
        bar = tqdm(rows, desc=f"{editor.spec.name} {strength:g}", leave=False, mininterval=5)
        return [editor.edit_frame(p.pixels[row], [p.faces[row]], strength) for row in bar]

    def model(self, editor: FaceEditor, curve: list[float], output: Path) -> dict[str, Any]:
        """All figures of one model."""
        p, spec = self.photographs, editor.spec
        column, others = COLUMNS.index(spec.column), np.arange(len(COLUMNS)) != COLUMNS.index(spec.column)
        without, having = self.rows(spec, False), self.rows(spec, True)
        edited = self.edit(editor, without, 1.0)
        crops = np.stack([p.crop(row, photo) for row, photo in zip(without, edited, strict=True)])
        said = self.judges.attributes(crops)
        success = (said[:, column] > 0.5) == spec.wanted
        flipped = ((said > 0.5) != (self.said[without] > 0.5))[:, others].mean(1)
        identity = self.identity(without, crops)
        figures: dict[str, Any] = {
            "attribute": spec.name,
            "column": spec.column,
            "count": len(without),
            "success": metrics.share(success),
            "success_untouched": metrics.share((self.said[without, column] > 0.5) == spec.wanted),
            "success_real": metrics.share((self.said[having, column] > 0.5) == spec.wanted),
            "drift": metrics.mean(flipped),
            "identity": metrics.mean(identity),
            "verified": metrics.share(identity > self.threshold),
            "identity_threshold": self.threshold,
            **self.untouched(spec, without, edited),
            **self.idempotence(editor, having),
            "groups": self.groups(without, success, identity),
            "curve": {str(strength): self.point(editor, without, strength) for strength in curve},
        }
        opinion = self.second_opinion(spec, without, having, edited, crops)
        figures |= opinion
        if self.realism:
            figures |= self.realism_of(spec, having, crops)
        self.sheets(output / spec.name, without, crops, success, identity)
        return figures

    def identity(self, rows: np.ndarray, crops: np.ndarray) -> np.ndarray:
        """(N,) cosine of the embeddings of photographs and of their edited crops."""
        after = self.judges.embeddings(crops, self.photographs.points5[rows])
        return np.asarray((after * self.embeddings[rows]).sum(1))

    def point(self, editor: FaceEditor, rows: np.ndarray, strength: float) -> dict[str, float]:
        """Success and identity at another strength."""
        edited = self.edit(editor, rows, strength)
        crops = np.stack([self.photographs.crop(row, photo) for row, photo in zip(rows, edited, strict=True)])
        said = self.judges.attributes(crops)[:, COLUMNS.index(editor.spec.column)] > 0.5
        identity = self.identity(rows, crops)
        return {
            "success": float((said == editor.spec.wanted).mean()),
            "identity": float(identity.mean()),
            "verified": float((identity > self.threshold).mean()),
        }

    def untouched(self, spec: AttributeSpec, rows: np.ndarray, edited: list[np.ndarray]) -> dict[str, Any]:
        """How equal the pixels outside the mask are."""
        values = []
        for row, photo in zip(rows, edited, strict=True):
            original, face = self.photographs.pixels[row], self.photographs.faces[row]
            matrix = photo_to_crop_matrix(face.points5)
            mask = attribute_mask(spec, transform_points(face.points68, matrix), CROP_SIZE)
            size = original.shape[1::-1]
            outside = cv2.warpAffine(cv2.dilate(mask, np.ones((3, 3))), matrix, size, flags=cv2.WARP_INVERSE_MAP) == 0
            if outside.any():
                values.append((metrics.psnr(original, photo, outside), metrics.ssim(original, photo, outside)))
        return dict(zip(("untouched_psnr", "untouched_ssim"), map(metrics.mean, np.array(values).T), strict=True))

    def idempotence(self, editor: FaceEditor, having: np.ndarray) -> dict[str, Any]:
        """How little photographs change that have the attribute already."""
        rows = having[:300]
        pairs = [
            (self.photographs.crops[row], self.photographs.crop(row, photo))
            for row, photo in zip(rows, self.edit(editor, rows, 1.0), strict=True)
        ]
        return {
            "idempotence_psnr": metrics.mean(np.array([metrics.psnr(*pair) for pair in pairs])),
            "idempotence_ssim": metrics.mean(np.array([metrics.ssim(*pair) for pair in pairs])),
        }

    def groups(self, rows: np.ndarray, success: np.ndarray, identity: np.ndarray) -> dict[str, Any]:
        """Success and identity of each of `GROUPS`."""
        values = self.photographs.labels if self.photographs.labels is not None else self.said > 0.5
        result = {}
        for name, (column, wanted) in GROUPS.items():
            members = values[rows, COLUMNS.index(column)] == wanted
            if not members.any():
                continue
            result[name] = {"success": metrics.share(success[members]), "identity": metrics.mean(identity[members])}
        return result

    def second_opinion(
        self, spec: AttributeSpec, without: np.ndarray, having: np.ndarray, edited: list[np.ndarray], crops: np.ndarray
    ) -> dict[str, Any]:
        """Success by another judge, whose threshold is set on real photographs, with its accuracy there."""
        p = self.photographs
        real = np.concatenate([without, having])
        labels = np.concatenate([np.zeros(len(without), bool), np.ones(len(having), bool)])
        points = p.points5[without]
        if spec.column == "Mouth_Slightly_Open":
            sign = 1 if spec.wanted else -1
            before = sign * np.array([metrics.lip_opening(p.faces[row].points68) for row in real])
            found = [self.detector.detect(photo)[:1] for photo in edited]
            after = sign * np.array([metrics.lip_opening(f[0].points68) if f else np.nan for f in found])
        elif spec.column == "Eyeglasses":
            sign = -1 if spec.wanted else 1
            before = sign * self.judges.no_glasses(p.crops[real], p.points5[real])
            after = sign * self.judges.no_glasses(crops, points)
        elif spec.column == "Male":
            sign = 1 if spec.wanted else -1
            before = sign * self.judges.male(p.crops[real], p.points5[real])
            after = sign * self.judges.male(crops, points)
        elif spec.column == "Young":
            sign = -1 if spec.wanted else 1
            before = sign * self.judges.age(p.crops[real], p.points5[real])
            after = sign * self.judges.age(crops, points)
        else:
            return {}
        threshold, accuracy = metrics.balanced_threshold(before, labels)
        return {
            "second": metrics.share(after > threshold),
            "second_untouched": metrics.share(before[: len(without)] > threshold),
            "second_real": metrics.share(before[len(without) :] > threshold),
            "second_accuracy": accuracy,
        }

    def realism_of(self, spec: AttributeSpec, having: np.ndarray, crops: np.ndarray) -> dict[str, Any]:
        """FID and KID of edited against real, and real against real as the floor, all of equal counts."""
        count = min(len(crops), len(having) // 2)
        if count < 50:
            return {}
        halves = np.random.default_rng(0).permutation(having)
        real, other = (self.inception(halves[part : part + count]) for part in (0, count))
        made = self.judges.inception(crops[:count])
        return {
            "realism_count": count,
            "fid": metrics.fid(made, real),
            "fid_floor": metrics.fid(other, real),
            "kid": metrics.kid(made, real),
            "kid_floor": metrics.kid(other, real),
        }

    def inception(self, rows: np.ndarray) -> np.ndarray:
        """(N, 2048) Inception features of photographs as they are, computed once."""
        missing = [row for row in rows.tolist() if row not in self.features]
        if missing:
            self.features |= dict(zip(missing, self.judges.inception(self.photographs.crops[missing]), strict=True))
        return np.stack([self.features[row] for row in rows.tolist()])

    def sheets(
        self, folder: Path, rows: np.ndarray, crops: np.ndarray, success: np.ndarray, identity: np.ndarray
    ) -> None:
        """Before and after: 32 at random, and the worst, median and best of them by success and then identity."""
        order = np.lexsort((identity, success))
        middle = len(order) // 2
        chosen = {
            "random": np.random.default_rng(1).permutation(len(rows))[:32],
            "worst": order[:16],
            "median": order[max(0, middle - 8) : middle + 8],
            "best": order[-16:],
        }
        for name, indices in chosen.items():
            pairs = [(self.photographs.crops[rows[index]], crops[index]) for index in indices]
            save_image(folder / f"{name}.png", contact_sheet(pairs, columns=4))

"""Everything that a set of photographs is measured against, and the figures of models on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from diat.attributes import COLUMNS, AttributeSpec, attribute_spec
from diat.baselines.pictures import read_method, read_pictures
from diat.data.celeba import Rows
from diat.editor import FaceEditor
from diat.errors import DiatError
from diat.evaluation import fidelity, metrics
from diat.evaluation.crops import SOURCE, comparison, enlarged, network_images
from diat.evaluation.judges import Judges
from diat.evaluation.native import native_figures
from diat.evaluation.photographs import Photographs
from diat.evaluation.results import (
    BaselineFigures,
    Conditions,
    CropFigures,
    CurvePoint,
    Group,
    ModelFigures,
    Realism,
    Success,
)
from diat.evaluation.second import SecondJudge, Views, detected
from diat.evaluation.sheets import SHEET_ORDERED, write_sheets
from diat.faces import Face, FaceDetector
from diat.models import MANIFEST, Model
from diat.pixels import F32, U8, save_image

# The people whose figures stand apart: a column of CelebA and its value.
GROUPS = {"men": ("Male", True), "women": ("Male", False), "young": ("Young", True), "older": ("Young", False),
          "glasses": ("Eyeglasses", True), "no glasses": ("Eyeglasses", False)}  # fmt: skip
CUT = 0.5  # of the judge's probabilities
KEPT_COUNT = 300  # photographs that have the attribute already; more would narrow no interval that matters
REALISM_COUNT = 50  # images below which distances of distributions say nothing


@dataclass(frozen=True, eq=False)
class Judged:
    """Pictures of some of the photographs' faces, and what the judges say of them."""

    rows: Rows  # of the photographs
    crops: U8  # (N, 128, 128, 3)
    said: F32  # (N, 40) probabilities of CelebA's columns
    identity: F32  # (N,) identity similarity to the photographs as they are


class Evaluation:
    """What one set of photographs is measured against.

    Args:
        photographs: from `diat.evaluation.photographs`.
        judges: the judges.
        detector: finds the faces in edited photographs.
        realism: whether to take FID and KID, the slowest.
        faces: at most this many of them are edited for each figure, the first; None: all that an attribute has.
    """

    def __init__(
        self,
        photographs: Photographs,
        judges: Judges,
        detector: FaceDetector,
        realism: bool,
        faces: int | None = None,
    ) -> None:
        self.photographs, self.judges, self.detector, self.realism = photographs, judges, detector, realism
        self.faces = faces
        self.said = judges.attributes(photographs.crops)  # of the photographs as they are
        self.embeddings = judges.embeddings(photographs.crops, photographs.points5)
        similarity = self.embeddings @ self.embeddings.T
        # Hardly any two photographs of a random sample show the same person.
        self.threshold = metrics.threshold_at(similarity[np.triu_indices(len(similarity), 1)])
        self._features: dict[int, F32] = {}
        self._as_they_are: dict[tuple[str, bytes], CropFigures] = {}  # of crops at a network's size, by their bytes

    def conditions(self, folder: Path, strengths: Sequence[float]) -> Conditions:
        """What the figures of a model's folder depend on."""
        return Conditions(json.loads((folder / MANIFEST).read_text()), tuple(strengths), self.realism, self.faces)

    def measure(self, editor: FaceEditor, run: str, conditions: Conditions, output: Path) -> ModelFigures:
        """All figures of one model.

        Args:
            editor: with the model.
            run: what to call it; its contact sheets go into the folder of that name in ``output``.
            conditions: see `conditions`.
            output: a folder.
        """
        spec, training = editor.spec, editor.model.training
        without, having = self.rows(spec, False)[: self.faces], self.rows(spec, True)
        photos, behind = self.edit(editor, without, 1.0), [self.photographs.behind[row] for row in without]
        kept = self.edit(editor, having[:KEPT_COUNT][: self.faces], 1.0)
        edited = self.judge(without, self.crops_of(without, photos))
        success = self.succeeded(spec, edited.said)
        opinion = SecondJudge.set_on(self.judges, spec.column, spec.wanted, self.views(without), self.views(having))
        write_sheets(output / run, self.photographs.crops[without], edited.crops, success, edited.identity)
        return ModelFigures(
            run=run,
            variant=" ".join(str(training[name]) for name in ("variant", "recipe") if name in training),
            attribute=spec.name,
            column=spec.column,
            count=len(without),
            conditions=conditions,
            success=Success(
                edited=metrics.share(success),
                untouched=metrics.share(self.succeeded(spec, self.said[without])),
                real=metrics.share(self.succeeded(spec, self.said[having])),
            ),
            drift=self.drift(spec, edited),
            identity=metrics.mean(edited.identity),
            verified=metrics.share(edited.identity > self.threshold),
            identity_threshold=self.threshold,
            outside=fidelity.outside(self.photographs, spec, without, photos),
            kept=fidelity.of_crops(self.photographs.crops[having[: len(kept)]], self.crops_of(having, kept)),
            second=opinion.opinion(self.judges, self.views(without, edited.crops, photos)) if opinion else None,
            realism=self.realism_of(having, edited.crops),
            groups=self.groups(edited, success),
            curve=tuple(self.point(editor, without, strength) for strength in conditions.strengths),
            crops=tuple(self.networks(editor, without, having, opinion)),
            native=native_figures(editor, self.triples(without, photos), self.triples(having, kept), behind),
            sheets=run,
        )

    def rows(self, spec: AttributeSpec, having: bool) -> Rows:
        """Photographs with the attribute's wanted value, or without; by label where there are labels."""
        labels, column = self.photographs.labels, COLUMNS.index(spec.column)
        there = labels[:, column] if labels is not None else self.said[:, column] > CUT
        return np.flatnonzero((there == spec.wanted) == having)

    def edit(self, editor: FaceEditor, rows: Rows, strength: float) -> list[U8]:
        """Those photographs, each edited as a user's would be."""
        p = self.photographs
        bar = tqdm(rows, desc=f"{editor.spec.name} {strength:g}", leave=False, mininterval=5)
        return [editor.edit_frame(p.pixels[row], [p.faces[row]], strength) for row in bar]

    def triples(self, rows: Rows, photos: list[U8]) -> list[tuple[U8, U8, Face]]:
        """The first of those photographs as they were, edited, and their faces."""
        p = self.photographs
        return [(p.pixels[row], photo, p.faces[row]) for row, photo in zip(rows, photos, strict=False)]

    def crops_of(self, rows: Rows, photos: list[U8]) -> U8:
        """The judges' crops of the first of those photographs, edited. -> (N, 128, 128, 3)."""
        crops = [self.photographs.crop(row, photo) for row, photo in zip(rows[: len(photos)], photos, strict=True)]
        return np.stack(crops) if crops else self.photographs.crops[:0]

    def judge(self, rows: Rows, crops: U8) -> Judged:
        """What the judges say of pictures of those photographs' faces."""
        if not len(rows):
            return Judged(rows, crops, self.said[:0], self.embeddings[:0, 0])
        after = self.judges.embeddings(crops, self.photographs.points5[rows])
        identity: F32 = (after * self.embeddings[rows]).sum(1)
        return Judged(rows, crops, self.judges.attributes(crops), identity)

    def succeeded(self, spec: AttributeSpec, said: F32) -> NDArray[np.bool_]:
        """(N,) whether the attribute judge takes each picture for one with the attribute."""
        success: NDArray[np.bool_] = (said[:, COLUMNS.index(spec.column)] > CUT) == spec.wanted
        return success

    def drift(self, spec: AttributeSpec, judged: Judged) -> metrics.Estimate:
        """The share of the other attributes that flip."""
        flipped = (judged.said > CUT) != (self.said[judged.rows] > CUT)
        return metrics.mean(np.delete(flipped, COLUMNS.index(spec.column), axis=1).mean(1))

    def point(self, editor: FaceEditor, rows: Rows, strength: float) -> CurvePoint:
        """The figures at another strength."""
        judged = self.judge(rows, self.crops_of(rows, self.edit(editor, rows, strength)))
        return CurvePoint(
            strength=strength,
            success=metrics.share(self.succeeded(editor.spec, judged.said)).value,
            identity=metrics.mean(judged.identity).value,
            verified=metrics.share(judged.identity > self.threshold).value,
        )

    def groups(self, judged: Judged, success: NDArray[np.bool_]) -> dict[str, Group]:
        """Success and identity of each of `GROUPS` that is there."""
        labels = self.photographs.labels
        values = (labels if labels is not None else self.said > CUT)[judged.rows]
        members = {name: values[:, COLUMNS.index(column)] == wanted for name, (column, wanted) in GROUPS.items()}
        return {
            name: Group(metrics.share(success[chosen]), metrics.mean(judged.identity[chosen]))
            for name, chosen in members.items()
            if chosen.any()
        }

    def views(self, rows: Rows, crops: U8 | None = None, photos: list[U8] | None = None) -> Views:
        """Photographs as the second judges take them: as they are, or edited. ``photos``: where to find the faces."""
        p = self.photographs
        if crops is None or photos is None:
            return Views(p.crops[rows], p.points5[rows], lambda: [p.faces[row] for row in rows])
        return Views(crops, p.points5[rows], partial(detected, self.detector, photos))

    def networks(
        self, editor: FaceEditor, without: Rows, having: Rows, second: SecondJudge | None
    ) -> list[CropFigures]:
        """The figures of what the networks themselves make of the crops (`diat.evaluation.crops`)."""
        made, spec = network_images(editor.model, self.photographs.crops[without]), editor.spec
        if not made:
            return []
        source = made.pop(SOURCE)
        # Models of one size have them in common, and Inception is slow.
        key = spec.name, hashlib.sha256(source.tobytes()).digest()
        if key not in self._as_they_are:
            self._as_they_are[key] = self.figures_of(spec, SOURCE, without, having, source, second)
        own = [self.figures_of(spec, name, without, having, images, second) for name, images in made.items()]
        return [self._as_they_are[key], *own]

    def baseline(self, folder: Path, run: str, models: Mapping[str, Model]) -> BaselineFigures:
        """The figures of another method's pictures (`diat.baselines.pictures`) of some of the faces.

        Args:
            folder: of the pictures.
            run: what to call them.
            models: by name; what those of the same attribute make of the same faces stands beside them.

        Raises:
            DiatError: there are no such pictures, or none of these photographs' faces.
        """
        method, crops = read_method(folder), self.photographs.crops
        spec = attribute_spec(method.attribute)
        without, having = self.rows(spec, False), self.rows(spec, True)
        opinion = SecondJudge.set_on(self.judges, spec.column, spec.wanted, self.views(without), self.views(having))
        rows, pictures = read_pictures(folder, crops, without)
        if not pictures:
            raise DiatError(f"{folder} holds no picture of these photographs: make them of the same data set's pack.")
        made = {SOURCE: crops[rows], method.name: enlarged(pictures)}
        for name, model in models.items():
            if model.config.attribute == spec.name and (own := network_images(model, crops[rows])):
                image, made_by_it = list(own.items())[-1]
                made[f"{image} of {name}"] = made_by_it
        figures = tuple(self.figures_of(spec, name, rows, having, made[name], opinion) for name in made)
        return BaselineFigures(run, spec.name, figures)

    def figures_of(
        self, spec: AttributeSpec, name: str, rows: Rows, having: Rows, images: U8, second: SecondJudge | None
    ) -> CropFigures:
        """The figures of pictures of those photographs' crops."""
        judged, realism = self.judge(rows, images), self.realism_of(having, images)
        views = self.views(rows, images, list(images))
        return CropFigures(
            image=name,
            success=metrics.share(self.succeeded(spec, judged.said)),
            drift=self.drift(spec, judged),
            identity=metrics.mean(judged.identity),
            second=None if second is None else metrics.share(second.takes(self.judges, views)),
            kid=realism.kid if realism else None,
        )

    def realism_of(self, having: Rows, crops: U8) -> Realism | None:
        """FID and KID of edited against real, and real against real as the floor, all of equal counts."""
        count = min(len(crops), len(having) // 2)
        if not self.realism or count < REALISM_COUNT:
            return None
        halves = np.random.default_rng(0).permutation(having)
        real, other = (self.inception(halves[first : first + count]) for first in (0, count))
        made = self.judges.inception(crops[:count])
        return Realism(
            count=count,
            fid=metrics.fid(made, real),
            fid_floor=metrics.fid(other, real),
            kid=metrics.kid(made, real),
            kid_floor=metrics.kid(other, real),
        )

    def inception(self, rows: Rows) -> F32:
        """(N, 2048) Inception features of photographs as they are, computed once."""
        missing = [row for row in rows.tolist() if row not in self._features]
        if missing:
            self._features |= dict(zip(missing, self.judges.inception(self.photographs.crops[missing]), strict=True))
        return np.stack([self._features[row] for row in rows.tolist()])

    def compare(self, models: Sequence[Model], path: Path, folders: Sequence[Path] = ()) -> bool:
        """Write a sheet of the same faces through several models of one attribute; False if none has its own picture.

        The faces are the first of those without the attribute in an order of their own, the same at every call. Those
        of which every baseline has a picture, whose folders may be given, come with it, a column each.
        """
        config, crops = models[0].config, self.photographs.crops
        rows = self.rows(attribute_spec(config.attribute, config.region), having=False)
        for folder in folders:
            rows, _ = read_pictures(folder, crops, rows)
        chosen = np.random.default_rng(1).permutation(rows)[:SHEET_ORDERED]
        others = [enlarged(read_pictures(folder, crops, chosen)[1]) for folder in folders]
        sheet = comparison(models, crops[chosen], others)
        if sheet is None:
            return False
        save_image(path, sheet)
        return True

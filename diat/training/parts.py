"""The parts of a face (`diat.heads.PARTS`): layers that every model of whole faces has, learnt once for all of them.

Photographs with a parsing mask are aligned and often cut tightly, so that what lies above the hair is never known.
Faces are moved, turned and enlarged much more than a detector errs: every place of the crop is then known at times.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from diat.align import photo_to_crop_matrix, warp_to_crop
from diat.attributes import COLUMNS
from diat.data.celeba import Record
from diat.data.skin_faces import UNKNOWN, parsed
from diat.detector import InsightFaceDetector
from diat.errors import TrainingStopped
from diat.field_network import EncoderDecoder, parts_layers
from diat.heads import HEADS, PARTS
from diat.pixels import F32, U8, decompressed
from diat.training.average import MovingAverage
from diat.training.fields_skin import lit
from diat.training.learning import learn, warmed_cosine
from diat.training.run import Run, Schedule

SIZE = HEADS["skin"].size
SIDE = SIZE // 2  # of the maps
STORED = 2 * SIZE  # side of the crops that are kept, to be moved and enlarged without blur
# What faces are moved by: at most so many pixels of a crop of `SIZE`, degrees, and times e to the power of this.
SHIFT, TURN, SCALE = 8.0, 8.0, 0.22
RARE = 3.0  # how much more often grey-haired faces are drawn: their hair is the hardest to tell from what is behind it
NOISE = 9.0  # levels, at most: standard deviation of the grain that a third of the faces get
DECAY = 0.99  # of the moving average
WARM_UP, LAST_RATE = 100, 0.01  # steps; share of the learning rate at the end


@dataclass(frozen=True)
class PartsConfig:
    """Settings of a run."""

    steps: int = 4000
    batch: int = 24
    learning_rate: float = 2e-3  # AdamW, at its highest
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.learning_rate * warmed_cosine(step, self.steps, WARM_UP, LAST_RATE)


@dataclass(frozen=True, eq=False)
class ParsedFaces:
    """N faces whose parts are known."""

    crops: U8  # (N, STORED, STORED, 3) RGB
    parts: U8  # (N, STORED, STORED) places in `PARTS`, or UNKNOWN
    grey_haired: NDArray[np.bool_]  # (N,)

    @classmethod
    def collect(cls, records: Iterable[Record], detector: InsightFaceDetector) -> ParsedFaces:
        """Find and cut out the face of every photograph that has a mask.

        Raises:
            TrainingStopped: there is none.
        """
        crops, parts, grey = [], [], []
        for record in records:
            photo = decompressed(record.jpeg)
            found = detector.detect(photo) if record.mask is not None else []
            if not found or record.mask is None:
                continue
            middle = np.array(photo.shape[1::-1], np.float32) / 2
            face = min(found, key=lambda face: float(np.linalg.norm(face.points5.mean(0) - middle)))
            matrix = photo_to_crop_matrix(face.points5)
            crops.append(warp_to_crop(photo, matrix, STORED))
            parts.append(parsed(record.mask, photo.shape, matrix, STORED))
            grey.append(bool(record.attributes[COLUMNS.index("Gray_Hair")]))
        if not crops:
            raise TrainingStopped("No photograph has a parsing mask: give a data set with a `mask` column.")
        return cls(np.stack(crops), np.stack(parts), np.array(grey, bool))

    def batch(self, config: PartsConfig, number: int) -> tuple[Tensor, Tensor]:
        """The batch of a number, always the same: images (N, 3, SIZE, SIZE) in [-1, 1], and the share that each part
        has of each pixel of the maps, (N, P, SIDE, SIDE), 0 where nothing is known.
        """
        rng = np.random.default_rng((config.seed, number))
        weights = np.where(self.grey_haired, RARE, 1.0)
        rows = rng.choice(len(self.crops), config.batch, p=weights / weights.sum())
        images, shares = zip(*(self._sample(int(row), rng) for row in rows), strict=True)
        seen = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 127.5 - 1
        return seen, torch.from_numpy(np.stack(shares))

    def _sample(self, row: int, rng: np.random.Generator) -> tuple[F32, F32]:
        matrix = _movement(rng)
        image = cv2.warpAffine(self.crops[row], matrix, (STORED, STORED), borderMode=cv2.BORDER_REPLICATE)
        image = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        parts = cv2.warpAffine(
            self.parts[row], matrix, (STORED, STORED), flags=cv2.INTER_NEAREST, borderValue=(UNKNOWN,)
        )
        return _photographed(np.asarray(image, np.uint8), rng), shares_of(np.asarray(parts, np.uint8))


def _movement(rng: np.random.Generator) -> NDArray[np.float64]:
    """A matrix that turns, enlarges, moves and at times mirrors a stored crop, (2, 3)."""
    middle = (STORED - 1) / 2
    scale = float(np.exp(rng.uniform(-SCALE, SCALE)))
    matrix = np.asarray(cv2.getRotationMatrix2D((middle, middle), rng.uniform(-TURN, TURN), scale), np.float64)
    matrix[:, 2] += rng.uniform(-SHIFT, SHIFT, 2) * STORED / SIZE
    if rng.random() < 0.5:
        matrix[:, 2] += matrix[:, 0] * 2 * middle
        matrix[:, 0] *= -1
    return matrix


def _photographed(crop: U8, rng: np.random.Generator) -> F32:
    """A crop in another light and contrast, at times with grain. (S, S, 3) in 0..255."""
    image = (lit(crop, rng) - 128) * rng.uniform(0.75, 1.2) + 128 + rng.uniform(-20, 20)
    if rng.random() < 0.3:
        image += rng.normal(0, rng.uniform(0, NOISE), image.shape)
    return np.asarray(np.clip(image, 0, 255), np.float32)


def shares_of(parts: U8) -> F32:
    """The share that each part has of each pixel of the maps. (STORED, STORED) -> (P, SIDE, SIDE)."""
    each = (parts == np.arange(len(PARTS))[:, None, None]).astype(np.float32)
    return np.stack([cv2.resize(plane, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for plane in each])


def overlap(layers: EncoderDecoder, faces: ParsedFaces, part: str) -> float:
    """How well a part is found: the mean, over the faces that show it, of the intersection over union of where it is
    and where it is said to be, on maps of faces that are not moved.
    """
    place, found = PARTS.index(part), []
    for crop, parts in zip(faces.crops, faces.parts, strict=True):
        small = cv2.resize(crop, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)
        with torch.no_grad():
            said = logits(layers, torch.from_numpy(small).permute(2, 0, 1)[None] / 127.5 - 1)[0].softmax(0).numpy()
        shares = shares_of(parts)
        known = shares.sum(0) > 0.99
        there, seen = (shares[place] > 0.5) & known, (said[place] > 0.5) & known
        if there.any():
            found.append(float((there & seen).sum() / (there | seen).sum()))
    return float(np.mean(found)) if found else float("nan")


def logits(layers: EncoderDecoder, images: Tensor) -> Tensor:
    """(N, 3, SIZE, SIZE) in [-1, 1] -> (N, P, SIDE, SIDE)."""
    scales = torch.tensor(HEADS["skin"].scales[: len(PARTS)], device=images.device)[:, None, None]
    return layers.decoded(*layers.encoded(F.pixel_unshuffle(images, 2))) * scales


def train_parts(
    faces: ParsedFaces, config: PartsConfig, output: Path, resume: bool, accelerator: Accelerator
) -> EncoderDecoder:
    """Train, or go on where a run was stopped.

    Args:
        faces: to learn from.
        config: the settings.
        output: a folder for log and checkpoints.
        resume: go on from the newest checkpoint.
        accelerator: device and processes.

    Raises:
        TrainingStopped: the folder is in use, not empty or holds nothing to resume, or the loss is no number.
    """
    torch.manual_seed(config.seed)
    layers = parts_layers().to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = MovingAverage(layers, DECAY)
    optimizer = torch.optim.AdamW(layers.parameters(), config.learning_rate, weight_decay=0.02)
    identity = {"config": vars(config), "data": f"{len(faces.crops)} faces, {int(faces.parts.astype(np.int64).sum())}"}
    run = Run(
        output, config.steps, identity, {"layers": layers, "average": average.network}, {"layers": optimizer},
        Schedule(resume=resume), accelerator, "parts", config.seed,
    )  # fmt: skip

    def batches(numbers: range) -> Iterable[tuple[Tensor, Tensor]]:
        return (faces.batch(config, number) for number in numbers)

    def losses(given: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        images, shares = (values.to(accelerator.device) for values in given)
        said = logits(layers, images.contiguous(memory_format=torch.channels_last)).log_softmax(1)
        return {"parts": -(shares * said).sum() / shares.sum().clamp(min=1)}

    learn(run, layers, average, optimizer, config.rate, batches, losses, config.batch)
    return cast(EncoderDecoder, average.network)


def weights_of(layers: EncoderDecoder) -> dict[str, NDArray[Any]]:
    """The tensors of a model's file that say where the parts of a face are."""
    state = {name: value.detach().cpu().numpy() for name, value in layers.state_dict().items()}
    return {f"parts.{name}": value for name, value in state.items() if value.ndim}

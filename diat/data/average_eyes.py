"""Average eyes, for lenses that hide the person's own (`diat.native.eyes`), from the faces of a pack.

Of open eyes that look ahead, without make-up or glasses, those that are most alike are laid on one another and
averaged, as ratios to the skin below them: so many that nobody's eye is left, so much alike that lids and irises are.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.native.color import to_lab
from diat.native.eyes import EYES, SIZE, eye_matrix, shown
from diat.native.healing import membrane
from diat.pixels import F32

OPEN = (0.24, 0.4)  # from lid to lid, in widths of the eye; others blink or stare
FRONTAL = 0.9  # least ratio of the widths of a face's two eyes
TONES = ((54.0, 70.0), (70.0, 92.0))  # lightness in CIELAB of the skin below the eyes, of the two averages
AVERAGED = 48  # eyes
ROUNDS = 4  # of laying eyes on the average of those most like it
MOST_MOVED = 6.0  # pixels of the picture
SHARPENED = (0.8, 1.6)  # share of the detail that is added, against what averaging takes away, and its sigma in pixels
BELOW_LID = 0.5  # widths of the eye below its lower lid, where skin is measured


def average_eyes(pack: Pack) -> dict[str, F32]:
    """The two averages; see `diat.native.eyes`.

    Args:
        pack: of 256 pixels, or eyes come out soft.

    Raises:
        TrainingStopped: the pack holds too few eyes for a tone of skin.
    """
    pictures, skins = _open_eyes(pack)
    averages, lightness = [], []
    for low, high in TONES:
        of_tone = np.flatnonzero((skins[:, 0] >= low) & (skins[:, 0] < high))
        if len(of_tone) < 2 * AVERAGED:
            raise TrainingStopped(
                f"The pack holds {len(of_tone)} open eyes in skin of a lightness of {low:g} to {high:g}, of the "
                f"{2 * AVERAGED} that are needed: use more data."
            )
        ratios, chosen = _average(pictures[of_tone], skins[of_tone])
        averages.append(ratios)
        lightness.append(float(np.median(skins[of_tone[chosen], 0])))
    return {"ratios": np.stack(averages).astype(np.float16), "lightness": np.array(lightness, np.float32)}


def _open_eyes(pack: Pack) -> tuple[F32, F32]:
    """Eyes in CIELAB, (N, *SIZE, 3), and the skin below each, (N, 3)."""
    rows = np.flatnonzero(~pack.column("Eyeglasses") & ~pack.column("Heavy_Makeup"))
    pictures, skins = [], []
    for row in rows:
        points = pack.points68[row]
        widths = [float(np.linalg.norm(points[outer] - points[inner])) for outer, inner, *_ in EYES]
        if min(widths) < FRONTAL * max(widths) or not all(OPEN[0] < _opening(points, eye) < OPEN[1] for eye in (0, 1)):
            continue
        crop = to_lab(pack.crops[row])
        skin = np.median([_skin_below(crop, points, eye, widths[eye]) for eye in (0, 1)], axis=0)
        for eye in (0, 1):
            flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            matrix, border = eye_matrix(points, eye), cv2.BORDER_REPLICATE
            pictures.append(cv2.warpAffine(crop, matrix, SIZE[::-1], flags=flags, borderMode=border))
            skins.append(skin)
    shape = (0, *SIZE, 3)
    return np.asarray(pictures or np.zeros(shape), np.float32), np.asarray(skins or np.zeros((0, 3)), np.float32)


def _opening(points: F32, eye: int) -> float:
    outer, inner, upper, lower = EYES[eye]
    lids = np.linalg.norm(points[list(lower)].mean(0) - points[list(upper)].mean(0))
    return float(lids / max(float(np.linalg.norm(points[outer] - points[inner])), 1e-6))


def _skin_below(crop: F32, points: F32, eye: int, width: float) -> F32:
    """The mean colour of a patch below the lower lid. -> (3,)."""
    x, y = np.rint(points[list(EYES[eye][3])].mean(0) + [0, BELOW_LID * width]).astype(int)
    half = max(1, round(0.12 * width))
    x, y = (int(np.clip(value, half, side - half - 1)) for value, side in ((x, crop.shape[1]), (y, crop.shape[0])))
    return np.asarray(crop[y - half : y + half + 1, x - half : x + half + 1].reshape(-1, 3).mean(0), np.float32)


def _average(pictures: F32, skins: F32) -> tuple[F32, NDArray[np.int64]]:
    """Ratios of the average, (*SIZE, 3), and which pictures it is of."""
    light = pictures[..., 0]
    average = light.mean(0)
    for _ in range(ROUNDS):
        matrices = [_onto(average, picture) for picture in light]
        laid = np.stack([_moved(picture, matrix) for picture, matrix in zip(light, matrices, strict=True)])
        alike = _normalized(laid) @ _normalized(average[None])[0]
        chosen = np.argsort(-alike, kind="stable")[:AVERAGED]
        average = laid[chosen].mean(0)
    colours = np.stack([cv2.cvtColor(picture, cv2.COLOR_LAB2RGB) for picture in pictures[chosen]]).clip(0, 1)
    own = cv2.cvtColor(skins[chosen][None], cv2.COLOR_LAB2RGB)[0].clip(0.05, 1)
    ratios = np.stack([_moved(c / s, matrices[k]) for c, s, k in zip(colours, own, chosen, strict=True)])
    mean = np.asarray(0.5 * ratios.mean(0) + 0.5 * np.median(ratios, axis=0), np.float32)
    mean += np.float32(SHARPENED[0]) * (mean - cv2.GaussianBlur(mean, (0, 0), SHARPENED[1]))
    return np.asarray(mean / np.maximum(membrane(mean, _rim()), 0.05), np.float32), chosen


def _onto(average: F32, picture: F32) -> F32:
    """The translation that lays a picture on the average, (2, 3); none where there is no good one."""
    still = np.eye(2, 3, dtype=np.float32)
    inner = np.s_[8 : SIZE[0] - 8, 8 : SIZE[1] - 8]
    seen, onto = np.ascontiguousarray(picture[inner]), np.ascontiguousarray(average[inner])
    criteria, everywhere = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 1e-3), np.ones(seen.shape, np.uint8)
    try:
        _, matrix = cv2.findTransformECC(onto, seen, still.copy(), cv2.MOTION_TRANSLATION, criteria, everywhere, 5)
    except cv2.error:  # it did not converge
        return still
    return np.asarray(matrix, np.float32) if np.abs(matrix[:, 2]).max() <= MOST_MOVED else still


def _moved(picture: F32, matrix: F32) -> F32:
    flags, border = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(picture, matrix, SIZE[::-1], flags=flags, borderMode=border), np.float32)


def _normalized(pictures: F32) -> F32:
    """The middles of pictures as unit vectors without their means. -> (N, pixels)."""
    middle = pictures[:, 10 : SIZE[0] - 12, 12 : SIZE[1] - 12].reshape(len(pictures), -1)
    middle = middle - middle.mean(1, keepdims=True)
    return np.asarray(middle / np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-6), np.float32)


def _rim() -> F32:
    """1 at the sides of the picture, where ratios are to be 1, and 0 where it shows."""
    return np.asarray((1 - shown() ** 2) ** 2, np.float32)

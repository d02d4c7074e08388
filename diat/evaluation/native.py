"""Whether an edit is as sharp as the photograph it is in, and what it does where it should do nothing.

Figures of the photograph's own pixels, two-sided, so that noise cannot buy sharpness. They need no judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.editor import FaceEditor
from diat.evaluation import metrics
from diat.evaluation.results import NativeFigures
from diat.faces import Face
from diat.native.region import NativeFace, Window, inside, native_face
from diat.pixels import F32, U8

Mask = NDArray[np.bool_]

OCTAVES = 3  # the finest, from one of the photograph's pixels on
FINEST = 0.7  # pixels; standard deviation of the blur that takes the finest octave away
WITHIN = (0.7, 1.4)  # of the detail that was there, that may be left
CHANGED = 3.0  # levels of 255 from which a pixel counts as changed
LEAST = 100  # pixels that a figure must stand on
KEPT_PSNR = 45.0  # dB from which nobody sees a difference
SMALL_SIDE = 160.0  # pixels across a face that is reduced, to see whether the edit is the same
WHOLE: Window = (0, 0, 128, 128)


@dataclass(frozen=True, eq=False)
class Detail:
    """Of one edited face."""

    before: F32  # (OCTAVES,) detail in what changed against untouched skin beside it; NaN where there is none
    after: F32
    ratio: F32  # (OCTAVES,) detail in what changed, after against before
    edge: float  # strength of its edges, after against before
    halo: float  # mean change of colour outside the face, levels of 255


def detail_of(before: U8, after: U8, face: Face) -> Detail | None:
    """Measure an edited photograph against the original, (H, W, 3) each; None where hardly anything changed."""
    region, (left, top, right, bottom) = native_face(before, face.points5, face.points68, WHOLE, 2.0)
    edited, unit = after[top:bottom, left:right], region.scale
    change = edited.astype(np.float32) - region.pixels
    size = np.abs(change).mean(-1)
    crop = inside(region, WHOLE, 0.01) > 0
    changed = (cv2.GaussianBlur(size, (0, 0), max(1.0, 0.35 * unit)) > CHANGED) & crop
    if changed.sum() < LEAST:
        return None
    oval = _filled(region, [_with_forehead(region.points68)])
    near = _grown(changed, 14 * unit) & ~_grown(changed, 1.5 * unit)
    skin = near & oval & ~_features(region) & (size <= 1) & crop
    bands = [_bands(picture) for picture in (region.pixels, edited)]
    amplitudes = [[float(np.median(band[changed])) for band in of_picture] for of_picture in bands]
    first, second = np.maximum(np.array(amplitudes, np.float32), 1e-3)
    beside = np.full(OCTAVES, np.nan, np.float32)
    if skin.sum() >= LEAST:
        beside = np.maximum([float(np.median(band[skin])) for band in bands[0]], 1e-3).astype(np.float32)
    edges = [
        np.percentile(np.abs(cv2.Laplacian(_lightness(p), cv2.CV_32F))[changed], 97) for p in (region.pixels, edited)
    ]
    outside = crop & ~_grown(oval, 3 * unit)
    tint = np.abs(cv2.GaussianBlur(change, (0, 0), 2 * unit)).mean(-1)
    halo = float(tint[outside].mean()) if outside.sum() >= LEAST else float("nan")
    return Detail(first / beside, second / beside, second / first, float(edges[1] / max(edges[0], 1e-3)), halo)


def background_change(before: U8, after: U8, behind: Mask | None) -> float:
    """Mean change of what is background or clothes, levels of 255; NaN where nobody knows what is.

    Args:
        before: (H, W, 3), the photograph.
        after: likewise, edited.
        behind: (H, W), see `diat.data.skin_faces.behind`.
    """
    if behind is None or behind.sum() < LEAST:
        return float("nan")
    return float(np.abs(after[behind].astype(np.float32) - before[behind]).mean())


def native_figures(
    editor: FaceEditor,
    edited: Sequence[tuple[U8, U8, Face]],
    kept: Sequence[tuple[U8, U8, Face]],
    behind: Sequence[Mask | None],
) -> NativeFigures:
    """The figures of a model.

    Args:
        editor: with the model.
        edited: photographs without the attribute, what became of each at strength 1, and the face.
        kept: likewise of those that have it already.
        behind: of each edited photograph, see `background_change`.
    """
    details = [detail for detail in (detail_of(*one) for one in edited) if detail is not None]
    ratios = np.array([detail.ratio for detail in details], np.float64).reshape(-1, OCTAVES)
    before, after = (
        np.array([getattr(detail, name) for detail in details], np.float64).reshape(-1, OCTAVES)
        for name in ("before", "after")
    )
    backgrounds = [background_change(*one[:2], where) for one, where in zip(edited, behind, strict=True)]
    alike = ((ratios >= WITHIN[0]) & (ratios <= WITHIN[1])).all(1)
    return NativeFigures(
        side=float(np.median([_side(face) for *_, face in edited])) if edited else float("nan"),
        detail=tuple(metrics.median(ratio) for ratio in ratios.T),
        beside_before=tuple(metrics.median(_known(values)) for values in before.T),
        beside_after=tuple(metrics.median(_known(values)) for values in after.T),
        within=metrics.share(np.asarray(alike, bool)),
        edge=metrics.median(np.array([detail.edge for detail in details])),
        halo=metrics.median(_known(np.array([detail.halo for detail in details]))),
        background=metrics.median(_known(np.array(backgrounds))),
        unchanged=metrics.share(np.array([psnr_of_face(*one) >= KEPT_PSNR for one in kept], bool)),
        scale=metrics.median(_known(np.array([scale_consistency(editor, *one) for one in edited]))),
    )


def psnr_of_face(before: U8, after: U8, face: Face) -> float:
    """PSNR in dB over the square around the face."""
    region, (left, top, right, bottom) = native_face(before, face.points5, face.points68, WHOLE, 0.0)
    return metrics.psnr(region.pixels, after[top:bottom, left:right])


def scale_consistency(editor: FaceEditor, before: U8, after: U8, face: Face) -> float:
    """PSNR in dB of the edited small photograph against the small edited one; NaN of faces that are small already."""
    factor = SMALL_SIDE / _side(face)
    if factor > 0.8:
        return float("nan")
    size = (round(before.shape[1] * factor), round(before.shape[0] * factor))
    reduced, expected = (
        np.asarray(cv2.resize(p, size, interpolation=cv2.INTER_AREA), np.uint8) for p in (before, after)
    )
    factors = np.array([size[0] / before.shape[1], size[1] / before.shape[0]], np.float32)
    five, many = ((points + 0.5) * factors - 0.5 for points in (face.points5, face.points68))
    small = replace(face, box=face.box * np.tile(factors, 2), points5=five, points68=many)
    return psnr_of_face(expected, editor.edit_frame(reduced, [small]), small)


def _side(face: Face) -> float:
    """Side of the square around the face in pixels."""
    region, _ = native_face(np.zeros((1, 1, 3), np.uint8), face.points5, face.points68, WHOLE, 0.0)
    return 128 * region.scale


def _bands(pixels: U8) -> list[F32]:
    """Magnitudes of the finest octaves of the lightness, finest first. -> (h, w) each."""
    light = _lightness(pixels)
    bands, finer = [], light
    for octave in range(OCTAVES):
        coarser = np.asarray(cv2.GaussianBlur(light, (0, 0), FINEST * 2**octave), np.float32)
        bands.append(np.abs(finer - coarser))
        finer = coarser
    return bands


def _lightness(pixels: U8) -> F32:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32)


def _features(region: NativeFace) -> Mask:
    """Eyes, brows, nostrils and lips, with what lies close to them: no plain skin."""
    p, unit = region.points68, region.scale
    parts = [p[36:42], p[42:48], p[17:22], p[22:27], p[31:36], p[48:60]]
    return _grown(_filled(region, parts), 3 * unit)


def _with_forehead(points68: F32) -> F32:
    """The landmarks and, above the brows, half the distance of the eyes of forehead. -> (N, 2)."""
    eyes = points68[42:48].mean(0) - points68[36:42].mean(0)
    up = np.array([eyes[1], -eyes[0]], np.float32) * 0.5
    return np.vstack([points68, points68[17:27] + up])


def _filled(region: NativeFace, parts: Sequence[F32]) -> Mask:
    """The convex hulls of some points. -> (h, w)."""
    mask = np.zeros(region.shape, np.uint8)
    for points in parts:
        cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    return mask > 0


def _grown(mask: Mask, by: float) -> Mask:
    """A mask and what lies at most so many pixels from it."""
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(distance <= by, bool)


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]

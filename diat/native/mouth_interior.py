"""What shows between parted lips: teeth, tongue and the dark, evaluated at the photograph's own pixels.

Everything is a smooth function of where a pixel lies in the opening and of the face: its light, its landmarks. Two
faces get different mouths, the same face in the next frame of a film the same one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diat.native.region import NativeFace, points_in_template
from diat.pixels import F32, LUMA, channel_sum, smoothstep

RIGHT_CHEEK, LEFT_CHEEK = [2, 31, 48, 4], [14, 35, 54, 12]  # of the 68; right is the person's, left in the picture
LIPS = list(range(48, 60))
LIPS_IN_LIGHT = 0.6  # of the cheeks' luminance, at least, unless the mouth lies in the shade (or is painted dark)
COLOURED = 0.2  # difference of the channels by the luminance, from which skin has its full colour
NO_CHEEK = np.array([190.0, 140.0, 115.0], np.float32)  # where neither lies in the photograph

# Ends of the teeth from the middle of the mouth outwards, in units of half its width, and how far each reaches down
# compared with the first. Widths are those of a dental arch seen from the front: the further back, the narrower.
TOOTH_ENDS = np.array([0.0, 0.25, 0.45, 0.62, 0.76, 0.87, 0.96], np.float32)
TOOTH_LENGTHS = np.array([1.0, 0.90, 0.96, 0.86, 0.80, 0.75], np.float32)

# Enamel in the light of the cheeks: log(enamel) = ENAMEL[0] log(cheek) + ENAMEL[1], luminance of 0..255, fitted to the
# brightest inner-mouth pixels of 700 laughing mouths of CelebAMask-HQ (residual 17 %), and at most `WHITEST` times the
# cheeks in the dark. Its hue is `HUE` of the skin's.
ENAMEL = (0.357, 3.50)
WHITEST = 2.1
HUE = 0.45
CAVITY = np.array([1.5, 0.80, 0.74], np.float32)  # colour of what is dark, by its luminance (same photographs)
TONGUE = np.array([1.38, 0.85, 0.82], np.float32)


@dataclass(frozen=True)
class Interior:
    """How one face's open mouth looks; lengths as fractions of the opening at strength 1."""

    opening: float = 0.92  # factor of the fields' own opening
    teeth: float = 0.42  # how far down the upper teeth reach
    lower_teeth: float = 0.0  # how far up the lower ones reach
    tongue: float = 0.34  # how far up the tongue reaches
    width: float = 1.0  # of the teeth
    offset: float = 0.0  # of the teeth's middle, in units of half the mouth's width
    whiteness: float = 1.0

    @classmethod
    def of(cls, face: NativeFace) -> Interior:
        """A face's own, from its proportions, which differ from person to person and hardly within a film."""
        points = points_in_template(face)
        eyes = max(float(np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0))), 1.0)
        mouth = float(np.linalg.norm(points[54] - points[48])) / eyes
        nose = float(np.linalg.norm(points[33] - points[27])) / eyes
        jaw = float(np.linalg.norm(points[8] - points[57])) / eyes
        base = float(np.linalg.norm(points[35] - points[31])) / eyes
        # Medians and spreads over 1,024 shut mouths of CelebA; tanh keeps odd landmarks harmless.
        a, b = np.tanh((mouth - 0.83) / 0.08), np.tanh((nose - 0.81) / 0.07)
        c, d = np.tanh((jaw - 0.54) / 0.11), np.tanh((base - 0.43) / 0.04)
        return cls(
            opening=float(0.92 + 0.10 * c - 0.06 * a),
            teeth=float(0.42 + 0.07 * b - 0.04 * d),
            lower_teeth=float(0.07 + 0.10 * (d - b) / 2),
            tongue=float(0.34 + 0.07 * (a - c) / 2),
            width=float(1 + 0.07 * d),
            offset=float(0.03 * (b + c) / 2),
            whiteness=float(1 + 0.05 * (c - d) / 2),
        )


@dataclass(frozen=True, eq=False)
class Light:
    """The light on a face: RGB of its skin, and how much lighter it is to the left of the picture than to the right."""

    skin: F32  # (3,)
    slope: float  # relative change of the light from the mouth's middle to its corner at u = 1
    shade: float = 1.0  # of the mouth against the cheeks
    colour: float = 1.0  # 0 where the photograph has none, as of a toned black-and-white one

    @classmethod
    def of(cls, face: NativeFace) -> Light:
        """From the cheeks, as far as the region shows them."""
        sides = [_median_within(face, indices) for indices in (RIGHT_CHEEK, LEFT_CHEEK)]
        seen = [side for side in sides if side is not None] or [NO_CHEEK]
        skin = np.mean(seen, axis=0).astype(np.float32)
        slope = 0.0
        if len(seen) == 2:
            first, last = (max(float(side @ LUMA), 1.0) for side in seen)
            slope = float(np.clip((last - first) / (last + first), -0.35, 0.35))
        lips = _median_within(face, LIPS)
        ratio = 1.0 if lips is None else float(lips @ LUMA) / max(LIPS_IN_LIGHT * float(skin @ LUMA), 1.0)
        colour = float(np.ptp(skin)) / max(COLOURED * float(skin @ LUMA), 1.0)
        return cls(skin, slope, float(np.clip(ratio, 0.5, 1.0)), float(np.clip(colour, 0, 1)))


def interior(down: F32, up: F32, u: F32, opening: float, softness: float, look: Interior, light: Light) -> F32:
    """Teeth, tongue and cavity.

    Args:
        down: (h, w) distance from the upper lip's edge in template units, at least 0.
        up: (h, w) distance from the lower lip's edge.
        u: (h, w) -1 to 1 between the ends of the opening.
        opening: largest height of the opening at strength 1, template units.
        softness: of edges, template units.
        look: the face's own.
        light: on the face.

    Returns:
        (h, w, 3) RGB of 0..255, float.
    """
    level = max(float(light.skin @ LUMA), 1.0)
    lit = light.shade * (1 + light.slope * np.clip(u, -1, 1))
    height = np.maximum(down + up, 1e-3)
    deep = np.clip(down / height, 0, 1)
    sides = np.clip(np.abs(u), 0, 1)
    hue = (light.skin / level) ** HUE  # of the light, as far as the skin's colour tells it
    colour = (level * (0.13 + 0.10 * deep) * (1 - 0.5 * sides**2))[..., None] * (CAVITY * hue)
    tongue = smoothstep(look.tongue * opening * (1 - 0.75 * u**2) - up, high=0.10 * opening)
    colour = colour + tongue[..., None] * (_tongue(u, up / opening, level) * hue - colour)
    if look.lower_teeth > 0:
        reach = look.lower_teeth * opening * (1 - 0.5 * u**2) * smoothstep(0.62 - sides, high=0.10)
        lower = _teeth((u - look.offset) * 1.15 / look.width, up, reach, softness, short=0.8)
        colour = _over(colour, lower, 0.80 * _enamel(light, level, look), sides)
    reach = look.teeth * opening * (1 - 0.24 * u**2) * smoothstep(0.93 - sides, high=0.10)
    upper = _teeth((u - look.offset) / look.width, down, reach, softness)
    colour = _over(colour, upper, _enamel(light, level, look), sides)
    # The lips keep the light from what lies right behind them.
    shade = (1 - 0.36 * np.exp(-down / (0.08 * opening))) * (1 - 0.40 * np.exp(-up / (0.06 * opening)))
    grey = channel_sum(colour)[..., None]
    colour = grey + light.colour * (colour - grey)
    return np.asarray(np.clip(colour * (shade * lit)[..., None], 0, 255), np.float32)


def sharpness(face: NativeFace) -> float:
    """Width of the sharpest edges around the mouth: the Gaussian sigma, in pixels, that would make them of steps.

    For a step so blurred, the largest gradient is sigma sqrt(e) times the largest second derivative.
    """
    grey = cv2.cvtColor(face.pixels, cv2.COLOR_RGB2GRAY)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1)))
    gradient = float(np.percentile(cv2.magnitude(across, down), 99))
    curvature = float(np.percentile(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), 99))
    return float(np.clip(gradient / max(curvature, 1e-3) / np.sqrt(np.e) * 1.4, 0.4, 6.0))


def _median_within(face: NativeFace, indices: list[int]) -> F32 | None:
    corners = np.rint(face.points68[indices]).astype(np.int32)
    (left, top), (right, bottom) = np.maximum(corners.min(0), 0), np.minimum(corners.max(0) + 1, face.shape[::-1])
    if right - left < 2 or bottom - top < 2:
        return None
    step = max(1, int(max(right - left, bottom - top)) // 48)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(corners - np.array([left, top], np.int32)), 1)
    chosen = face.pixels[top:bottom:step, left:right:step][mask[::step, ::step] > 0]
    return np.asarray(np.median(chosen, axis=0), np.float32) if len(chosen) > 8 else None


def _enamel(light: Light, level: float, look: Interior) -> F32:
    tint = 1 + HUE * (light.skin / level - 1)
    bright = min(float(np.exp(ENAMEL[0] * np.log(level) + ENAMEL[1])), WHITEST * level) * look.whiteness
    return np.asarray(np.minimum(bright * tint, 250), np.float32)


def _tongue(u: F32, up: F32, level: float) -> F32:
    """(h, w, 3); up: distance from the lower lip as a fraction of the opening."""
    groove = 1 - 0.14 * np.exp(-((u / 0.06) ** 2))
    bright = level * (0.46 - 0.45 * np.clip(up, 0, 0.6)) * groove
    shine = level * 0.10 * np.exp(-(((up - 0.16) / 0.07) ** 2) - ((np.abs(u) - 0.2) / 0.14) ** 2)
    flesh: F32 = (bright[..., None] * TONGUE + shine[..., None]).astype(np.float32)
    return flesh


def _teeth(u: F32, depth: F32, reach: F32, softness: float, short: float = 1.0) -> tuple[F32, F32]:
    """A row of teeth: how much of each pixel it covers, and its shade between them. (h, w) each."""
    away = np.clip(np.abs(u), 0, TOOTH_ENDS[-1] - 1e-4)
    index = np.searchsorted(TOOTH_ENDS, away.ravel(), side="right").reshape(u.shape) - 1
    first, last = TOOTH_ENDS[index], TOOTH_ENDS[index + 1]
    place = (away - first) / (last - first)  # 0 to 1 within the tooth
    length = reach * TOOTH_LENGTHS[index] ** short * (1 - 0.09 * np.abs(2 * place - 1) ** 3.5)
    z = np.clip((length - depth) / (0.5 * softness), -30, 30)
    covered = np.clip(reach / softness, 0, 1) / (1 + np.exp(-z))
    # Lines between teeth: as thin as the photograph shows them, deeper towards the ends of the teeth.
    per_pixel = np.maximum(np.abs(np.gradient(u, axis=1)), 1e-5)
    grain = np.abs(np.gradient(depth, axis=0)).mean() + 1e-6  # template units of one pixel
    edge = np.minimum(place, 1 - place) * (last - first) / per_pixel * grain
    deep = np.clip(depth / np.maximum(length, 1e-3), 0, 1)
    wide = max(0.22, 0.7 * softness)  # a line that the photograph cannot show as thin is fainter
    line = 1 - (0.10 + 0.26 * deep**2) * (0.22 / wide) * np.exp(-((edge / wide) ** 2))
    round_ = 0.94 + 0.06 * np.sin(np.pi * place)
    tips = 1 - 0.10 * np.clip(deep - 0.78, 0, 1) / 0.22  # their ends are translucent
    return covered.astype(np.float32), (line * round_ * tips).astype(np.float32)


def _over(colour: F32, teeth: tuple[F32, F32], enamel: F32, sides: F32) -> F32:
    covered, shade = teeth
    lit = shade * (1 - 0.55 * sides**2)  # teeth lie in an arch: those at its sides are in the shade
    over: F32 = colour + covered[..., None] * (enamel * lit[..., None] - colour)
    return over

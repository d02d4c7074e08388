"""How a mouth is shut and opened with its own lips, as fields: what the mouths' field networks learn.

Everything is laid out along the mouth's own axes, x through its corners and y down the chin, so that a turned or tilted
head is treated as one that looks straight. Lengths are template pixels (1/128 of the aligned crop).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diat.pixels import F32

UPPER_OUTER, LOWER_OUTER = [48, 49, 50, 51, 52, 53, 54], [48, 59, 58, 57, 56, 55, 54]
UPPER_INNER, LOWER_INNER = [60, 61, 62, 63, 64], [60, 67, 66, 65, 64]
NOSE, JAW, MIDDLES = 33, list(range(4, 13)), [51, 62, 66, 57]
DISTANCE_LIMIT = 16.0  # signed distances are not told apart beyond this many template pixels
ACROSS_LIMIT = 1.6


@dataclass(frozen=True)
class MouthMotion:
    """How lips move. Set by eye on training photographs; lengths in template pixels unless said otherwise."""

    upper_share: float = 0.35  # of the gap that the upper lip covers when the mouth shuts; the jaw does the rest
    wide: float = 5.0  # a gap from which a mouth counts as wide open
    beyond: float = 2.0  # by which the gap of a mouth wide open goes on beyond its corners' landmarks
    cut: float = 0.7  # by which each lip is cut into, or slivers of teeth stay
    corner_cut: float = 1.4  # by which more towards the corners, where edges are not looked for in the picture
    fuller: float = 0.4  # by which lips that a laugh had stretched thicken as they come to rest (fraction)
    narrower: float = 0.16  # by which such a mouth becomes narrower (fraction)
    lower_corners: float = 0.15  # by which its corners sink, as a fraction of half its width
    opening: float = 0.31  # gap of a mouth that is opened, as a fraction of its width
    opened_width: float = 0.92  # of the mouth that parts: its corners stay shut
    opened_narrower: float = 0.05  # by which a mouth becomes narrower when its jaw drops (fraction)
    upper_lift: float = 0.2  # of the opening that the upper lip gives; the jaw gives the rest
    roundness: float = 0.8  # exponent of the opening's outline, 1 - u^2: 0.5 is an ellipse


MOTION = MouthMotion()


@dataclass(frozen=True, eq=False)
class MouthShape:
    """A mouth in its own axes: x from -half to half between the corners, y down; curves are sampled at `columns`."""

    origin: F32  # (2,) template coordinates of the middle between the corners
    along: F32  # (2,) unit vector from the right corner (left in the picture) to the other
    half: float  # half the distance of the corners
    middle: float  # x of the lips' middle: not 0 where the head is turned
    columns: F32  # (K,) x
    upper: F32  # (K,) the lips' outer edges
    lower: F32
    inner_upper: F32  # where teeth begin
    inner_lower: F32
    nose: F32  # what stays where it is
    chin: F32

    @classmethod
    def of(cls, points68: F32) -> MouthShape:
        """The mouth of a face. points68: (68, 2) template coordinates."""
        right, left = points68[[48, 60]].mean(0), points68[[54, 64]].mean(0)
        origin, distance = (right + left) / 2, max(float(np.linalg.norm(left - right)), 1e-3)
        along = (left - right) / distance
        points = (points68 - origin) @ np.stack([along, _down(along)], 1)
        columns = np.arange(-64.0, 64.5, 0.5)

        def curve(indices: list[int]) -> F32:
            line = points[indices][np.argsort(points[indices][:, 0])]
            return _smoothed(np.interp(columns, line[:, 0], line[:, 1]))

        upper, lower = curve(UPPER_OUTER), curve(LOWER_OUTER)
        return cls(
            origin.astype(np.float32), along.astype(np.float32), distance / 2,
            float(np.clip(points[MIDDLES, 0].mean(), -0.5 * distance / 2, 0.5 * distance / 2)),
            columns.astype(np.float32), upper, lower, curve(UPPER_INNER), curve(LOWER_INNER),
            np.minimum(points[NOSE, 1], upper - 2).astype(np.float32), np.maximum(curve(JAW), lower + 4),
        )  # fmt: skip

    def own(self, x: F32, y: F32) -> tuple[F32, F32]:
        """Template coordinates in the mouth's axes."""
        x, y = x - self.origin[0], y - self.origin[1]
        down = _down(self.along)
        return x * self.along[0] + y * self.along[1], x * down[0] + y * down[1]

    def turned(self, x: F32, y: F32) -> tuple[F32, F32]:
        """A vector in the mouth's axes along the template's."""
        down = _down(self.along)
        return x * self.along[0] + y * down[0], x * self.along[1] + y * down[1]

    def at(self, values: F32, x: F32) -> F32:
        """A curve's values at other columns."""
        return np.interp(x, self.columns, values).astype(np.float32)

    def across(self, x: F32) -> F32:
        """-1 to 1 between the corners and 0 in the lips' middle, foreshortened as by a camera."""
        to_right, to_left = self.half + self.middle, self.half - self.middle
        a, b = 2 * to_right * to_left / (2 * self.half), (to_left - to_right) / (2 * self.half)
        x = x - self.middle
        u: F32 = np.clip(x / np.maximum(a + b * x, 0.2 * self.half), -ACROSS_LIMIT, ACROSS_LIMIT).astype(np.float32)
        return u


def window_grid(window: tuple[int, int, int, int], width: int, height: int) -> tuple[F32, F32]:
    """Template coordinates x and y, (height, width) each, of the cells of a map laid over a window."""
    left, top, right, bottom = window
    x = left - 0.5 + (np.arange(width) + 0.5) * (right - left) / width
    y = top - 0.5 + (np.arange(height) + 0.5) * (bottom - top) / height
    columns, rows = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return columns, rows


def close_fields(mouth: MouthShape, x: F32, y: F32, motion: MouthMotion = MOTION) -> F32:
    """The fields that shut a mouth.

    Args:
        mouth: as it is.
        x: (h, w) template coordinates of the fields' cells.
        y: likewise.
        motion: how far lips move.

    Returns:
        (5, h, w): upper_dx, upper_dy, lower_dx, lower_dy (where the upper and the lower layer of the result are taken
        from, relative to the cell) and seam (signed distance to where they meet, above it positive).
    """
    own_x, own_y = mouth.own(x, y)
    gap = np.maximum(mouth.inner_lower - mouth.inner_upper, 0) * (np.abs(mouth.columns) < mouth.half)
    widest = float(gap.max())
    wide = float(np.clip(widest / motion.wide, 0, 1))
    # Landmarks lie on the lips' edges to a pixel or two. The corners of a mouth wide open are no points: the gap goes
    # on beyond them.
    inwards = np.clip((mouth.half - np.abs(mouth.columns) + motion.beyond * wide) / 2, 0, 1)
    least = np.clip(0.4 + 0.6 * widest / 7, 0.4, 1)
    aside = np.clip((np.abs(mouth.columns) / mouth.half - 0.55) / 0.3, 0, 1)
    cut = (motion.cut + motion.corner_cut * aside) * inwards * np.clip(widest / 2, 0, 1) * np.clip(gap, least, 1)
    upper_edge, gap = mouth.inner_upper - cut, gap + 2 * cut
    down = (motion.upper_share * gap).astype(np.float32)
    seam = upper_edge + down
    rest_x, rest_y = _rested(mouth, own_x, own_y, seam, wide, motion)

    def at(values: F32) -> F32:
        return mouth.at(values, rest_x)

    above = above_rows(rest_y, at(mouth.nose), at(mouth.upper), at(-down))
    below = below_rows(rest_y, at(mouth.chin), at(mouth.lower), at(down - gap))
    layers = [*mouth.turned(rest_x - own_x, above - own_y), *mouth.turned(rest_x - own_x, below - own_y)]
    return np.stack([*layers, np.clip(at(seam) - rest_y, -DISTANCE_LIMIT, DISTANCE_LIMIT)]).astype(np.float32)


def open_fields(mouth: MouthShape, x: F32, y: F32, motion: MouthMotion = MOTION) -> F32:
    """The fields that open a mouth.

    Args:
        mouth: as it is.
        x: (h, w) template coordinates of the fields' cells.
        y: likewise.
        motion: how far lips move.

    Returns:
        (7, h, w): upper_dx, upper_dy, lower_dx, lower_dy, upper_edge and lower_edge (signed distances to the lips'
        inner edges, positive on the lips) and across (-1 to 1 between the ends of the opening).
    """
    own_x, own_y = mouth.own(x, y)
    near = _near(own_x / (1.5 * mouth.half), own_y / (1.1 * mouth.half), mouth, own_y)
    wide_x: F32 = (own_x * (1 + motion.opened_narrower * near)).astype(np.float32)
    u = mouth.across(mouth.columns / np.float32(motion.opened_width))
    opened = 2 * mouth.half * motion.opening * np.clip(1 - u**2, 0, 1) ** motion.roundness
    up, down = motion.upper_lift * opened, (1 - motion.upper_lift) * opened
    seam = (mouth.inner_upper + mouth.inner_lower) / 2

    def at(values: F32) -> F32:
        return mouth.at(values, wide_x)

    above = above_rows(own_y, at(mouth.nose), at(mouth.upper), at(up))
    below = below_rows(own_y, at(mouth.chin), at(mouth.lower), at(down))
    layers = [*mouth.turned(wide_x - own_x, above - own_y), *mouth.turned(wide_x - own_x, below - own_y)]
    edges = at(seam - up) - own_y, own_y - at(seam + down)
    across = mouth.across(wide_x / np.float32(motion.opened_width))
    return np.stack([*layers, *(np.clip(edge, -DISTANCE_LIMIT, DISTANCE_LIMIT) for edge in edges), across]).astype(
        np.float32
    )


def kept_fields(mouth: MouthShape, x: F32, y: F32, opens: bool) -> F32:
    """The fields that leave a mouth as it is, in the shape of `open_fields` or `close_fields`."""
    own_x, own_y = mouth.own(x, y)
    middle: F32 = ((mouth.inner_upper + mouth.inner_lower) / 2).astype(np.float32)
    seam = np.clip(mouth.at(middle, own_x) - own_y, -DISTANCE_LIMIT, DISTANCE_LIMIT)
    still = [np.zeros_like(own_x)] * 4
    last = [seam, -seam, mouth.across(own_x / np.float32(MOTION.opened_width))] if opens else [seam]
    return np.stack([*still, *last]).astype(np.float32)


def _down(along: F32) -> F32:
    return np.array([-along[1], along[0]], along.dtype)


def _smoothed(values: F32) -> F32:
    """A curve, sampled every half pixel, without its kinks at the landmarks: a triangle of two pixels on each side."""
    kernel = np.convolve(np.ones(4), np.ones(4)) / 16
    padded = np.pad(values, 3, mode="edge")
    return np.convolve(padded, kernel, mode="valid").astype(np.float32)


def _near(u: F32, v: F32, mouth: MouthShape, own_y: F32) -> F32:
    """1 at the mouth, 0 far from it and above the nose."""
    below_nose = np.clip((own_y - mouth.nose.mean()) / mouth.half, 0, 1)
    near: F32 = (np.exp(-0.7 * (u**4 + v**4)) * below_nose).astype(np.float32)
    return near


def _rested(mouth: MouthShape, x: F32, y: F32, seam: F32, wide: float, motion: MouthMotion) -> tuple[F32, F32]:
    """Where a mouth that has come to rest is taken from in one just shut: lips fuller, narrower, the corners lower."""
    from_seam = y - mouth.at(seam, x)
    u, v = x / (1.25 * mouth.half), from_seam / (0.75 * mouth.half)
    near = _near(u, v, mouth, y)
    fuller = from_seam * (1 / (1 + motion.fuller * wide) - 1) * np.exp(-((1.6 * v) ** 4))
    lower = motion.lower_corners * wide * np.clip(np.abs(u), 0, 1.2) ** 2 * mouth.half
    return x * (1 + motion.narrower * wide * near), y + (fuller - lower) * near


def above_rows(y: F32, nose: F32, lip: F32, up: F32) -> F32:
    """Rows to take where the upper lip moves up (below 0, down): it keeps its shape; the skin to the nose gives way."""
    pressed = nose + (y - nose) * (lip - nose) / np.maximum(lip - up - nose, 1e-3)
    rows: F32 = np.where(y < nose, y, np.where(y < lip - up, pressed, y + up))
    return rows


def below_rows(y: F32, chin: F32, lip: F32, down: F32) -> F32:
    """Rows to take where the lower lip moves down (below 0, up): it keeps its shape; the skin to the chin gives way."""
    pressed = chin - (chin - y) * (chin - lip) / np.maximum(chin - lip - down, 1.0)
    rows: F32 = np.where(y > chin, y, np.where(y > lip + down, pressed, y - down))
    return rows

"""A film's colours: from its frames to RGB and back without a shift, whatever matrix and range the film uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diat.pixels import U8

# AVColorSpace, AVColorRange and so on of FFmpeg's libavutil/pixfmt.h, whose numbers are those of ITU-T H.273.
BT709, UNSPECIFIED, SMPTE170M = 1, 2, 6
LIMITED_RANGE, FULL_RANGE = 1, 2
# From the matrices that swscale converts to (H.273) to its own numbers; any other film is written as BT.709.
SWSCALE_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
# Without a tag, players take BT.709 for HD and BT.601 for less; this is the line that FFmpeg's players and VLC draw.
HD_HEIGHT, HD_WIDTH = 577, 1280


def exact_conversion() -> Any:
    """How swscale is to convert: its quick ways are off by more than a level, these give a film's own frame back."""
    from av.video.reformatter import Interpolation as Flag

    return Flag.BICUBIC | Flag.ACCURATE_RND | Flag.FULL_CHR_H_INT | Flag.FULL_CHR_H_INP


@dataclass(frozen=True)
class FilmColours:
    """What a film says of its colours, as H.273 numbers."""

    matrix: int  # the tag, `UNSPECIFIED` where there is none
    range: int  # 0 where it does not say
    primaries: int
    transfer: int
    conversion: int  # the matrix to convert with: the tag, or what a player takes without one

    @classmethod
    def of_frame(cls, frame: Any) -> FilmColours:
        """Of a decoded `av.VideoFrame`."""
        matrix = int(frame.colorspace)
        hd = frame.height >= HD_HEIGHT or frame.width >= HD_WIDTH
        conversion = matrix if matrix in SWSCALE_MATRIX else BT709 if hd or matrix != UNSPECIFIED else SMPTE170M
        if matrix != UNSPECIFIED:
            matrix = conversion
        return cls(matrix, int(frame.color_range), int(frame.color_primaries), int(frame.color_trc), conversion)

    def tag(self, codec: Any) -> None:
        """Write them into the codec context of the film to be made, before its first frame."""
        codec.colorspace, codec.color_range = self.matrix, self.range
        codec.color_primaries, codec.color_trc = self.primaries, self.transfer

    def from_rgb(self, pixels: U8, pixel_format: str) -> Any:
        """(H, W, 3) RGB -> an `av.VideoFrame` in these colours."""
        import av

        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
            format=pixel_format,
            dst_colorspace=SWSCALE_MATRIX[self.conversion],
            dst_color_range=self.range or LIMITED_RANGE,
            interpolation=exact_conversion(),
        )
        frame.colorspace, frame.color_range = self.matrix, self.range
        return frame


def upright(frame: Any) -> U8:
    """A decoded `av.VideoFrame` as (H, W, 3) RGB, turned as its container says that it is shown."""
    tag = frame.colorspace
    frame.colorspace = FilmColours.of_frame(frame).conversion
    rgb = frame.reformat(format="rgb24", interpolation=exact_conversion())
    frame.colorspace = tag
    turns = round(getattr(frame, "rotation", 0) / 90) % 4  # counter-clockwise
    picture: U8 = np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns))
    return picture

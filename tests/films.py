"""Films that tests make and look into."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from diat.video.colours import exact_conversion, upright

RATE = 25


def film(
    path: Path,
    frames: list[np.ndarray],
    sound: bool = True,
    tags: tuple[int, int, int, int] = (2, 0, 2, 2),
    live: bool = False,
) -> Path:
    """H.264 at 25 frames a second with a tone.

    ``tags``: matrix, range, primaries and transfer as H.273 has them; without any, of BT.601. ``live``: a Matroska
    that does not say how long it is.
    """
    matrix, limits, *_ = tags
    with av.open(str(path), "w", options={"live": "1"} if live else {}) as container:
        video = container.add_stream("libx264", rate=RATE, options={"crf": "10"})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv444p" if frames[0].shape[0] % 2 or frames[0].shape[1] % 2 else "yuv420p"
        codec = video.codec_context
        codec.colorspace, codec.color_range, codec.color_primaries, codec.color_trc = tags
        audio = container.add_stream("aac", rate=44100) if sound else None
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format=video.pix_fmt,
                dst_colorspace=5 if matrix in (2, 6) else matrix,  # swscale's number of BT.601
                dst_color_range=limits or 1,
                interpolation=exact_conversion(),
            )
            picture.colorspace, picture.color_range = matrix, limits
            container.mux(video.encode(picture))
        container.mux(video.encode())
        if audio is not None:
            tone = np.sin(np.arange(44100 * len(frames) // RATE) * 0.06).astype(np.float32)
            for start in range(0, len(tone) - 1023, 1024):
                block = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
                block.sample_rate, block.pts, block.time_base = 44100, start, Fraction(1, 44100)
                container.mux(audio.encode(block))
            container.mux(audio.encode())
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [upright(frame) for frame in container.decode(video=0)]


def facts(path: Path) -> dict[str, object]:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        packets = [bytes(packet) for packet in container.demux(audio=0)] if container.streams.audio else []
        return {
            "size": (video.width, video.height),
            "rate": video.average_rate,
            "frames": video.frames,
            "seconds": round(float(video.duration * video.time_base), 3),
            "sound": packets,
        }

"""The film that comes out: new pictures, the sound packets of the original, its colours, rate and time stamps."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from diat.pixels import U8
from diat.provenance import DIGITAL_SOURCE_TYPE, labelled
from diat.video.colours import FilmColours
from diat.video.reader import DEFAULT_RATE
from diat.watermark import watermarked

if TYPE_CHECKING:
    import av.container

# libx264: no visible loss, at a speed that does not hold the network up.
ENCODER_OPTIONS = {"crf": "18", "preset": "veryfast"}
MICROSECONDS = 1_000_000  # in which FFmpeg counts a container's time


class FilmWriter:
    """Writes the edited frames of a film as H.264, and copies its sound.

    Args:
        original: the film that is read.
        result: the container to write to.
        maker: what the file says of its maker, see `diat.provenance.edited_by`; None for a film that was not edited,
            which carries no mark but what the original's file says of earlier edits.
        label: write `diat.provenance.LABEL` into every frame that carries a mark.
        start: seconds of the original that are cut off; time stamps count from there.
        before_after: put the original at the left of each picture.
    """

    def __init__(
        self,
        original: av.container.InputContainer,
        result: av.container.OutputContainer,
        maker: str | None,
        label: bool = False,
        start: float = 0.0,
        before_after: bool = False,
    ) -> None:
        self._marked, self._label, self._before_after = maker is not None, label and maker is not None, before_after
        # A film may count from another second than 0; what is cut in full keeps that.
        self._cut = start + (original.start_time or 0) / MICROSECONDS if start else 0.0
        self._original, self._result = original.streams.video[0], result
        if maker is not None:
            result.metadata.update({"comment": f"{maker}; {DIGITAL_SOURCE_TYPE}", "encoder": maker})
        elif DIGITAL_SOURCE_TYPE in (said := original.metadata.get("comment", "")):
            result.metadata["comment"] = said
        self._copies: dict[Any, Any] = {
            stream: result.add_stream_from_template(stream)
            for stream in original.streams.audio
            if stream.codec_context is not None  # of an unknown codec: nothing could play it
        }
        self._pictures: Any = None
        self._colours: FilmColours | None = None
        self._waiting: list[Any] = []  # packets of sound

    @property
    def sound(self) -> list[Any]:
        """The streams of the original whose packets are to be copied."""
        return list(self._copies)

    def copy(self, packet: Any) -> None:
        """Copy a packet of sound."""
        if packet.dts is not None:
            shift = round(self._cut / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts -= shift
            packet.stream = self._copies[packet.stream]
            self._waiting.append(packet)
        self._flush_sound()

    def write(self, picture: U8, source: Any, original: U8) -> None:
        """Write the next frame.

        Args:
            picture: (H, W, 3) RGB; the invisible mark is put into it, if the film was edited.
            source: the decoded `av.VideoFrame` that it was, whose time stamp and colours it takes.
            original: (H, W, 3) RGB, what it was before.
        """
        if self._label:
            picture = labelled(picture)
        if self._before_after:
            picture = np.concatenate([original, picture], axis=1)
        if self._pictures is None or self._colours is None:
            self._colours = FilmColours.of_frame(source)
            self._pictures = self._add_pictures(picture.shape, self._colours)
        picture = watermarked(picture) if self._marked else picture
        frame = self._colours.from_rgb(picture, self._pictures.pix_fmt)
        frame.pts, frame.time_base = source.pts, source.time_base
        if frame.pts is not None:
            frame.pts -= round(self._cut / frame.time_base)
        self._result.mux(self._pictures.encode(frame))

    def finish(self) -> bool:
        """Write what waits. Returns whether there was a frame at all."""
        if self._pictures is None:
            return False
        self._flush_sound()
        self._result.mux(self._pictures.encode())
        return True

    def _flush_sound(self) -> None:
        # The first packet written closes the list of streams, so the pictures' stream comes first.
        if self._pictures is not None:
            for packet in self._waiting:
                self._result.mux(packet)
            self._waiting.clear()

    def _add_pictures(self, shape: tuple[int, ...], colours: FilmColours) -> Any:
        """The stream of the pictures, of the original's rate and time base."""
        rate = self._original.average_rate or Fraction(DEFAULT_RATE)
        stream: Any = self._result.add_stream("libx264", rate=rate, options=dict(ENCODER_OPTIONS))
        stream.height, stream.width = shape[:2]
        # Halved colour needs even sides.
        stream.pix_fmt = "yuv420p" if shape[0] % 2 == shape[1] % 2 == 0 else "yuv444p"
        stream.time_base = stream.codec_context.time_base = self._original.time_base
        colours.tag(stream.codec_context)
        return stream

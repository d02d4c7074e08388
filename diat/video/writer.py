"""The film that comes out: new pictures, the sound packets of the original, its colours, rate and time stamps."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from diat.pixels import U8
from diat.provenance import DIGITAL_SOURCE_TYPE, labelled
from diat.video.colours import FilmColours
from diat.watermark import watermarked

if TYPE_CHECKING:
    import av.container

# libx264: no visible loss, at a speed that does not hold the network up.
ENCODER_OPTIONS = {"crf": "18", "preset": "veryfast"}
DEFAULT_RATE = Fraction(25)  # frames a second, of a film that does not say


class FilmWriter:
    """Writes the edited frames of a film as H.264, and copies its sound.

    Args:
        original: the film that is read.
        result: the container to write to.
        edited_by: what the file says of its maker, see `diat.provenance.edited_by`.
        label: write `diat.provenance.LABEL` into every frame.
    """

    def __init__(
        self,
        original: av.container.InputContainer,
        result: av.container.OutputContainer,
        edited_by: str,
        label: bool = False,
    ) -> None:
        self._label = label
        self._original, self._result = original.streams.video[0], result
        result.metadata.update({"comment": f"{edited_by}; {DIGITAL_SOURCE_TYPE}", "encoder": edited_by})
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
            packet.stream = self._copies[packet.stream]
            self._waiting.append(packet)
        self._flush_sound()

    def write(self, picture: U8, source: Any) -> None:
        """Write the next frame.

        Args:
            picture: (H, W, 3) RGB; the invisible mark is put into it.
            source: the decoded `av.VideoFrame` that it was, whose time stamp and colours it takes.
        """
        if self._pictures is None or self._colours is None:
            self._colours = FilmColours.of_frame(source)
            self._pictures = self._add_pictures(picture.shape, self._colours)
        picture = watermarked(labelled(picture) if self._label else picture)
        frame = self._colours.from_rgb(picture, self._pictures.pix_fmt)
        frame.pts, frame.time_base = source.pts, source.time_base
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
        rate = self._original.average_rate or DEFAULT_RATE
        stream: Any = self._result.add_stream("libx264", rate=rate, options=dict(ENCODER_OPTIONS))
        stream.height, stream.width = shape[:2]
        # Halved colour needs even sides.
        stream.pix_fmt = "yuv420p" if shape[0] % 2 == shape[1] % 2 == 0 else "yuv444p"
        stream.time_base = stream.codec_context.time_base = self._original.time_base
        colours.tag(stream.codec_context)
        return stream

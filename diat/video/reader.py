"""The film that goes in: the pictures of a part of it one after the other, and the sound that belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from diat.video.part import Part

if TYPE_CHECKING:
    import av
    import av.container

MAX_DECODED = 5000  # frames of a film that does not say how long it is, of which some are looked at
DEFAULT_RATE = 25  # frames a second, of a film that does not say
INDEXED = "mov"  # FFmpeg's name of MP4 and MOV, which list their key frames; of others it may miss the one before


class FilmReader:
    """Decodes the pictures of a film, or of a part of it, and hands its packets of sound on.

    Args:
        film: open for reading.
        part: what of it is wanted.
        sound: the streams whose packets are wanted.
        copy: takes such a packet.
        max_pixels: of a picture; they may grow within a film.
    """

    def __init__(
        self,
        film: av.container.InputContainer,
        part: Part,
        sound: list[Any],
        copy: Callable[[Any], None],
        max_pixels: int,
    ) -> None:
        import av

        self._film, self._part, self._sound, self._copy = film, part, sound, copy
        self._video = film.streams.video[0]
        self._video.thread_type = "AUTO"
        self._video.codec_context.options = {"max_pixels": str(max_pixels)}
        self._zero = (film.start_time or 0) / av.time_base  # players count from there
        self._seen = 0
        self._begun = part.start == 0
        self.damaged = 0  # pictures that could not be decoded

    def frames(self) -> Iterator[tuple[Any, float]]:
        """Each `av.VideoFrame`, and its seconds from the part's start."""
        import av

        if self._part.start > 0 and self._film.format.name.startswith(INDEXED):
            self._film.seek(int((self._zero + self._part.start) * av.time_base))  # the key frame before
        open_streams = {self._video, *self._sound}  # whose part of the film is not over
        for packet in self._film.demux(self._video, *self._sound):
            if packet.stream not in open_streams:
                continue
            if packet.stream is not self._video:
                if self._takes_sound(packet):
                    open_streams.remove(packet.stream)
            else:
                yield from self._decoded(packet, open_streams)
            if not open_streams:
                return

    def _takes_sound(self, packet: Any) -> bool:
        """Hand a packet of sound on, if it is of the part. Returns whether the part is over."""
        if self._part.whole or packet.pts is None:
            self._copy(packet)
            return False
        seconds = self._seconds(packet)
        if self._part.is_over(seconds):
            return True
        if not self._part.is_before(seconds):
            self._copy(packet)
        return False

    def _decoded(self, packet: Any, open_streams: set[Any]) -> Iterator[tuple[Any, float]]:
        import av

        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            self.damaged += self._begun  # after a seek, what the first pictures need may be missing
            return
        for frame in frames:
            # Without a time stamp, as if shown at a usual rate.
            seconds = self._seen / DEFAULT_RATE if frame.pts is None else self._seconds(frame)
            self._seen += 1
            if self._part.is_over(seconds):
                open_streams.discard(self._video)
                return
            if not self._part.is_before(seconds):
                self._begun = True
                yield frame, seconds - self._part.start

    def _seconds(self, timed: Any) -> float:
        return float(timed.pts * timed.time_base) - self._zero


def from_all_over(film: av.container.InputContainer, most: int) -> Iterator[av.VideoFrame]:
    """Some frames, evenly spread over a film, of those that can be decoded: at most ``most``, at least half as many."""
    import av

    film.streams.video[0].thread_type = "AUTO"
    if not film.duration:
        yield from thinned(islice(film.decode(video=0), MAX_DECODED), most)
        return
    for number in range(most):
        moment = (film.start_time or 0) + film.duration * number // most
        with suppress(OSError, ValueError):
            film.seek(moment)
            for frame in film.decode(video=0):  # from the key frame before
                if frame.time is None or frame.time * av.time_base >= moment:
                    yield frame
                    break


def thinned(items: Iterable[Any], most: int) -> list[Any]:
    """Some of any number of items, evenly spread: at most ``most``, at least half as many, and no more are held."""
    kept: list[Any] = []
    step = 1
    for number, item in enumerate(items):
        if number % step == 0:
            kept.append(item)
        if len(kept) > most:
            kept, step = kept[::2], 2 * step
    return kept

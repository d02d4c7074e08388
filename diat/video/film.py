"""Films: frames in, frames out, the faces followed through time; sound, colours and time stamps as they were."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diat.attributes import check_strength
from diat.editor import FaceEditor
from diat.errors import DiatError, InvalidArgument, PhotoRejected
from diat.faces import FaceDetector
from diat.files import process_aside
from diat.pixels import U8
from diat.provenance import edited_by
from diat.video.choice import FilmFaces, TrackChooser, check_film_faces
from diat.video.colours import upright
from diat.video.part import Part
from diat.video.reader import FilmReader
from diat.video.report import Progress, VideoReport
from diat.video.steady import FilmFrameEditor
from diat.video.tracking import FaceTracker
from diat.video.writer import FilmWriter

if TYPE_CHECKING:
    import av.container

logger = logging.getLogger(__name__)

SUFFIXES = (".mp4", ".mov", ".m4v")  # of results
# FFmpeg's names of the containers that are opened. Playlists, which name other files and addresses, are not.
CONTAINERS = ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg")
MAX_PIXELS = 3840 * 2160
MIN_SIDE = 16  # pixels; optical flow needs as many
MAX_RATE = 120  # frames a second; a film of so many seconds has at most so many times this
DETECTION_INTERVAL = 0.2  # seconds of film


def edit_video(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    editor: FaceEditor,
    faces: FilmFaces = "largest",
    strength: float = 1.0,
    progress: Callable[[Progress], bool] | None = None,
    max_seconds: float | None = None,
    apply_anyway: bool = False,
    label: bool = False,
    start: float = 0.0,
    end: float | None = None,
    before_after: bool = False,
) -> VideoReport:
    """Edit an attribute in every frame of a video, or of a part of it.

    The result appears under its name when it is whole. Size, rate, time stamps, sound and colours (matrix, range,
    primaries, transfer) are the original's; pictures are written with 8 bits a channel. Unless nothing was changed, the
    file and its pictures carry a mark.

    Args:
        source: an MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV or Ogg video of at most 3840x2160 pixels.
        target: the result, H.264 with the sound as it was, ending in .mp4, .mov or .m4v.
        editor: of the attribute.
        faces: ``"largest"`` that can be edited, ``"all"``, or the index from 0, largest first, of a person in the first
            frame that shows a face, who is followed through cuts by a recogniser.
        strength: factor of the edit, 0 to 1.5.
        progress: called after each frame; it returns whether to go on.
        max_seconds: the longest film, or part of one, that is taken; None takes any.
        apply_anyway: also change faces that have the attribute already, where anything is then seen to change.
        label: write "Edited with AI" into the corner of every frame of a film that carries marks.
        start, end: seconds between which the film is taken; None for its end.
        before_after: show the original at the left of the result, which is then twice as wide.

    Raises:
        PhotoRejected: the file is no such video, or too large or too long.
        InvalidArgument: ``target``, ``faces``, ``strength``, ``start`` or ``end`` are none of the above.
        ImportError: PyAV is not installed.
        DiatError: the work was stopped, or the result cannot be written; nothing is left behind.

    Example:
        >>> diat.edit_video("talk.mp4", "closed.mp4", diat.FaceEditor.from_pretrained("mouth_close"))
    """
    av = _pyav()
    source, target, part = Path(source), _checked(Path(target), faces, strength), Part(start, end)
    with _made_aside(source, target) as aside:

        def written(strength: float, maker: str | None) -> VideoReport:
            with open_film(source) as original:
                _check_duration(float(original.duration or 0) / av.time_base, part, max_seconds)
                with av.open(str(aside), "w", options={"movflags": "+faststart+use_metadata_tags"}) as result:
                    writer = FilmWriter(original, result, maker, label, start, before_after)
                    frames = FilmFrameEditor(editor, strength, apply_anyway)
                    return VideoJob(original, part, writer, frames, editor.detector, faces, progress, max_seconds).run()

        report = written(strength, edited_by(editor.spec.name, strength))
        if not report.changed:  # which nobody knew before its end: once more, without marks
            report = replace(report, seconds=report.seconds + written(0.0, None).seconds)
    logger.info("edited film attribute=%s strength=%g %s", editor.spec.name, strength, report)
    return report


def _pyav() -> Any:
    try:
        import av
    except ImportError:
        raise ImportError("Videos need PyAV: run `pip install 'diat[video]'`.", name="av") from None
    return av


@contextmanager
def _made_aside(source: Path, target: Path) -> Iterator[Path]:
    """Where the result grows; it gets its name when it is whole."""
    import av

    aside = process_aside(target)
    try:
        yield aside
        aside.replace(target)
    except av.error.FFmpegError as error:
        raise PhotoRejected(f"{source.name} cannot be edited ({error.strerror}): use another video.") from error
    except OSError as error:
        raise DiatError(f"{target} cannot be written ({error.strerror}): choose another place.") from error
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def open_film(source: Path) -> Iterator[av.container.InputContainer]:
    """A film, open for reading.

    Raises:
        PhotoRejected: it is no film that can be edited.
    """
    import av

    try:
        container = av.open(f"file:{source}", options={"format_whitelist": ",".join(CONTAINERS)})
    except av.error.ArgumentError as error:  # of another format: a picture, a playlist
        raise PhotoRejected(
            f"{source.name} is not a video (MP4, MOV, MKV, WebM, AVI): use another. Photographs go to diat edit."
        ) from error
    except av.error.FileNotFoundError as error:
        raise PhotoRejected(f"There is no {source}: give a video.") from error
    except av.error.FFmpegError as error:
        raise PhotoRejected(f"{source.name} is not a video ({error.strerror}): use another video.") from error
    with container:
        if not container.streams.video:
            raise PhotoRejected(f"{source.name} has sound but no picture: use another video.")
        video = container.streams.video[0]
        if video.codec_context is None:
            raise PhotoRejected(f"{source.name} is in an unknown format (codec): convert it to H.264.")
        _check_size(video.codec_context.width, video.codec_context.height)
        yield container


def _checked(target: Path, faces: FilmFaces, strength: float) -> Path:
    if target.suffix.lower() not in SUFFIXES:
        raise InvalidArgument(f"The output must end in {', '.join(SUFFIXES)}; {target.name!r} does not.")
    check_film_faces(faces)
    check_strength(strength)
    return target


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PhotoRejected(f"The video is {width}x{height} pixels; the limit is 3840x2160. Make it smaller first.")
    if min(width, height) < MIN_SIDE:
        raise PhotoRejected(f"The video is {width}x{height} pixels, too small to show a face: use another.")


def _check_duration(seconds: float, part: Part, max_seconds: float | None) -> None:
    """``seconds``: of the film, 0 where it does not say."""
    length = part.length(seconds) if seconds else 0.0
    if max_seconds is not None and length > max_seconds:
        raise _too_long(max_seconds, f" {'The video' if part.whole else 'This part'} lasts {length:.0f} seconds.")


def _too_long(max_seconds: float, found: str = "") -> PhotoRejected:
    return PhotoRejected(f"The limit is {max_seconds:.0f} seconds of video.{found} Take a shorter part.")


class VideoJob:
    """One film on its way through: decoded, its faces followed and edited, and written.

    Args:
        original: the film.
        part: what of it is taken.
        writer: of the result.
        editor, faces, strength, progress, max_seconds: see `edit_video`.
    """

    def __init__(
        self,
        original: av.container.InputContainer,
        part: Part,
        writer: FilmWriter,
        editor: FilmFrameEditor,
        detector: FaceDetector,
        faces: FilmFaces,
        progress: Callable[[Progress], bool] | None,
        max_seconds: float | None,
    ) -> None:
        self._reader = FilmReader(original, part, writer.sound, writer.copy, MAX_PIXELS)
        self._part, self._writer = part, writer
        self._total = _frames_of(original, part)
        self._progress, self._max_seconds = progress, max_seconds
        self._tracker = FaceTracker(detector, DETECTION_INTERVAL)
        self._chooser = TrackChooser(faces, detector)
        self._editor = editor
        self._in_work: deque[tuple[Any, U8]] = deque()  # decoded frames that the editor has not given back, and as RGB
        self._frames = self._changed = 0
        self._start = time.monotonic()

    def run(self) -> VideoReport:
        """Edit the whole of it."""
        self._start = time.monotonic()
        for frame, seconds in self._reader.frames():
            self._take(frame, seconds)
        self._write(self._editor.rest())
        if not self._writer.finish():
            if self._part.whole:
                raise PhotoRejected("The video shows no picture that can be decoded: use another video.")
            raise PhotoRejected("There is no picture in this part of the video: take another part.")
        seconds, left = time.monotonic() - self._start, self._editor.left
        return VideoReport(self._frames, self._changed, self._reader.damaged, seconds, left, self._editor.would_change)

    def _take(self, frame: Any, seconds: float) -> None:
        number = self._frames + len(self._in_work)
        # The header's word is not enough: a film may say nothing of its length, and pictures may grow within it.
        if self._max_seconds is not None and max(seconds, number / MAX_RATE) > self._max_seconds:
            raise _too_long(self._max_seconds)
        _check_size(frame.width, frame.height)
        picture = upright(frame)
        chosen = self._chooser.choose(picture, self._tracker.update(picture, seconds), seconds)
        self._in_work.append((frame, picture))
        self._write(self._editor.add(picture, chosen))

    def _write(self, edited: list[U8]) -> None:
        for picture in edited:
            frame, original = self._in_work.popleft()
            self._writer.write(picture, frame, original)
            self._frames += 1
            self._changed += picture is not original
            rate = self._frames / max(time.monotonic() - self._start, 1e-6)
            if self._progress is not None and not self._progress(Progress(self._frames, self._total, rate)):
                raise DiatError("Stopped: nothing was saved.")


def _frames_of(film: av.container.InputContainer, part: Part) -> int:
    """How many a part of a film has, 0 where the file does not say."""
    import av

    total: int = film.streams.video[0].frames
    seconds = float(film.duration or 0) / av.time_base
    return total if part.whole or not seconds else round(total * part.length(seconds) / seconds)

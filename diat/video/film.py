"""Videos: frames in, frames out, the faces followed through time, sound and time stamps as they were."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from diat.editor import FaceEditor
from diat.errors import DiatError, PhotoRejected
from diat.faces import SAME_PERSON, face_fault
from diat.pixels import F32, U8
from diat.provenance import DIGITAL_SOURCE_TYPE, edited_by
from diat.video.steady import FilmEditor
from diat.video.tracking import FaceTracker, Track

if TYPE_CHECKING:
    import av.container

VideoFaces = Literal["largest", "all"] | int

SUFFIXES = (".mp4", ".mov", ".m4v")  # of results
MAX_PIXELS = 3840 * 2160
DETECTION_INTERVAL = 0.2  # seconds of film
# libx264: no visible loss, at a speed that does not hold the network up.
QUALITY = {"crf": "18", "preset": "veryfast"}


@dataclass(frozen=True)
class VideoReport:
    """What happened to a video."""

    frames: int  # written
    changed: int  # of them, with a changed face
    damaged: int  # that could not be decoded and are missing
    seconds: float  # of work


@dataclass(frozen=True)
class Progress:
    """Where the work stands."""

    done: int  # frames
    total: int  # frames, 0 where the file does not say
    rate: float  # frames a second

    @property
    def seconds_left(self) -> float | None:
        """None where it is not known."""
        return (self.total - self.done) / self.rate if self.total > self.done and self.rate > 0 else None


def edit_video(
    source: Path,
    target: Path,
    editor: FaceEditor,
    faces: VideoFaces = "largest",
    strength: float = 1.0,
    progress: Callable[[Progress], bool] | None = None,
) -> VideoReport:
    """Change the attribute in every frame of a video.

    The result appears under its name when it is whole, and not before.

    Args:
        source: any video that FFmpeg reads.
        target: the result, H.264 with the sound as it was, ending in `SUFFIXES`.
        editor: of the attribute.
        faces: ``"largest"`` at each moment, ``"all"``, or the number from 0, largest first, of a person in the first
            frame that shows a face, who is followed through cuts by what a recogniser sees.
        strength: factor of the change, 0 to 1.5.
        progress: called after each frame; it returns whether to go on.

    Raises:
        PhotoRejected: the file is no video, or too large.
        DiatError: the work was cancelled, or the result cannot be written; nothing is left behind.
    """
    import av

    if target.suffix.lower() not in SUFFIXES:
        raise DiatError(f"The result must end in {', '.join(SUFFIXES)}, not {target.suffix or 'nothing'!r}.")
    aside = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        with av.open(str(source)) as original:
            _check(original, source)
            with av.open(str(aside), "w", options={"movflags": "+faststart+use_metadata_tags"}) as result:
                report = _Work(original, result, editor, faces, strength, progress).run()
        aside.replace(target)
    except av.error.FFmpegError as error:
        raise PhotoRejected(f"{source.name} cannot be worked on ({error.strerror}): give another video.") from error
    except OSError as error:
        raise DiatError(f"{target} cannot be written ({error.strerror}): choose another place.") from error
    finally:
        aside.unlink(missing_ok=True)
    return report


def duration_of(source: Path) -> float:
    """Seconds that a video lasts, 0 where it does not say.

    Raises:
        PhotoRejected: the file is no video.
    """
    import av

    try:
        with av.open(str(source)) as container:
            _check(container, source)
            return float(container.duration or 0) / av.time_base
    except av.error.FFmpegError as error:
        raise PhotoRejected(f"The file is no video ({error.strerror}): give another.") from error


def _check(container: av.container.InputContainer, source: Path) -> None:
    if not container.streams.video:
        raise PhotoRejected(f"{source.name} has no pictures: give a video.")
    if container.format.name.endswith("_pipe") or container.format.name == "image2":
        raise PhotoRejected(f"{source.name} is a single picture: give a video, or use diat edit.")
    video = container.streams.video[0]
    if video.width * video.height > MAX_PIXELS:
        raise PhotoRejected(f"{source.name} is {video.width}x{video.height}: at most 3840x2160 are taken.")


class Choice:
    """Which of the followed faces are changed."""

    def __init__(self, faces: VideoFaces, editor: FaceEditor) -> None:
        self._faces, self._editor = faces, editor
        self._person: F32 | None = None
        self._is_person: dict[int, bool] = {}  # by number of the track

    def of(self, frame: U8, tracks: list[Track]) -> list[Track]:
        """The tracks to change in a frame.

        Raises:
            DiatError: the first frame with faces has no such person.
        """
        usable = [track for track in tracks if face_fault(track.face) is None]
        if not isinstance(self._faces, int):
            return usable if self._faces == "all" else usable[:1]
        if self._person is None and tracks:
            if self._faces >= len(tracks):
                raise DiatError(
                    f"There is no face {self._faces + 1}: the first frame with faces shows {len(tracks)} of them."
                )
            chosen = tracks[self._faces]
            self._person = self._editor.detector.embed(frame, chosen.face.points5)
            self._is_person[chosen.number] = True
        return [track for track in usable if self._shows_the_person(frame, track)]

    def _shows_the_person(self, frame: U8, track: Track) -> bool:
        if track.number not in self._is_person and self._person is not None:
            seen = self._editor.detector.embed(frame, track.face.points5)
            self._is_person[track.number] = bool(seen @ self._person >= SAME_PERSON)
        return self._is_person.get(track.number, False)


class _Work:
    """One video on its way through."""

    def __init__(
        self,
        original: av.container.InputContainer,
        result: av.container.OutputContainer,
        editor: FaceEditor,
        faces: VideoFaces,
        strength: float,
        progress: Callable[[Progress], bool] | None,
    ) -> None:
        self._original, self._result, self._editor = original, result, editor
        self._strength, self._progress = strength, progress
        self._choice = Choice(faces, editor)
        self._tracker = FaceTracker(editor.detector, DETECTION_INTERVAL)
        self._film_editor = FilmEditor(editor, strength)
        self._begun: deque[Any] = deque()  # time stamps and pictures of the frames that the editor has not given back
        self._video = original.streams.video[0]
        self._video.thread_type = "AUTO"
        self._out: Any = None
        self._waiting: list[Any] = []  # packets of sound
        self._sound = [(stream, self._result.add_stream_from_template(stream)) for stream in original.streams.audio]
        self._frames = self._changed = self._damaged = 0
        self._start = time.monotonic()

    def run(self) -> VideoReport:
        import av

        copies = dict(self._sound)
        edit = edited_by(self._editor.spec.name, self._strength)
        self._result.metadata.update({"comment": f"{edit}; {DIGITAL_SOURCE_TYPE}", "encoder": edit})
        for packet in self._original.demux(self._video, *copies):
            if packet.stream in copies:
                if packet.dts is not None:
                    packet.stream = copies[packet.stream]
                    self._waiting.append(packet)
                self._pass_on()
                continue
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                self._damaged += 1
                continue
            for frame in frames:
                self._take(frame)
        for changed in self._film_editor.rest():
            self._write(changed)
        if self._out is None:
            raise PhotoRejected("The video shows no picture that can be decoded: give another.")
        self._pass_on()
        self._result.mux(self._out.encode())
        return VideoReport(self._frames, self._changed, self._damaged, time.monotonic() - self._start)

    def _pass_on(self) -> None:
        """Write the sound that waits. The first packet written closes the list of streams, so pictures come first."""
        if self._out is not None:
            for packet in self._waiting:
                self._result.mux(packet)
            self._waiting.clear()

    def _take(self, frame: Any) -> None:
        picture = upright(frame)
        taken = self._frames + len(self._begun)
        seconds = float(frame.pts * frame.time_base) if frame.pts is not None else taken / 25
        chosen = self._choice.of(picture, self._tracker.update(picture, seconds))
        self._begun.append((frame.pts, frame.time_base, picture))
        for changed in self._film_editor.add(picture, chosen):
            self._write(changed)

    def _write(self, changed: U8) -> None:
        import av

        pts, time_base, picture = self._begun.popleft()
        if self._out is None:
            self._out = self._stream(changed.shape)
        made = av.VideoFrame.from_ndarray(changed, format="rgb24")
        made.pts, made.time_base = pts, time_base
        self._result.mux(self._out.encode(made))
        self._frames += 1
        self._changed += changed is not picture
        rate = self._frames / max(time.monotonic() - self._start, 1e-6)
        if self._progress is not None and not self._progress(Progress(self._frames, self._video.frames, rate)):
            raise DiatError("Stopped: nothing was written.")

    def _stream(self, shape: tuple[int, ...]) -> Any:
        """The stream of the result's pictures, of the original's rate and time base."""
        stream: Any = self._result.add_stream(
            "libx264", rate=self._video.average_rate or Fraction(25), options=dict(QUALITY)
        )
        stream.height, stream.width = shape[:2]
        # Halved colour needs even sides.
        stream.pix_fmt = "yuv420p" if shape[0] % 2 == shape[1] % 2 == 0 else "yuv444p"
        stream.time_base = stream.codec_context.time_base = self._video.time_base
        return stream


def upright(frame: Any) -> U8:
    """A decoded frame as (H, W, 3) RGB, turned as its container says that it is shown."""
    turns = round(getattr(frame, "rotation", 0) / 90) % 4  # counter-clockwise
    picture: U8 = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
    return picture

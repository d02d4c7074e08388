"""One viewer of the live page: the settings, the faces that are followed, and frames decoded, edited and encoded."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image

from diat.attributes import attribute_spec, check_strength
from diat.errors import DiatError, InvalidArgument, PhotoRejected
from diat.formats import check_scans
from diat.pixels import U8, compressed, decompressed
from diat.provenance import edited_by, encode, mark_jpeg
from diat.results import capitalized
from diat.video.stream import FrameStream
from diat.watermark import watermarked

if TYPE_CHECKING:
    from diat.pages.editors import EditorPool

MAX_FRAME_BYTES = 2**20
MAX_FRAME_PIXELS = 1920 * 1080
MIN_FRAME_SIDE = 16  # pixels; optical flow needs as many
JPEG_QUALITY = 85  # of the frames that go back

CONSENT_FIRST = "Confirm first that everyone on camera agrees."
UNSEEN_SECONDS = 1.0  # so long nothing is said of a face that is missing, or needs no change: one frame may mislead
NO_FACE = "No face seen: move into the picture, closer or into better light."
NO_USABLE_FACE = "No face can be changed: come closer, and look into the camera."
NEEDLESS = "nobody seen needs this change"


@dataclass(frozen=True)
class LiveSettings:
    """What the viewer chose."""

    attribute: str
    strength: float = 1.0
    faces: Literal["largest", "all"] = "largest"
    consent: bool = False
    beside: bool = False  # the frame as it came goes at the left of it

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> LiveSettings:
        """Read and check them, out of JSON or out of an address.

        Raises:
            DiatError: one is missing or out of range.
        """
        try:
            settings = cls(
                str(values["attribute"]),
                check_strength(float(values.get("strength", 1.0))),
                values.get("faces", "largest"),
                *(values.get(name) in (True, "true") for name in ("consent", "beside")),
            )
        except InvalidArgument:
            raise
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InvalidArgument("The settings are incomplete: send attribute, strength, faces and consent.") from None
        if settings.faces not in ("largest", "all"):
            raise InvalidArgument('faces must be "largest" or "all".')
        if not settings.consent:
            raise DiatError(CONSENT_FIRST)
        return settings


class EncodedFrame(NamedTuple):
    """What goes back to the viewer."""

    jpeg: bytes  # marked, if anything was changed
    snapshot: bytes | None  # the same frame as a PNG, where it was asked for
    changed: bool  # whether anything was
    notice: str = ""  # why nothing has been changed for a while, as a sentence


class LiveSession:
    """Edits one viewer's frames, one after the other; by one thread at a time, or by two that share the work (`begin`).

    Args:
        editors: the models.
    """

    def __init__(self, editors: EditorPool) -> None:
        self._editors = editors
        self._stream: FrameStream | None = None
        self._chosen_at: float | None = None  # when a frame last had a face to edit, or the first frame came
        self._changed_at: float | None = None  # when a frame was last changed, or need not have been seen to be
        self.settings: LiveSettings | None = None  # another thread may change them at any time

    @property
    def ready(self) -> bool:
        """Whether the model that the settings ask for is loaded, or nothing is asked for."""
        return self.settings is None or self._editors.is_loaded(self.settings.attribute)

    def load(self) -> None:
        """Load that model, which can take as long as a download.

        Raises:
            DiatError: it cannot be loaded.
        """
        if (settings := self.settings) is not None:
            self._editors.get(settings.attribute)

    def edit(self, jpeg: bytes, snapshot: bool = False) -> EncodedFrame:
        """The next frame, edited.

        Raises:
            DiatError: the frame or the settings cannot be used.
        """
        return self.begin(jpeg, snapshot)()

    def begin(self, jpeg: bytes, snapshot: bool = False) -> Callable[[], EncodedFrame]:
        """Find out what to change in the next frame; calling what this returns changes it, and gives what `edit` does.

        Another thread may do that, in the order of beginning, while the next frame is begun.

        Raises:
            DiatError: the frame or the settings cannot be used.
        """
        settings = self.settings  # read once: the frame and its mark are of the same settings
        if settings is None:
            raise DiatError(CONSENT_FIRST)
        frame = decode_frame(jpeg)
        editor = self._editors.get(settings.attribute)
        if self._stream is None:
            self._stream = FrameStream(editor, detector=self._editors.live_detector)
        stream = self._stream
        stream.set(editor, settings.faces, settings.strength)
        change = stream.begin(frame)
        seen, chosen = stream.seen, stream.chosen

        def finish() -> EncodedFrame:
            edited = change()
            changed = not np.array_equal(edited, frame)
            notice = self._notice(seen, chosen, settings, changed, time.monotonic())
            return _encoded(_as_shown(frame, edited, settings), settings, snapshot, changed, notice)

        return finish

    def _notice(self, seen: int, chosen: int, settings: LiveSettings, changed: bool, now: float) -> str:
        if chosen or self._chosen_at is None:
            self._chosen_at = now
        if changed or not chosen or not settings.strength or self._changed_at is None:
            self._changed_at = now
        if now - self._chosen_at >= UNSEEN_SECONDS:
            return NO_USABLE_FACE if seen else NO_FACE
        if now - self._changed_at < UNSEEN_SECONDS:
            return ""
        why = attribute_spec(settings.attribute).needless if chosen == 1 else NEEDLESS
        return f"{capitalized(why)}: nothing is changed."


def _encoded(shown: U8, settings: LiveSettings, snapshot: bool, changed: bool, notice: str) -> EncodedFrame:
    png = None
    if snapshot:
        png = encode(shown, edited_by(settings.attribute, settings.strength) if changed else None)
    jpeg = compressed(watermarked(shown) if changed else shown, ".jpg", JPEG_QUALITY)
    if changed:
        jpeg = mark_jpeg(jpeg, settings.attribute, settings.strength)
    return EncodedFrame(jpeg, png, changed, notice)


def _as_shown(frame: U8, edited: U8, settings: LiveSettings) -> U8:
    """What the viewer sees, in one picture, so that a snapshot and a recording hold it too, and its mark.

    It is as others see the viewer; the page may show it as a mirror does.
    """
    return np.concatenate([frame, edited], axis=1) if settings.beside else edited


def decode_frame(jpeg: bytes) -> U8:
    """A JPEG as (H, W, 3) RGB, its size and scans checked before it is decoded.

    Raises:
        PhotoRejected: it is no JPEG, or too large.
    """
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as header:
            width, height = header.size
    except Exception:  # noqa: BLE001 - a damaged header makes Pillow raise anything
        raise PhotoRejected("The frame is not a JPEG.") from None
    if len(jpeg) > MAX_FRAME_BYTES or width * height > MAX_FRAME_PIXELS:
        raise PhotoRejected(f"The frame is too large ({width}x{height}); the limit is 1920x1080 and 1 MiB.")
    if min(width, height) < MIN_FRAME_SIDE:
        raise PhotoRejected(f"The frame is too small ({width}x{height}).")
    check_scans(jpeg)
    try:
        return decompressed(jpeg)
    except (ValueError, cv2.error):
        raise PhotoRejected("The frame is damaged.") from None

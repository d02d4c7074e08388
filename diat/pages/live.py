"""The live page: the webcam's picture with the attribute changed, over a WebSocket beside Gradio.

The client sends its `Settings` as JSON text whenever one of them changes, ``{"snapshot": true}`` for a picture to keep,
and frames as binary messages: four bytes with their number, then a JPEG. It gets back one byte that says what follows
(`FRAME` or `SNAPSHOT`), the four bytes, and a JPEG or PNG; or JSON text with ``"error"``. A frame that arrives while
another is worked on takes the place of the one that waits: late frames are dropped, never queued. Nothing is written to
disk.

Where WebSockets are blocked the same page posts its frames one by one to ``/live/frame``.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import cv2
import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from diat.attributes import MAX_STRENGTH, attribute_spec
from diat.errors import DiatError, PhotoRejected
from diat.pixels import U8
from diat.provenance import encode
from diat.video.steady import LiveFrameEditor
from diat.video.tracking import FaceTracker

if TYPE_CHECKING:
    import gradio as gr

    from diat.pages.editors import Editors

FRAME, SNAPSHOT = b"\0", b"\1"
NUMBER = 4  # bytes of a frame's number
MAX_FRAME_BYTES = 2**20
MAX_FRAME_PIXELS = 1920 * 1080
MAX_MIRRORS = 4  # clients at once; more would see a slide show
QUALITY = 85  # of the JPEGs that go back

CONSENT = "Tick the box first: the faces in front of the camera must agree."
BUSY = f"All {MAX_MIRRORS} places are taken: try again in a moment."
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Settings:
    """What the user chose."""

    attribute: str
    strength: float = 1.0
    faces: Literal["largest", "all"] = "largest"
    consent: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """Read and check them.

        Raises:
            DiatError: one is missing or out of range.
        """
        try:
            settings = cls(
                str(values["attribute"]),
                float(values.get("strength", 1.0)),
                values.get("faces", "largest"),
                values.get("consent") in (True, "true"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DiatError(
                f"The settings cannot be read ({error}): send attribute, strength, faces, consent."
            ) from None
        if not 0 <= settings.strength <= MAX_STRENGTH or settings.faces not in ("largest", "all"):
            raise DiatError(f'The strength must be 0 to {MAX_STRENGTH} and faces "largest" or "all": choose again.')
        if not settings.consent:
            raise DiatError(CONSENT)
        return settings


class Mirror:
    """What one client sees: the faces that are followed, and the settings."""

    def __init__(self, editors: Editors) -> None:
        self._editors = editors
        self._tracker = FaceTracker(editors.live_detector)
        self._frame_editor: LiveFrameEditor | None = None
        self.settings: Settings | None = None

    def show(self, jpeg: bytes) -> U8:
        """The next frame, changed. (H, W, 3) RGB.

        Raises:
            DiatError: the frame or the settings cannot be used.
        """
        if self.settings is None:
            raise DiatError(CONSENT)
        frame = decode_frame(jpeg)
        tracks = self._tracker.update(frame, time.monotonic())
        editor = self._editors.get(self.settings.attribute)
        if self._frame_editor is None or self._frame_editor.editor is not editor:
            self._frame_editor = LiveFrameEditor(editor)
        chosen = tracks if self.settings.faces == "all" else tracks[:1]
        return self._frame_editor.edit(frame, chosen, self.settings.strength)


def decode_frame(jpeg: bytes) -> U8:
    """A JPEG as (H, W, 3) RGB, its size checked before it is opened.

    Raises:
        PhotoRejected: it is no JPEG, or too large.
    """
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as header:
            width, height = header.size
    except OSError:
        raise PhotoRejected("The frame is no JPEG: send another.") from None
    if len(jpeg) > MAX_FRAME_BYTES or width * height > MAX_FRAME_PIXELS:
        raise PhotoRejected(f"The frame is too large ({width}x{height}): at most 1920x1080 and 1 MiB are taken.")
    frame = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if frame is None:
        raise PhotoRejected("The frame is damaged: send another.")
    return frame.astype(np.uint8, copy=False)


def encode_frame(frame: U8) -> bytes:
    """(H, W, 3) RGB -> JPEG."""
    return cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


class LiveRoutes:
    """The server's side of the live page."""

    def __init__(self, editors: Editors) -> None:
        self._editors = editors
        self.mirrors = 0  # clients that are served now

    def routes(self) -> list[BaseRoute]:
        """For the server beside Gradio's own."""
        return [WebSocketRoute("/live", self.serve), Route("/live/frame", self.frame, methods=["POST"])]

    async def serve(self, socket: WebSocket) -> None:
        """One client, until it goes."""
        await socket.accept()
        # Another site's page must not use this server through its visitor's browser.
        if foreign(socket.headers) or self.mirrors >= MAX_MIRRORS:
            await socket.send_text(
                json.dumps({"error": BUSY if self.mirrors >= MAX_MIRRORS else "Open the page itself."})
            )
            await socket.close()
            return
        self.mirrors += 1
        try:
            await _Conversation(socket, Mirror(self._editors)).run()
        finally:
            self.mirrors -= 1

    async def frame(self, request: Request) -> Response:
        """One frame by itself, for clients without WebSockets."""
        if foreign(request.headers):
            return JSONResponse({"error": "Open the page itself."}, 403)
        mirror, body = Mirror(self._editors), await request.body()
        try:
            mirror.settings = Settings.of(request.query_params)
            changed = await asyncio.to_thread(mirror.show, body)
        except DiatError as error:
            return JSONResponse({"error": str(error)}, 422)
        if "snapshot" in request.query_params:
            return Response(
                encode(changed, mirror.settings.attribute, mirror.settings.strength), media_type="image/png"
            )
        return Response(encode_frame(changed), media_type="image/jpeg")


class _Conversation:
    """With one client: one task listens, the other works on the newest frame."""

    def __init__(self, socket: WebSocket, mirror: Mirror) -> None:
        self._socket, self._mirror = socket, mirror
        self._newest: bytes | None = None
        self._arrived = asyncio.Event()
        self._snapshot = False

    async def run(self) -> None:
        worker = asyncio.create_task(self._work())
        listener = asyncio.create_task(self._listen())
        try:
            await asyncio.wait([worker, listener], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (worker, listener):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                    await task

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (data := message.get("bytes")) is not None:
                self._newest = data
                self._arrived.set()
            else:
                await self._told(message.get("text") or "")

    async def _told(self, text: str) -> None:
        try:
            values = json.loads(text)
            if isinstance(values, dict) and values.get("snapshot"):
                self._snapshot = True
            else:
                self._mirror.settings = Settings.of(values if isinstance(values, dict) else {})
        except ValueError:
            await self._say("The message is no JSON: send the settings.")
        except DiatError as error:
            self._mirror.settings = None
            await self._say(str(error))

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            data, self._newest = self._newest, None
            if data is None or len(data) <= NUMBER:
                continue
            number = data[:NUMBER]
            try:
                changed = await asyncio.to_thread(self._mirror.show, data[NUMBER:])
                await self._socket.send_bytes(FRAME + number + encode_frame(changed))
                if self._snapshot and (settings := self._mirror.settings) is not None:
                    self._snapshot = False
                    png = encode(changed, settings.attribute, settings.strength)
                    await self._socket.send_bytes(SNAPSHOT + number + png)
            except DiatError as error:
                await self._say(str(error))

    async def _say(self, sentence: str) -> None:
        await self._socket.send_text(json.dumps({"error": sentence}))


def foreign(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site's page asks."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("x-forwarded-host", headers.get("host"))


def live_tab(editors: Editors) -> gr.HTML:
    """The page's picture and its controls; what they do is in live.js."""
    import gradio as gr

    choices = "".join(
        f'<option value="{name}"{" selected" if name == editors.default else ""}>{attribute_spec(name).title}</option>'
        for name in editors.attributes
    )
    page = (_HERE / "live.html").read_text().replace("CHOICES", choices).replace("MAX_STRENGTH", str(MAX_STRENGTH))
    return gr.HTML(html_template=page, js_on_load=(_HERE / "live.js").read_text(), elem_id="live")

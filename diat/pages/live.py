"""The live page: the webcam's picture with an attribute edited, over a WebSocket beside Gradio.

The client sends its `LiveSettings` as JSON text whenever one of them changes, ``{"snapshot": true}`` for a picture to
keep, and frames as binary messages: four bytes with their number, then a JPEG. It gets back one byte that says what
follows (`FRAME` or `SNAPSHOT`, plus `UNCHANGED` where nothing was changed), the four bytes, and a JPEG or PNG; JSON
text with ``"notice"`` when there is something else to say of the frames, such as that they show no face, and an empty
one when that is over; or JSON text with ``"error"``. A frame that arrives while another is being edited replaces the
one that waits: late frames are dropped, never queued. Nothing is written to disk.

Where WebSockets are blocked the same page posts its frames one by one to ``/live/frame``, with a random ``session``
by which the server finds the faces that it follows. Headers then tell the notice, `NOTICE_HEADER`, and whether
anything was changed, `CHANGED_HEADER`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from diat.attributes import MAX_STRENGTH
from diat.errors import DiatError
from diat.pages.access import FOREIGN, SIGN_IN, foreign, signed_in
from diat.pages.live_session import EncodedFrame, LiveSession, LiveSettings
from diat.pages.parts import action_of
from diat.results import action_in_names

if TYPE_CHECKING:
    import gradio as gr

    from diat.pages.editors import EditorPool

FRAME, SNAPSHOT, UNCHANGED = 0, 1, 2
NUMBER_BYTES = 4  # of a frame's number
NOTICE_HEADER, CHANGED_HEADER = "Live-Notice", "Live-Changed"
MAX_VIEWERS = 4  # at once; more would see a slide show
WORKERS = 2  # threads that edit frames; more would only wait for the processor, and each keeps the network's buffers
FIRST_SECONDS = 10  # a WebSocket that has sent no frame by then gives its place up
IDLE_SECONDS = 30  # and later one that sends none for so long
POSTED_IDLE_SECONDS = 10  # and a viewer who posts frames
MIN_SESSION_LENGTH = 16  # characters; a name that can be guessed would let another viewer's frames mix with one's own

BUSY = f"The live page is full ({MAX_VIEWERS} viewers). Try again in a moment."
IDLE = "No picture came for a while. Start again."
FAILED = "The server failed to edit the picture. Start again."
_HERE = Path(__file__).parent

logger = logging.getLogger(__name__)

Done = TypeVar("Done")


@dataclass(eq=False)
class _Place:
    """Of one viewer who posts frames."""

    session: LiveSession
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    used: float = field(default_factory=time.monotonic)


class LiveRoutes:
    """The server's side of the live page. Everything but the editing happens on the event loop."""

    def __init__(self, editors: EditorPool) -> None:
        self._editors = editors
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="live")
        self._connected = 0  # viewers with a WebSocket
        self._posting: dict[str, _Place] = {}  # viewers without, by session

    def routes(self) -> list[BaseRoute]:
        """For the server beside Gradio's own."""
        return [WebSocketRoute("/live", self.serve), Route("/live/frame", self.frame, methods=["POST"])]

    async def serve(self, socket: WebSocket) -> None:
        """One viewer with a WebSocket, until it goes."""
        await socket.accept()
        refusal = SIGN_IN if not signed_in(socket) else FOREIGN if foreign(socket) else BUSY if self._full() else None
        if refusal is not None:
            await socket.send_text(json.dumps({"error": refusal}))
            await socket.close()
            return
        self._connected += 1
        try:
            await _Connection(socket, LiveSession(self._editors), self._workers).run()
        finally:
            self._connected -= 1

    async def frame(self, request: Request) -> Response:
        """One frame of a viewer without a WebSocket."""
        if not signed_in(request):
            return JSONResponse({"error": SIGN_IN}, 401)
        if foreign(request):
            return JSONResponse({"error": FOREIGN}, 403)
        name = request.query_params.get("session", "")
        known = len(name) >= MIN_SESSION_LENGTH
        name = name if known else secrets.token_hex()
        if name not in self._posting:
            if self._full():
                return JSONResponse({"error": BUSY}, 503, {"Retry-After": str(POSTED_IDLE_SECONDS)})
            self._posting[name] = _Place(LiveSession(self._editors))
        place = self._posting[name]
        try:
            async with place.lock:
                return await self._answer(place.session, request)
        finally:
            place.used = time.monotonic()
            if not known:
                del self._posting[name]

    async def _answer(self, session: LiveSession, request: Request) -> Response:
        body, snapshot = await request.body(), "snapshot" in request.query_params
        try:
            session.settings = LiveSettings.parse(request.query_params)
            edited = await _by_a_worker(self._workers, session, session.edit, body, snapshot)
        except DiatError as error:
            return JSONResponse({"error": str(error)}, 422)
        headers = {NOTICE_HEADER: edited.notice, CHANGED_HEADER: "yes" if edited.changed else "no"}
        if edited.snapshot is not None:
            return Response(edited.snapshot, headers=headers, media_type="image/png")
        return Response(edited.jpeg, headers=headers, media_type="image/jpeg")

    def _full(self) -> bool:
        long_ago = time.monotonic() - POSTED_IDLE_SECONDS
        for name, place in list(self._posting.items()):
            if place.used < long_ago and not place.lock.locked():
                del self._posting[name]
        return self._connected + len(self._posting) >= MAX_VIEWERS


async def _by_a_worker(
    workers: ThreadPoolExecutor, session: LiveSession, work: Callable[[bytes, bool], Done], jpeg: bytes, snapshot: bool
) -> Done:
    """Work of a session on a frame; a model is loaded beside the workers, or a slow download would stop everyone."""
    if not session.ready:
        await asyncio.to_thread(session.load)
    return await asyncio.get_running_loop().run_in_executor(workers, work, jpeg, snapshot)


class _Gone(Exception):
    """The viewer has left."""


class _Connection:
    """With one viewer: one task listens, one begins the newest frame, and one finishes the frame before it."""

    def __init__(self, socket: WebSocket, session: LiveSession, workers: ThreadPoolExecutor) -> None:
        self._socket, self._session, self._workers = socket, session, workers
        self._newest: bytes | None = None
        self._arrived = asyncio.Event()
        self._to_finish: asyncio.Queue[tuple[bytes, Callable[[], EncodedFrame]]] = asyncio.Queue()
        self._snapshot = False
        self._notice = ""  # as the viewer knows it

    async def run(self) -> None:
        tasks = [asyncio.create_task(work) for work in (self._begin(), self._finish(), self._listen())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        try:
            for error in ended:
                if isinstance(error, Exception) and not isinstance(error, _Gone):
                    logger.error("A live connection failed.", exc_info=error)
                    await self._send_error(FAILED)
            await self._socket.close()
        except (_Gone, RuntimeError, WebSocketDisconnect):
            pass  # closed from the other side

    async def _listen(self) -> None:
        ends = time.monotonic() + FIRST_SECONDS
        while True:
            try:
                message = await asyncio.wait_for(self._socket.receive(), ends - time.monotonic())
            except TimeoutError:
                await self._send_error(IDLE)
                return
            if message["type"] == "websocket.disconnect":
                raise _Gone
            if (data := message.get("bytes")) is not None:
                self._newest = data
                self._arrived.set()
                ends = time.monotonic() + IDLE_SECONDS
            else:
                await self._read_text(message.get("text") or "")

    async def _read_text(self, text: str) -> None:
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            await self._send_error("The message is not JSON: send the settings.")
            return
        if isinstance(values, dict) and values.get("snapshot"):
            self._snapshot = True
            return
        try:
            self._session.settings = LiveSettings.parse(values if isinstance(values, dict) else {})
        except DiatError as error:
            self._session.settings = None
            await self._send_error(str(error))

    async def _begin(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            data, self._newest = self._newest, None
            if data is None or len(data) <= NUMBER_BYTES:
                continue
            number, jpeg = data[:NUMBER_BYTES], data[NUMBER_BYTES:]
            wanted, self._snapshot = self._snapshot, False
            try:
                finish = await _by_a_worker(self._workers, self._session, self._session.begin, jpeg, wanted)
            except DiatError as error:
                await self._send_error(str(error))
            else:
                self._to_finish.put_nowait((number, finish))
                await self._to_finish.join()  # a frame that is begun later is newer

    async def _finish(self) -> None:
        while True:
            number, finish = await self._to_finish.get()
            self._to_finish.task_done()
            edited = await asyncio.get_running_loop().run_in_executor(self._workers, finish)
            await self._send_frame(number, edited)

    async def _send_frame(self, number: bytes, edited: EncodedFrame) -> None:
        more = 0 if edited.changed else UNCHANGED
        await self._send(bytes([FRAME + more]) + number + edited.jpeg)
        if edited.snapshot is not None:
            await self._send(bytes([SNAPSHOT + more]) + number + edited.snapshot)
        if edited.notice != self._notice:
            self._notice = edited.notice
            await self._send(json.dumps({"notice": edited.notice}))

    async def _send_error(self, sentence: str) -> None:
        await self._send(json.dumps({"error": sentence}))

    async def _send(self, message: str | bytes) -> None:
        try:
            if isinstance(message, bytes):
                await self._socket.send_bytes(message)
            else:
                await self._socket.send_text(message)
        except (RuntimeError, WebSocketDisconnect):  # what Starlette raises on a socket that is closed
            raise _Gone from None


def live_tab(editors: EditorPool) -> gr.HTML:
    """The page's picture and its controls; what they do is in live.js."""
    import gradio as gr

    choices = "".join(
        f'<option value="{name}" data-file="{action_in_names(name)}"'
        f"{' selected' if name == editors.default else ''}>{action_of(name)}</option>"
        for name in editors.attributes
    )
    page = (_HERE / "live.html").read_text().replace("CHOICES", choices).replace("MAX_STRENGTH", str(MAX_STRENGTH))
    return gr.HTML(html_template=page, js_on_load=(_HERE / "live.js").read_text(), elem_id="live")

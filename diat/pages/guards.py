"""Guards of the web server that Gradio does not have."""

from __future__ import annotations

import asyncio
from abc import ABCMeta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from diat.pages.uploads import IDLE_SECONDS, folder_bytes

QUOTA = 2 * 2**30  # bytes of uploads and results at once
UPLOAD_ROUTE = "/upload"  # what addresses that take files end in
RETRY_SECONDS = 10  # a queue of visitors is through in about so many
BUSY = f"The queue is full. Try again in {RETRY_SECONDS} seconds."
FULL = "The server's disk has no room for more uploads. Try again in two minutes."

if TYPE_CHECKING:
    import gradio as gr
    from gradio.data_classes import ImageData

OWN_FILES = "/gradio_api/file="  # in the addresses of files that the server shows


class BodyLimit:
    """ASGI middleware: a request body beyond the limit is refused with 413, whatever its headers claim.

    Gradio's ``max_file_size`` covers uploaded files alone; a ``data:`` URL inside JSON passes it.

    Args:
        limit: largest body in bytes.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._limit:
            await self._refusal()(scope, receive, send)
            return
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise _BodyTooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            # FastAPI answers 400 to anything that goes wrong while it reads a body; the true reason is sent below.
            if seen <= self._limit or started:
                started = True
                await send(message)

        try:
            await self._app(scope, counted, watched)
        except _BodyTooLarge:
            pass
        if seen > self._limit and not started:
            await self._refusal()(scope, receive, send)

    def _refusal(self) -> JSONResponse:
        sentence = f"The upload is too large: the limit is {self._limit // 2**20} MiB. Please shrink it first."
        return JSONResponse({"detail": sentence, "error": sentence}, 413)


class _BodyTooLarge(Exception):
    pass


class DiskQuota:
    """ASGI middleware: uploads are refused with 507 while the folder of uploads is full.

    Args:
        folder: of uploads and results.
        quota: bytes that may lie in it, those counted that are on their way.
    """

    def __init__(self, app: ASGIApp, folder: Path, quota: int = QUOTA) -> None:
        self._app, self._folder, self._quota = app, folder, quota
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith(UPLOAD_ROUTE):
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        size = int(declared) if declared.isdigit() else 0
        self._arriving += size
        try:
            if await asyncio.to_thread(folder_bytes, self._folder) + self._arriving > self._quota:
                headers = {"Retry-After": str(IDLE_SECONDS)}
                await JSONResponse({"detail": FULL, "error": FULL}, 507, headers)(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            self._arriving -= size


class BusyAnswer:
    """ASGI middleware: Gradio's refusals of a full queue say when to come again, to people and to programs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        replaced = False

        async def worded(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 503:
                replaced = b"retry-after" not in {name.lower() for name, _ in message["headers"]}
                if replaced:
                    headers = {"Retry-After": str(RETRY_SECONDS)}
                    await JSONResponse({"detail": BUSY, "error": BUSY}, 503, headers)(scope, _nothing, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, worded if scope["type"] == "http" else send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def behave(component: gr.components.Component, **methods: Any) -> None:
    """Give one component methods of its own, by a class of its own.

    Gradio makes a component anew, by its class, for a visitor whose page gets an update of it: what is set on the
    component itself is then lost. An ordinary subclass makes Gradio write a stub file beside the source.
    """
    kind = type(component)
    names = {"__module__": kind.__module__, **methods}
    component.__class__ = ABCMeta.__new__(type(kind), kind.__name__, (kind,), names)


def hand_over_unopened(image: gr.Image, allowed: set[str]) -> None:
    """Make an image input hand over the path of the uploaded file, and nothing but uploaded files.

    Gradio's own input decodes whatever comes before any code of ours can look at its header.

    Args:
        image: an input with ``type="filepath"``.
        allowed: paths besides uploads that may be named, such as the examples'.
    """

    def preprocess(_: gr.Image, payload: ImageData | None) -> str | None:
        if payload is not None and payload.path is None:
            raise _error("Send the photograph as an uploaded file, not as a data: URL.")
        return None if payload is None else payload.path

    behave(image, preprocess=preprocess)
    take_uploads_only(image, allowed)


def take_uploads_only(component: gr.components.Component, allowed: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Make an input take nothing but uploaded files: Gradio's own trusts the name that the client gave a file, and
    fetches addresses.
    """
    kind: Any = type(component)

    async def move(self: gr.components.Component, url_or_file_path: str | Path | None) -> str | None:
        if url_or_file_path is None:
            return None
        # An upload may also be called by its address on this server, which is not fetched.
        name = str(url_or_file_path).rpartition(OWN_FILES)[2]
        path = Path(name).resolve()
        if name not in allowed and Path(self.GRADIO_CACHE).resolve() not in path.parents:
            raise _error("Please upload the file: addresses and paths are not accepted.")
        moved: str | None = await kind.async_move_resource_to_block_cache(self, name)
        return moved

    behave(component, async_move_resource_to_block_cache=move)
    refuse_by_a_sentence(component)


def refuse_by_a_sentence(component: gr.components.Component) -> None:
    """Make an input that refuses what it is given say so to the client alone: Gradio would print a traceback too."""
    kind: Any = type(component)

    def preprocess(self: gr.components.Component, payload: Any) -> Any:
        import gradio as gr

        name = getattr(self, "label", None) or "An input"
        try:
            return kind.preprocess(self, payload)
        except gr.Error as error:
            sentence = str(error.message)
            if sentence.startswith("Value "):  # too small or too large, of several numbers on a page
                sentence = f"{name}: v{sentence[1:]}"
            raise _error(sentence) from None
        except Exception:  # noqa: BLE001 - of another type than the page sends: Gradio would answer with nothing
            raise _error(f"{name}: this value cannot be used.") from None

    behave(component, preprocess=preprocess)


def hold_within(slider: gr.Slider) -> None:
    """Make a slider take of a number beyond its ends the end, and of none the lower one, as its box shows when left."""

    def preprocess(self: gr.Slider, payload: float | None) -> float:
        number = float(self.minimum if payload is None else payload)
        if number != number:
            raise ValueError
        return min(max(number, float(self.minimum)), float(self.maximum))

    behave(slider, preprocess=preprocess)
    refuse_by_a_sentence(slider)


def _error(sentence: str) -> Any:
    import gradio as gr

    return gr.Error(sentence, print_exception=False)

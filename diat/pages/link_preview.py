"""The head of the page: what other sites show of a link to it, and what a browser needs first, pictures and widths.

Gradio's template begins with tags of its own, which crawlers read first and which no option of it replaces. Its
hundred scripts would come before the pictures that they show.
"""

from __future__ import annotations

import gzip
import html
import re
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from diat.pages.first_sight import LINK_PICTURE, LINK_PICTURE_SIZE, sight
from diat.pages.guards import OWN_FILES

TITLE = "DIAT: change one thing about a face"
SENTENCE = "Close a mouth, take off glasses, look younger: the person stays recognisable."
PICTURE_PATH = "link_preview.jpg"
# From the beginning, since Gradio's style sheets come late: the page as wide as it will be, not as what has been
# loaded; and what stands below the photograph not before that.
STYLE = (
    ".gradio-container { width: 100%; max-width: 1100px !important; margin: auto; }"
    ".gradio-container:not(:has(#photo)) :is(#examples, #terms, footer) { visibility: hidden; }"
)
_OTHERS = re.compile(rb'<meta\s+(?:property="og:|name="(?:twitter:|description"))[^>]*>\s*')
_HEAD = b"<head>"


def link_preview_route() -> BaseRoute:
    """Serves the picture."""

    async def picture(request: Request) -> FileResponse:
        return FileResponse(LINK_PICTURE, media_type="image/jpeg")

    return Route(f"/{PICTURE_PATH}", picture)


class LinkPreview:
    """ASGI middleware: the page's tags for crawlers are the demo's own, and it is compressed.

    Args:
        root_path: under which a proxy serves the page, or its whole address; empty without one.
    """

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app, self._root = app, root_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].rstrip("/") not in ("", self._root):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def rewritten(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if start is None or message.get("more_body"):
                return
            headers = dict(start["headers"])
            if b"text/html" in headers.get(b"content-type", b"") and b"content-encoding" not in headers:
                request = Request(scope)
                body = self._with_tags(body, request)
                # Nobody else does it, and the page is the settings of all its parts: an eighth is left of it.
                if "gzip" in request.headers.get("accept-encoding", ""):
                    body = gzip.compress(body, 6)
                    headers |= {b"content-encoding": b"gzip", b"vary": b"Accept-Encoding"}
                headers[b"content-length"] = str(len(body)).encode()
                start["headers"] = list(headers.items())
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, rewritten)

    def _with_tags(self, page: bytes, request: Request) -> bytes:
        scheme = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
        host = request.headers.get("x-forwarded-host", request.headers.get("host", "")).split(",")[0].strip()
        root = self._root if "://" in self._root else f"{scheme}://{host}{self._root}"
        width, height = LINK_PICTURE_SIZE
        tags = {
            'name="description"': SENTENCE,
            'property="og:title"': TITLE,
            'property="og:description"': SENTENCE,
            'property="og:type"': "website",
            'property="og:url"': f"{root}/",
            'property="og:image"': f"{root}/{PICTURE_PATH}",
            'property="og:image:width"': str(width),
            'property="og:image:height"': str(height),
            'property="og:image:alt"': "A woman's face before and after: her mouth was closed",
            'name="twitter:card"': "summary_large_image",
        }
        own = "".join(f'<meta {name} content="{html.escape(value)}">' for name, value in tags.items())
        own += f"<style>{STYLE}</style>"
        path = urlsplit(self._root).path
        for picture in sight().values():
            own += f'<link rel="preload" as="image" href="{html.escape(path + OWN_FILES + quote(picture["path"]))}">'
        return _OTHERS.sub(b"", page).replace(_HEAD, _HEAD + own.encode(), 1)

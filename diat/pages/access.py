"""Who may ask the web server: signed-in visitors, from the server's own page, under one of its own names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOREIGN = "Open the page itself: other sites cannot use this server."
UNKNOWN_HOST = "This server has another name. Its owner can add this one with --allowed-host."

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # A Hugging Face Space is shown in a frame of huggingface.co.
    "Content-Security-Policy": "frame-ancestors 'self' https://huggingface.co https://*.hf.space",
}
HEARTBEAT = "/gradio_api/heartbeat/"
SIGN_IN = "Sign in first: reload the page."
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class SiteGuard:
    """ASGI middleware: requests under foreign names and from other sites' pages are refused, answers carry headers.

    A foreign name in ``Host`` is how another site's page reaches a server on its visitor's machine (DNS rebinding);
    a foreign ``Origin`` is how it uploads files there.

    Args:
        hosts: names that the server has, without ports; none of them means any name.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] = ()) -> None:
        self._app, self._hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._hosts and hostname(headers.get("host", "")) not in self._hosts:
            await _refuse(UNKNOWN_HOST, 421, scope, receive, send)
            return
        if scope.get("method") not in ("GET", "HEAD") and scope["type"] == "http" and foreign(HTTPConnection(scope)):
            await _refuse(FOREIGN, 403, scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    answered.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


class LoginGuard:
    """ASGI middleware: Gradio's open line to a page, which answers without the login, asks for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = scope["type"] == "http" and HEARTBEAT in scope["path"]
        if asked and not signed_in(HTTPConnection(scope)):
            await _refuse(SIGN_IN, 401, scope, receive, send)
            return
        await self._app(scope, receive, send)


async def _refuse(sentence: str, status: int, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await JSONResponse({"detail": sentence, "error": sentence}, status)(scope, receive, send)


def site_hosts(host: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """The names for `SiteGuard` of a server that listens on ``host``: none, so any, where it listens everywhere."""
    if host in ("0.0.0.0", "::") and not allowed:
        return ()
    return (*LOCAL_HOSTS, host, *allowed)


def hostname(host: str) -> str:
    """A ``Host`` header without its port, in small letters."""
    return host.rsplit("]", 1)[0].lower() + "]" if host.startswith("[") else host.rsplit(":", 1)[0].lower()


def foreign(connection: HTTPConnection) -> bool:
    """Whether a browser says that another site's page asks."""
    headers = connection.headers
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("x-forwarded-host", headers.get("host"))


def signed_in(connection: HTTPConnection) -> bool:
    """Whether a request to one of our own routes may pass Gradio's login, if there is one."""
    app: Any = connection.app
    if app.auth is None and app.auth_dependency is None:
        return True
    # The two cookies of gradio.routes.App.login, over https and over http.
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(connection.cookies.get(name, "") in app.tokens for name in names)

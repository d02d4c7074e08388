"""What Gradio keeps of every visitor, and of every call of a program, and when it is forgotten."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    import gradio as gr

# Each is a copy of every component's settings, 140 KiB for these pages, and Gradio keeps 10,000 of them.
MAX_SESSIONS = 1000
CLOSED_SECONDS = 600  # of a page that is closed, or that went out of sight: its uploads are deleted by then
CALL_SECONDS = 60  # a session that holds nothing is made anew when it is asked for: each call to /edit is one
INTERVAL = 5.0  # seconds between two looks


class SessionKeeper:
    """ASGI middleware: sessions that nobody needs any more are forgotten.

    It runs in the server's loop, where Gradio looks sessions up, and therefore never between its look and its use.

    Args:
        demo: the pages, launched when the first request comes.
    """

    def __init__(self, app: ASGIApp, demo: gr.Blocks) -> None:
        self._app, self._demo = app, demo
        self._looked = -INTERVAL

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        now = time.monotonic()
        if scope["type"] == "http" and now - self._looked >= INTERVAL:
            self._looked = now
            self.forget()
        await self._app(scope, receive, send)

    def forget(self) -> None:
        """Drop the sessions that hold nothing, and those of closed pages whose uploads are deleted by now."""
        holder, now = self._demo.state_holder, datetime.now()
        for name, used in list(holder.time_last_used.items()):
            session = holder.session_data.get(name)
            if session is not None and session.state_data and not session.is_closed:
                continue  # an open page at work
            seconds = CLOSED_SECONDS if session is not None and session.state_data else CALL_SECONDS
            if now - used > timedelta(seconds=seconds):
                holder.session_data.pop(name, None)
                del holder.time_last_used[name]

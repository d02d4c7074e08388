"""``/health``: whether the server serves, for those who watch it. It needs no login and says nothing of anybody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from diat import __version__
from diat.pages.editors import EditorPool


def health_route(editors: EditorPool) -> Route:
    """The route: 200 with the version, the attributes that are offered, and those whose model is loaded."""

    async def health(request: Request) -> JSONResponse:
        loaded = [name for name in editors.attributes if editors.is_loaded(name)]
        return JSONResponse(
            {"status": "ok", "version": __version__, "attributes": editors.attributes, "loaded": loaded}
        )

    return Route("/health", health, methods=["GET", "HEAD"])

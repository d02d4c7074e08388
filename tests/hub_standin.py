"""A Hugging Face Hub on loopback, as much of it as reading models takes, with faults on request.

It answers the unmodified `huggingface_hub` client, which finds it by HF_ENDPOINT.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MAIN = "main"


class HubStandin:
    """Repositories are folders; ``fault`` is what goes wrong from now on.

    Faults: an HTTP status as a number for every request; ``"stalled"`` (no answer), ``"cut"`` (half of the weights),
    ``"tampered"`` (one byte of the weights is another), or None.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.repositories: dict[str, Path] = {}
        self.fault: int | str | None = None
        self.requests: list[str] = []
        self.released = threading.Event()  # ends the stalled answers, so that the server can stop
        self.app = Starlette(
            routes=[
                Route("/api/models", self._list),
                Route("/api/models/{owner}/{name}", self._info),
                Route("/api/models/{owner}/{name}/revision/{revision}", self._info),
                Route("/api/models/{owner}/{name}/tree/{revision}", self._tree),
                Route("/{owner}/{name}/resolve/{revision}/{file}", self._resolve, methods=["GET", "HEAD"]),
            ]
        )

    def commit(self, repository: str) -> str:
        """The name of what a repository holds now."""
        digest = hashlib.sha1()
        for path in sorted(self.repositories[repository].iterdir()):
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()

    def _broken(self, request: Request) -> Response | None:
        self.requests.append(f"{request.method} {request.url.path}")
        if self.fault == "stalled":
            self.released.wait(60)
        if isinstance(self.fault, int):
            return JSONResponse({"error": "as asked for"}, self.fault)
        return None

    def _found(self, request: Request) -> tuple[str, Path] | Response:
        repository = f"{request.path_params['owner']}/{request.path_params['name']}"
        if repository not in self.repositories:
            return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        if request.path_params.get("revision", MAIN) not in (MAIN, self.commit(repository)):
            return JSONResponse({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        return repository, self.repositories[repository]

    def _list(self, request: Request) -> Response:
        author = request.query_params.get("author", "")
        names = [name for name in self.repositories if name.startswith(f"{author}/")]
        return self._broken(request) or JSONResponse([{"_id": name, "id": name, "modelId": name} for name in names])

    def _info(self, request: Request) -> Response:
        broken, found = self._broken(request), self._found(request)
        if broken or isinstance(found, Response):
            return broken or found
        repository, folder = found
        siblings = [{"rfilename": path.name} for path in sorted(folder.iterdir())]
        return JSONResponse({"_id": "0", "id": repository, "sha": self.commit(repository), "siblings": siblings})

    def _tree(self, request: Request) -> Response:
        broken, found = self._broken(request), self._found(request)
        if broken or isinstance(found, Response):
            return broken or found
        return JSONResponse(
            [
                {
                    "type": "file",
                    "path": p.name,
                    "size": p.stat().st_size,
                    "oid": hashlib.sha1(p.read_bytes()).hexdigest(),
                }
                for p in sorted(found[1].iterdir())
            ]
        )

    def _resolve(self, request: Request) -> Response:
        broken, found = self._broken(request), self._found(request)
        if broken or isinstance(found, Response):
            return broken or found
        repository, folder = found
        path = folder / request.path_params["file"]
        headers = {"X-Repo-Commit": self.commit(repository)}
        if not path.is_file():
            return JSONResponse({"error": "Entry not found"}, 404, headers | {"X-Error-Code": "EntryNotFound"})
        data = path.read_bytes()
        headers |= {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "Content-Length": str(len(data))}
        weights = path.suffix == ".safetensors"
        if self.fault == "tampered" and weights:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if request.method == "HEAD":
            return Response(headers=headers)
        if self.fault == "cut" and weights:
            data = data[: len(data) // 2]
        return StreamingResponse(iter([data]), headers=headers)


@contextmanager
def hub_standin() -> Iterator[HubStandin]:
    """A running stand-in on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hub = HubStandin(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(
        uvicorn.Config(hub.app, "127.0.0.1", port, log_level="critical", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield hub
    hub.released.set()
    server.should_exit = True
    thread.join(10)

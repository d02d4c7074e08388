"""A Hugging Face Hub on loopback, as much of it as reading and writing models takes, with faults on request.

It answers the unmodified `huggingface_hub` client, which finds it by HF_ENDPOINT.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MAIN = "main"
TOKEN = "hf_standin"  # noqa: S105 - lets a client write
LARGE = (".safetensors", ".jpg")  # what the Hub keeps apart, by LFS


class HubStandin:
    """Repositories are folders; ``fault`` is what goes wrong from now on.

    Faults: an HTTP status as a number for every request; ``"stalled"`` (no answer), ``"cut"`` (half of the weights),
    ``"dripping"`` (200 bytes of the weights every half second), ``"tampered"`` (one byte of the weights is another),
    ``"read only"`` (every commit is refused), or None.
    """

    def __init__(self, address: str, storage: Path | None = None) -> None:
        self.address, self.storage = address, storage
        self.uploaded: dict[str, bytes] = {}  # by SHA-256
        self.repositories: dict[str, Path] = {}
        self.gated: set[str] = set()  # of them, those that ask for the token
        self.fault: int | str | None = None
        self.requests: list[str] = []
        self.released = threading.Event()  # ends the stalled answers, so that the server can stop
        self.app = Starlette(
            routes=[
                Route("/api/models", self._list),
                Route("/api/models/{owner}/{name}", self._info),
                Route("/api/models/{owner}/{name}/revision/{revision}", self._info),
                Route("/api/models/{owner}/{name}/tree/{revision}", self._tree),
                Route("/{owner}/{name}/resolve/{revision}/{file:path}", self._resolve, methods=["GET", "HEAD"]),
                Route("/api/validate-yaml", self._validate, methods=["POST"]),
                Route("/api/repos/create", self._create, methods=["POST"]),
                Route("/api/models/{owner}/{name}/preupload/{revision}", self._preupload, methods=["POST"]),
                Route("/{owner}/{name}.git/info/lfs/objects/batch", self._batch, methods=["POST"]),
                Route("/lfs/{oid}", self._put, methods=["PUT"]),
                Route("/api/models/{owner}/{name}/commit/{revision}", self._commit, methods=["POST"]),
            ]
        )

    def commit(self, repository: str) -> str:
        """The name of what a repository holds now."""
        digest = hashlib.sha1()
        for path in files_of(self.repositories[repository]):
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
        if repository in self.gated and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "Access is restricted"}, 403, {"X-Error-Code": "GatedRepo"})
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
        siblings = [{"rfilename": path.relative_to(folder).as_posix()} for path in files_of(folder)]
        return JSONResponse({"_id": "0", "id": repository, "sha": self.commit(repository), "siblings": siblings})

    def _tree(self, request: Request) -> Response:
        broken, found = self._broken(request), self._found(request)
        if broken or isinstance(found, Response):
            return broken or found
        return JSONResponse(
            [
                {
                    "type": "file",
                    "path": p.relative_to(found[1]).as_posix(),
                    "size": p.stat().st_size,
                    "oid": hashlib.sha1(p.read_bytes()).hexdigest(),
                }
                for p in files_of(found[1])
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
        parts = self._drops(data) if self.fault == "dripping" and weights else iter([data])
        return StreamingResponse(parts, headers=headers)

    def _drops(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), 200):
            yield data[start : start + 200]
            if self.released.wait(0.5):
                return

    def _refused(self, request: Request) -> Response | None:
        """What a client that may not write gets, or the fault that was asked for."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "Invalid credentials"}, 401)
        return self._broken(request)

    async def _validate(self, request: Request) -> Response:
        card = (await request.json())["content"]
        metadata = yaml.safe_load(card.split("---\n", 2)[1])
        wrong = [name for name in ("license", "library_name", "datasets") if not metadata.get(name)]
        return JSONResponse({"errors": [{"message": f"no {name}"} for name in wrong], "warnings": []})

    async def _create(self, request: Request) -> Response:
        asked = await request.json()
        repository = f"{asked.get('organization')}/{asked['name']}"
        if refused := self._refused(request):
            return refused
        answer = {"url": f"{self.address}/{repository}", "name": repository, "id": repository}
        if repository in self.repositories:
            return JSONResponse({"error": "You already created this repo", **answer}, 409)
        if self.storage is None:
            raise ValueError("a stand-in that is written to needs storage")
        self.repositories[repository] = self.storage / repository
        self.repositories[repository].mkdir(parents=True)
        return JSONResponse(answer)

    async def _preupload(self, request: Request) -> Response:
        refused, found, asked = self._refused(request), self._found(request), await request.json()
        if refused or isinstance(found, Response):
            return refused or found
        files = []
        for file in asked["files"]:
            path, large = found[1] / file["path"], file["path"].endswith(LARGE)
            oid = object_id(path.read_bytes(), large) if path.is_file() else None
            mode = "lfs" if large else "regular"
            files.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return JSONResponse({"files": files})

    async def _batch(self, request: Request) -> Response:
        objects = [
            {**wanted, "actions": {"upload": {"href": f"{self.address}/lfs/{wanted['oid']}"}}}
            for wanted in (await request.json())["objects"]
        ]
        return self._refused(request) or JSONResponse({"transfer": "basic", "objects": objects})

    async def _put(self, request: Request) -> Response:
        data = await request.body()
        self.uploaded[hashlib.sha256(data).hexdigest()] = data
        return self._broken(request) or Response()

    async def _commit(self, request: Request) -> Response:
        refused, found, body = self._refused(request), self._found(request), await request.body()
        if refused or isinstance(found, Response):
            return refused or found
        if self.fault == "read only":
            return JSONResponse({"error": "as asked for"}, 403)
        repository, folder = found
        contents = {}
        for line in filter(None, body.splitlines()):
            entry = json.loads(line)
            if entry["key"] == "file":
                contents[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            elif entry["key"] == "lfsFile":
                contents[entry["value"]["path"]] = self.uploaded[entry["value"]["oid"]]
        for name, data in contents.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        commit = self.commit(repository)
        address = f"{self.address}/{repository}/commit/{commit}"
        return JSONResponse({"success": True, "commitOid": commit, "commitUrl": address, "hookOutput": ""})


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def object_id(data: bytes, large: bool) -> str:
    """As the Hub names contents: SHA-256 of large files, git's own of small ones."""
    return hashlib.sha256(data).hexdigest() if large else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def hub_standin(storage: Path | None = None) -> Iterator[HubStandin]:
    """A running stand-in on a free port; ``storage`` is where repositories that clients make are kept."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hub = HubStandin(f"http://127.0.0.1:{port}", storage)
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

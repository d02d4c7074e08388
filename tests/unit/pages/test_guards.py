"""The guards around Gradio: sizes of bodies, what an input may name, and who has not signed in."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest
from coroutines import in_a_thread
from gradio.data_classes import ImageData
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from diat.pages.access import HEARTBEAT, SIGN_IN, LoginGuard, SiteGuard, foreign, signed_in, site_hosts
from diat.pages.guards import BodyLimit, BusyAnswer, DiskQuota, hand_over_unopened
from diat.pages.uploads import Renewal

MIB = 2**20


async def _count(request):
    return PlainTextResponse(str(len(await request.body())))


async def _greet(socket):
    await socket.accept()
    await socket.send_text("here")
    await socket.close()


def server(*middleware: Middleware) -> Starlette:
    routes = [Route("/", _count, methods=["GET", "POST"]), WebSocketRoute("/socket", _greet)]
    return Starlette(routes=routes, middleware=middleware)


def in_parts(*sizes: int):
    """A body whose length the client does not say beforehand."""
    return (bytes(size) for size in sizes)


@pytest.fixture
def limited() -> TestClient:
    return TestClient(server(Middleware(BodyLimit, limit=2 * MIB)))


def test_a_body_within_the_limit_comes_through(limited):
    assert limited.post("/", content=bytes(2 * MIB)).text == str(2 * MIB)
    assert limited.post("/", content=in_parts(MIB, MIB)).text == str(2 * MIB)


@pytest.mark.parametrize("said", [str(2 * MIB + 1), "many", "-1"])
def test_what_a_header_says_beyond_the_limit_is_refused_unread(limited, said):
    answered = limited.post("/", content=b"x", headers={"Content-Length": said})
    assert answered.status_code == 413
    assert answered.json()["error"] == "The upload is too large: the limit is 2 MiB. Please shrink it first."


def test_a_body_that_grows_beyond_the_limit_is_refused_whatever_was_said(limited):
    answered = limited.post("/", content=in_parts(MIB, MIB, 1))
    assert answered.status_code == 413 and "2 MiB" in answered.json()["detail"]


def test_a_body_that_grows_after_the_answer_began_is_cut_and_gets_no_second_answer():
    sent, parts = [], iter([(b"12345", True), (b"67890!", False)])

    async def talk(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        raise AssertionError("more than the limit was handed on")

    async def receive():
        body, more = next(parts)
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message):
        sent.append((message["type"], message.get("status")))

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    in_a_thread(BodyLimit(talk, limit=10)(scope, receive, send))
    assert sent == [("http.response.start", 200)]


@pytest.mark.parametrize("guard", ["limit", "quota", "busy", "site", "login", "renewal"])
def test_sockets_pass_the_guards_of_requests(tmp_path, guard):
    middleware = {
        "limit": Middleware(BodyLimit, limit=1),
        "quota": Middleware(DiskQuota, folder=tmp_path, quota=0),
        "busy": Middleware(BusyAnswer),
        "site": Middleware(SiteGuard, hosts=("testserver",)),
        "login": Middleware(LoginGuard),
        "renewal": Middleware(Renewal, folder=tmp_path),
    }[guard]
    with TestClient(server(middleware)).websocket_connect("/socket") as socket:
        assert socket.receive_text() == "here"


def test_a_socket_under_another_name_is_closed():
    client = TestClient(server(Middleware(SiteGuard, hosts=("elsewhere",))))
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/socket"):
        pass
    assert closed.value.code == 1008


def test_what_is_neither_request_nor_socket_passes():
    with TestClient(server(Middleware(SiteGuard, hosts=("testserver",)))) as client:  # starts and stops it
        assert client.get("/").text == "0"


def test_an_answers_own_headers_stay():
    async def own(request):
        return PlainTextResponse("here", headers={"Referrer-Policy": "no-referrer"})

    app = Starlette(routes=[Route("/", own)], middleware=[Middleware(SiteGuard)])
    assert TestClient(app).get("/").headers["referrer-policy"] == "no-referrer"


def gradios(auth=("a", "b"), dependency=None, tokens=()) -> SimpleNamespace:
    """What of Gradio's app tells who has signed in."""
    return SimpleNamespace(auth=auth, auth_dependency=dependency, cookie_id="id", tokens=set(tokens))


@pytest.mark.parametrize(
    ("app", "cookies", "passes"),
    [
        (gradios(auth=None), {}, True),
        (gradios(), {}, False),
        (gradios(auth=None, dependency=print), {}, False),
        (gradios(tokens=["t"]), {"access-token-id": "t"}, True),
        (gradios(tokens=["t"]), {"access-token-unsecure-id": "t"}, True),
        (gradios(tokens=["t"]), {"access-token-id": "other"}, False),
        (gradios(tokens=["t"]), {"access-token-other": "t"}, False),
    ],
)
def test_who_has_signed_in_passes(app, cookies, passes):
    assert signed_in(SimpleNamespace(app=app, cookies=cookies)) is passes


@pytest.mark.parametrize(("tokens", "status"), [([], 401), (["t"], 200)])
def test_the_open_line_to_a_page_asks_for_the_login(tokens, status):
    async def answer(request):
        return PlainTextResponse("here")

    path = f"{HEARTBEAT}0123"
    app = Starlette(routes=[Route(path, answer), Route("/", answer)], middleware=[Middleware(LoginGuard)])
    for name, value in vars(gradios(tokens=tokens)).items():
        setattr(app, name, value)
    client = TestClient(app, cookies={"access-token-id": "t"})
    answered = client.get(path)
    assert answered.status_code == status
    assert status == 200 or answered.json()["error"] == SIGN_IN
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "a"}, False),
        ({"host": "a", "origin": "http://a"}, False),
        ({"host": "a", "origin": "http://b"}, True),
        ({"host": "inner", "x-forwarded-host": "a", "origin": "https://a"}, False),
        ({"host": "a", "x-forwarded-host": "inner", "origin": "https://a"}, True),
        ({"host": "a", "origin": "null"}, True),
    ],
)
def test_another_sites_page_is_known_by_its_origin(headers, expected):
    assert foreign(SimpleNamespace(headers=headers)) is expected


def test_a_servers_names():
    local = ("localhost", "127.0.0.1", "[::1]")
    assert site_hosts("0.0.0.0", ()) == site_hosts("::", ()) == ()
    assert site_hosts("10.0.0.1", ("a.b",)) == (*local, "10.0.0.1", "a.b")
    assert site_hosts("::", ("a.b",)) == (*local, "::", "a.b")


def made_anew(component):
    """As Gradio makes a component for a visitor whose page gets an update of it."""
    return type(component)(**component.constructor_args)


@pytest.fixture(params=["as it is", "made anew"])
def photo(tmp_path, monkeypatch, request) -> gr.Image:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    with gr.Blocks():
        image = gr.Image(type="filepath", label="Photo")
        hand_over_unopened(image, {"/examples/one.jpg"})
        return made_anew(image) if request.param == "made anew" else image


def test_an_image_input_hands_over_the_path_of_what_was_uploaded(photo):
    assert photo.preprocess(None) is None
    assert photo.preprocess(ImageData(path="/somewhere/a.jpg")) == "/somewhere/a.jpg"
    with pytest.raises(gr.Error, match="Send the photograph as an uploaded file"):
        photo.preprocess(ImageData(url="data:image/png;base64,AAAA"))


def test_an_input_takes_uploads_alone(photo, tmp_path, monkeypatch):
    moved = []

    async def move(_, name):
        moved.append(name)
        return name

    monkeypatch.setattr(gr.Image, "async_move_resource_to_block_cache", move)

    def given(name):
        return in_a_thread(photo.async_move_resource_to_block_cache(name))

    inside = str(tmp_path / "cache" / "a" / "face.jpg")
    assert given(None) is None
    assert given(inside) == inside
    assert given(f"http://127.0.0.1:7860/gradio_api/file={inside}") == inside
    assert given("/examples/one.jpg") == "/examples/one.jpg"
    refused = (
        "/etc/passwd",
        "http://example.org/a.jpg",
        f"{tmp_path}/cache/../secret.jpg",
        f"{tmp_path}/cache",
        "/examples/two.jpg",
    )
    for name in refused:
        with pytest.raises(gr.Error, match="Please upload the file"):
            given(name)
    assert len(moved) == 3

"""The server's side of the live page, with models that the test makes slow, faulty or countable."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from diat.detail import DEFAULT_FADE
from diat.errors import InvalidArgument
from diat.pages import live, live_session
from diat.pages.access import SIGN_IN
from diat.pages.editors import EditorPool
from diat.pages.live import FAILED, FRAME, IDLE, SNAPSHOT, LiveRoutes
from diat.pages.live_session import LiveSession, LiveSettings
from diat.pixels import decompressed
from diat.provenance import is_marked
from diat.watermark import is_watermarked

SETTINGS = {"attribute": "mouth_close", "consent": True}
JPEG = cv2.imencode(".jpg", np.full((64, 64, 3), 128, np.uint8))[1].tobytes()


class Models:
    """In place of an `EditorPool`: frames come back as negatives, or as they are."""

    def __init__(self) -> None:
        self.searches = 0
        self.faithful = False  # changes nothing
        self.live_detector = self
        self.before_edit = self.before_paste = lambda: None
        spec = SimpleNamespace(name="mouth_close", detail_fade=DEFAULT_FADE)
        self.editor = SimpleNamespace(
            detector=self, method=None, spec=spec, changes=lambda *_: [], pasted=lambda frame, *_: self.paste(frame)
        )

    def detect(self, frame: np.ndarray) -> list:
        self.searches += 1
        self.before_edit()
        return []

    def is_loaded(self, attribute: str) -> bool:
        return True

    def get(self, attribute: str) -> SimpleNamespace:
        return self.editor

    def paste(self, frame: np.ndarray) -> np.ndarray:
        self.before_paste()
        return frame if self.faithful else 255 - frame


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def client(models, monkeypatch):
    monkeypatch.setattr(live, "FIRST_SECONDS", 600)  # a busy machine may stand still for the ten that there are
    app = Starlette(routes=LiveRoutes(models).routes())
    app.auth = app.auth_dependency = None
    with TestClient(app) as client:
        client.app = app
        yield client


def picture(socket) -> bytes:
    """The next one; where the machine is slow, it may be said before that no face is seen."""
    while (message := socket.receive()).get("bytes") is None:
        assert "notice" in json.loads(message["text"]), message
    data: bytes = message["bytes"]
    return data


def wait_until(condition, seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def frame(number: int = 1) -> bytes:
    return number.to_bytes(4, "big") + JPEG


def test_settings_that_change_during_a_frame_do_not_disturb_it(models):
    session = LiveSession(models)
    session.settings = LiveSettings("mouth_close", strength=0.5, consent=True)
    models.before_edit = lambda: setattr(session, "settings", None)  # as when consent is taken back
    edited = session.edit(JPEG, snapshot=True)
    assert edited.snapshot is not None and b"mouth_close strength=0.5" in edited.snapshot


def test_a_snapshot_holds_what_is_shown_unmirrored_and_is_marked_if_anything_was_changed(models):
    session = LiveSession(models)
    pixels = np.full((256, 384, 3), 40, np.uint8)
    pixels[:, :192] = 200
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    halves = {False: [55, 215], True: [200, 40, 55, 215]}
    for beside, expected in halves.items():
        session.settings = LiveSettings("mouth_close", consent=True, beside=beside)
        edited = session.edit(jpeg, snapshot=True)
        for data in (edited.jpeg, edited.snapshot):
            shown = decompressed(data)
            parts = [part.mean() for part in np.split(shown, len(expected), axis=1)]
            assert parts == pytest.approx(expected, abs=6)
            assert is_marked(data) and is_watermarked(shown)
    models.faithful = True
    edited = session.edit(jpeg, snapshot=True)
    for data in (edited.jpeg, edited.snapshot):
        assert not is_marked(data) and not is_watermarked(decompressed(data))


def test_a_frame_is_begun_while_the_one_before_it_is_finished_and_both_come_in_order(client, models):
    begun = threading.Semaphore(0)
    models.before_edit = begun.release
    numbers = []

    def until_the_next_is_begun() -> None:
        numbers.append(len(numbers))
        assert len(numbers) > 1 or (begun.acquire(timeout=20) and begun.acquire(timeout=20))

    models.before_paste = until_the_next_is_begun
    with client.websocket_connect("/live") as socket:
        socket.send_text(json.dumps(SETTINGS))
        socket.send_bytes(frame(1))
        wait_until(lambda: numbers)
        socket.send_bytes(frame(2))
        assert [int.from_bytes(picture(socket)[1:5], "big") for _ in range(2)] == [1, 2]


def test_a_failure_is_told_and_logged_and_ends_the_connection(client, models, caplog):
    def fail() -> None:
        raise RuntimeError("the network gave up")

    models.before_edit = fail
    with client.websocket_connect("/live") as socket:
        socket.send_text(json.dumps(SETTINGS))
        socket.send_bytes(frame())
        assert socket.receive_json()["error"] == FAILED
        assert socket.receive()["type"] == "websocket.close"
    assert "the network gave up" in caplog.text


@pytest.mark.parametrize("said", [None, json.dumps(SETTINGS)])
def test_who_sends_no_picture_gives_the_place_up(client, monkeypatch, said):
    monkeypatch.setattr(live, "FIRST_SECONDS", 0.2)
    with client.websocket_connect("/live") as socket:
        if said:
            socket.send_text(said)
        assert socket.receive_json()["error"] == IDLE
        assert socket.receive()["type"] == "websocket.close"


def test_posted_frames_of_one_session_share_a_tracker(client, models, monkeypatch):
    made = []
    monkeypatch.setattr(live, "LiveSession", lambda editors: made.append(LiveSession(editors)) or made[-1])
    query = "attribute=mouth_close&consent=true&session=" + "s" * 32
    for _ in range(3):
        assert client.post(f"/live/frame?{query}", content=JPEG).status_code == 200
    assert len(made) == 1
    assert client.post("/live/frame?attribute=mouth_close&consent=true&session=short", content=JPEG).status_code == 200
    assert client.post("/live/frame?attribute=mouth_close&consent=true&session=short", content=JPEG).status_code == 200
    assert len(made) == 3  # a name that can be guessed is not kept


def test_editing_and_encoding_leave_the_event_loop_alone(client, models, monkeypatch):
    threads, encode = [], live_session.encode

    def seen() -> None:
        threads.append(threading.current_thread().name)

    def watched(*arguments):
        seen()
        return encode(*arguments)

    models.before_edit = models.before_paste = seen
    monkeypatch.setattr(live_session, "encode", watched)
    with client.websocket_connect("/live") as socket:
        socket.send_text(json.dumps(SETTINGS))
        socket.send_text(json.dumps({"snapshot": True}))
        socket.send_bytes(frame(7))
        assert picture(socket)[:5] == bytes([FRAME, 0, 0, 0, 7])
        assert picture(socket)[0] == SNAPSHOT
    assert len(threads) == 3 and all(name.startswith("live") for name in threads)


def test_a_login_is_asked_for_here_too(client):
    client.app.auth, client.app.cookie_id, client.app.tokens = {"a": "b"}, "id", {"good": "a"}
    query = "/live/frame?attribute=mouth_close&consent=true"
    assert client.post(query, content=JPEG).status_code == 401
    with client.websocket_connect("/live") as socket:
        assert socket.receive_json()["error"] == SIGN_IN
    client.cookies.set("access-token-unsecure-id", "bad")
    assert client.post(query, content=JPEG).status_code == 401
    client.cookies.set("access-token-unsecure-id", "good")
    assert client.post(query, content=JPEG).status_code == 200
    with client.websocket_connect("/live") as socket:
        socket.send_text(json.dumps(SETTINGS))
        socket.send_bytes(frame())
        assert picture(socket)[0] & 1 == FRAME


def test_one_model_that_loads_slowly_does_not_hold_the_others_up(monkeypatch):
    started, go_on = threading.Event(), threading.Event()

    def load(name: str, **_: object) -> SimpleNamespace:
        if name == "mouth_open":
            started.set()
            go_on.wait(30)
        return SimpleNamespace(name=name, edit=None)

    monkeypatch.setattr("diat.pages.editors.FaceEditor.from_pretrained", load)
    monkeypatch.setattr("diat.pages.editors.InsightFaceDetector", lambda *_, **__: SimpleNamespace(detect=None))
    pool = EditorPool(None, "embedded")
    slow = threading.Thread(target=pool.get, args=("mouth_open",))
    slow.start()
    assert started.wait(10)
    before = time.monotonic()
    assert pool.get("mouth_close").name == "mouth_close"
    assert time.monotonic() - before < 1
    assert pool.is_loaded("mouth_close") and not pool.is_loaded("mouth_open")
    go_on.set()
    slow.join(10)
    assert pool.is_loaded("mouth_open")
    with pytest.raises(InvalidArgument, match="Unknown attribute 'beard'"):
        pool.get("beard")

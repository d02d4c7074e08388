"""What the live page speaks with its server, by itself: the WebSocket, and frames that are posted instead."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack

import cv2
import numpy as np
import pytest
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from diat.marks import read_marks
from diat.pages.live import (
    BUSY,
    CHANGED_HEADER,
    FRAME,
    MAX_VIEWERS,
    MIN_SESSION_LENGTH,
    NOTICE_HEADER,
    POSTED_IDLE_SECONDS,
    SNAPSHOT,
    UNCHANGED,
)
from diat.pages.live_session import CONSENT_FIRST, MAX_FRAME_BYTES, NO_FACE, UNSEEN_SECONDS
from diat.pixels import decompressed
from diat.provenance import is_marked

SETTINGS = {"attribute": "mouth_close", "strength": 1.0, "faces": "largest", "consent": True}


@pytest.fixture(scope="module")
def jpeg(collins: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", cv2.resize(collins, (480, 480))[..., ::-1])[1].tobytes()


def opened(server: str, **options) -> ClientConnection:
    return connect(server.replace("http", "ws") + "/live", **options)


def answer(client: ClientConnection, number: int, jpeg: bytes) -> bytes:
    client.send(number.to_bytes(4, "big") + jpeg)
    reply = client.recv(timeout=30)
    assert isinstance(reply, bytes), reply
    return reply


@pytest.fixture
def empty(server: str) -> None:
    """Waits until the viewers of the tests before are forgotten."""
    time.sleep(POSTED_IDLE_SECONDS + 1)


def test_a_frame_comes_back_with_its_number_and_the_mouth_changed(server, jpeg):
    with opened(server) as client:
        client.send(json.dumps(SETTINGS))
        changed = answer(client, 7, jpeg)
        client.send(json.dumps({**SETTINGS, "strength": 0}))
        plain = answer(client, 8, jpeg)
    assert changed[:5] == bytes([FRAME, 0, 0, 0, 7])
    assert plain[:5] == bytes([FRAME + UNCHANGED, 0, 0, 0, 8])
    a, b = (cv2.imdecode(np.frombuffer(data[5:], np.uint8), 1).astype(int) for data in (changed, plain))
    difference = np.abs(a - b).mean(-1)
    assert difference.max() > 30
    assert (difference > 8).mean() < 0.05  # the mouth alone


def test_a_snapshot_follows_the_next_frame(server, jpeg):
    with opened(server) as client:
        client.send(json.dumps(SETTINGS))
        client.send(json.dumps({"snapshot": True}))
        assert answer(client, 1, jpeg)[0] & 1 == FRAME
        kept = client.recv(timeout=30)
    assert kept[0] == SNAPSHOT
    assert is_marked(kept[5:]) and read_marks(kept[5:]).invisible


def test_a_viewer_without_a_face_is_told_so_once_and_again_when_there_is_one(server, jpeg):
    wall = cv2.imencode(".jpg", np.full((480, 480, 3), 128, np.uint8))[1].tobytes()
    ends = time.monotonic() + 30
    with opened(server) as client:
        client.send(json.dumps(SETTINGS))
        client.send((0).to_bytes(4, "big") + wall)
        begun = time.monotonic()
        while isinstance(reply := client.recv(timeout=30), bytes) and time.monotonic() < ends:
            client.send((0).to_bytes(4, "big") + wall)
        assert json.loads(reply) == {"notice": NO_FACE}
        assert time.monotonic() - begun >= UNSEEN_SECONDS
        assert client.recv(timeout=30)[0] == FRAME + UNCHANGED  # of the frame that was on its way
        assert answer(client, 1, wall)[0] == FRAME + UNCHANGED
        assert answer(client, 1, jpeg)[0] == FRAME
        assert json.loads(client.recv(timeout=30)) == {"notice": ""}
        assert answer(client, 2, jpeg)[0] & 1 == FRAME


def test_a_viewer_who_posts_frames_is_told_in_a_header(server, jpeg):
    wall = cv2.imencode(".jpg", np.full((480, 480, 3), 128, np.uint8))[1].tobytes()
    address = f"{server}/live/frame?{urllib.parse.urlencode({**SETTINGS, 'consent': 'true', 'session': 'c' * 32})}"

    def told(body: bytes) -> tuple[str, str]:
        with urllib.request.urlopen(urllib.request.Request(address, data=body, method="POST"), timeout=60) as reply:
            return reply.headers[NOTICE_HEADER], reply.headers[CHANGED_HEADER]

    assert told(wall) == ("", "no")
    time.sleep(UNSEEN_SECONDS)
    assert told(wall) == (NO_FACE, "no")
    assert told(jpeg) == ("", "yes")
    address = address.replace(SETTINGS["attribute"], "eyeglasses_remove")
    assert told(jpeg) == ("", "no")
    time.sleep(UNSEEN_SECONDS)
    assert told(jpeg) == ("No glasses found: nothing is changed.", "no")
    address = address.replace("strength=1", "strength=0")
    assert told(jpeg) == ("", "no")  # that is what was asked for


def test_late_frames_are_dropped_and_the_newest_is_answered(server, jpeg):
    with opened(server) as client:
        client.send(json.dumps(SETTINGS))
        answer(client, 0, jpeg)
        for number in range(1, 31):
            client.send(number.to_bytes(4, "big") + jpeg)
        numbers = []
        while not numbers or numbers[-1] != 30:
            numbers.append(int.from_bytes(client.recv(timeout=30)[1:5], "big"))
    assert numbers == sorted(numbers)
    assert len(numbers) < 20


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (json.dumps({**SETTINGS, "consent": False}), CONSENT_FIRST),
        (json.dumps({**SETTINGS, "strength": 9}), "from 0 to 1.5, not 9"),
        (json.dumps({**SETTINGS, "faces": "none"}), "faces"),
        (json.dumps({"consent": True}), "attribute"),
        ("[1]", "attribute"),
        ("no json", "not JSON"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(server, message, sentence):
    with opened(server) as client:
        client.send(message)
        assert sentence in json.loads(client.recv(timeout=10))["error"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"no jpeg", "not a JPEG"), (b"\xff\xd8\xff\xe0" + b"x" * 100, "not a JPEG"), (None, "too large")],
)
def test_frames_that_cannot_be_are_one_sentence_and_the_next_is_served(server, jpeg, data, sentence):
    wide = cv2.imencode(".jpg", np.zeros((1200, 2000, 3), np.uint8))[1].tobytes()
    with opened(server) as client:
        client.send(json.dumps(SETTINGS))
        client.send((1).to_bytes(4, "big") + (wide if data is None else data))
        assert sentence in json.loads(client.recv(timeout=10))["error"]
        assert answer(client, 2, jpeg)[0] & 1 == FRAME


def test_a_frame_before_the_consent_is_refused(server, jpeg):
    with opened(server) as client:
        client.send((1).to_bytes(4, "big") + jpeg)
        assert json.loads(client.recv(timeout=10))["error"] == CONSENT_FIRST


def test_another_sites_page_is_refused(server):
    with opened(server, origin="https://elsewhere.example") as client:
        assert "page itself" in json.loads(client.recv(timeout=10))["error"]


def test_the_places_are_counted_and_one_is_free_within_a_second_of_a_client_going(server, empty, jpeg):
    with ExitStack() as stack:
        clients = [stack.enter_context(opened(server)) for _ in range(MAX_VIEWERS)]
        for client in clients:
            client.send(json.dumps(SETTINGS))
            answer(client, 1, jpeg)
        with opened(server) as late:
            assert json.loads(late.recv(timeout=10))["error"] == BUSY
        clients[0].socket.close()  # as when a laptop is shut: no farewell
        time.sleep(1.0)
        with opened(server) as next_one:
            next_one.send(json.dumps(SETTINGS))
            assert answer(next_one, 1, jpeg)[0] & 1 == FRAME


@pytest.mark.parametrize(
    ("query", "status"), [("consent=true&attribute=mouth_open", 200), ("attribute=mouth_open", 422)]
)
def test_a_posted_frame_needs_the_consent_too(server, jpeg, query, status):
    request = urllib.request.Request(f"{server}/live/frame?{query}", data=jpeg, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            assert reply.status == status
            assert cv2.imdecode(np.frombuffer(reply.read(), np.uint8), 1).shape == (480, 480, 3)
    except urllib.error.HTTPError as error:
        assert error.code == status
        assert json.loads(error.read())["error"] == CONSENT_FIRST
    assert len(jpeg) < MAX_FRAME_BYTES


def post(server: str, jpeg: bytes, **query: object) -> tuple[int, bytes]:
    """Status and body of a posted frame."""
    values = {**SETTINGS, "consent": "true", **query}
    address = f"{server}/live/frame?{urllib.parse.urlencode(values)}"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data=jpeg, method="POST"), timeout=60) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def scan_bomb(side: int = 1000, scans: int = 3000) -> bytes:
    """A progressive JPEG with many empty refinement scans."""
    buffer = io.BytesIO()
    Image.new("L", (side, side)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * scans + data[-2:]


def test_frames_are_marked_as_edited(server, jpeg):
    status, body = post(server, jpeg)
    assert status == 200
    assert is_marked(body)
    assert decompressed(body).shape == (480, 480, 3)
    assert read_marks(body).invisible


def test_viewers_who_post_frames_are_counted_too(server, empty, jpeg):
    with ExitStack() as stack:
        for _ in range(MAX_VIEWERS - 1):
            client = stack.enter_context(opened(server))
            client.send(json.dumps(SETTINGS))
            answer(client, 1, jpeg)
        own = "a" * MIN_SESSION_LENGTH
        assert post(server, jpeg, session=own)[0] == 200
        status, body = post(server, jpeg, session="b" * MIN_SESSION_LENGTH)
        assert (status, json.loads(body)["error"]) == (503, BUSY)
        assert post(server, jpeg)[0] == 503
        assert post(server, jpeg, session=own)[0] == 200  # keeps its place
        with opened(server) as late:
            assert json.loads(late.recv(timeout=10))["error"] == BUSY


@pytest.mark.parametrize("way", ["posted", "socket"])
def test_a_frame_of_a_thousand_scans_is_refused_at_once(server, way):
    bomb, start = scan_bomb(), time.monotonic()
    if way == "posted":
        status, body = post(server, bomb)
        assert status == 422
    else:
        with opened(server) as client:
            client.send(json.dumps(SETTINGS))
            client.send((1).to_bytes(4, "big") + bomb)
            body = client.recv(timeout=30)
    assert "scans" in json.loads(body)["error"]
    assert time.monotonic() - start < 5  # it takes a minute to decode


@pytest.mark.parametrize("text", ["[" * 100_000, '{"strength": 1e999999, "attribute": "x"}'])
def test_hostile_settings_are_one_sentence_and_the_next_are_taken(server, jpeg, text):
    with opened(server) as client:
        client.send(text)
        assert json.loads(client.recv(timeout=10))["error"]
        client.send(json.dumps(SETTINGS))
        assert answer(client, 1, jpeg)[0] & 1 == FRAME

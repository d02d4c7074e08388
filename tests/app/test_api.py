"""The named endpoints, and what a hostile client may try."""

from __future__ import annotations

import base64
import http.server
import io
import json
import re
import threading
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from films import facts, film
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from diat.attributes import ATTRIBUTES
from diat.marks import read_marks
from diat.pages.first_sight import LINK_PICTURE_SIZE
from diat.pages.link_preview import TITLE
from diat.pages.parts import action_of
from diat.photo import MAX_BYTES
from diat.provenance import is_marked


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return Client(server, verbose=False)


def call(server: str, photo: object) -> str:
    """The raw answer of /edit to a photograph given as this JSON."""
    data = [photo, "mouth_open", 1.0, [], True, False]
    body = json.dumps({"data": data}).encode()
    request = urllib.request.Request(f"{server}/gradio_api/call/edit", body, {"Content-Type": "application/json"})
    event = json.load(urllib.request.urlopen(request, timeout=30))["event_id"]
    return urllib.request.urlopen(f"{server}/gradio_api/call/edit/{event}", timeout=60).read().decode()


def test_edit_is_a_named_endpoint(client, hopper_path, hopper):
    near, whole, path, sentence = client.predict(
        handle_file(hopper_path), "eyeglasses_remove", 1.0, [], True, api_name="/edit"
    )
    pixels = np.asarray(Image.open(path))
    assert pixels.shape == hopper.shape
    assert (pixels != hopper).any()
    assert "identity similarity" in sentence
    assert len(near) == len(whole) == 2
    for result in (near[1], whole[1], path):
        marks = read_marks(Path(result))
        assert marks.invisible and marks.edited_by == "DIAT eyeglasses_remove strength=1", result
    assert not read_marks(Path(near[0])).edited and not read_marks(Path(whole[0])).edited


def test_faces_is_a_named_endpoint(client, tmp_path, crowd):
    Image.fromarray(crowd).save(tmp_path / "crowd.png")
    numbers, sentence = client.predict(handle_file(tmp_path / "crowd.png"), api_name="/faces")
    assert numbers == ["1", "2"]
    assert sentence.startswith("2 faces found")


def test_no_consent_no_result(client, hopper_path):
    with pytest.raises(AppError, match="Confirm consent first"):
        client.predict(handle_file(hopper_path), "mouth_open", 1.0, [], False, api_name="/edit")


def test_a_refusal_is_an_error_with_a_sentence_and_no_traceback(client, tmp_path, log_path):
    before = len(log_path.read_text())
    Image.new("RGB", (300, 300), "green").save(tmp_path / "green.png")
    photo = handle_file(tmp_path / "green.png")
    for endpoint, arguments in (("/edit", ("mouth_open", 1.0, [], True)), ("/every", (1.0, True)), ("/faces", ())):
        with pytest.raises(AppError, match="No face found"):
            client.predict(photo, *arguments, api_name=endpoint)
    assert "Traceback" not in log_path.read_text()[before:]


@pytest.mark.parametrize("name", ["evil.gif", "../../x.jpg", "CON", "a" * 250 + ".jpg", "\u202egpj.exe"])
def test_the_name_of_a_file_changes_nothing(client, server, hopper_path, name):
    boundary = "----b"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    body = head + hopper_path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(f"{server}/gradio_api/upload", body, headers)
    (path,) = json.load(urllib.request.urlopen(request, timeout=30))
    answer = call(server, {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}})
    assert "identity similarity" in answer


def test_an_address_is_not_fetched(server):
    asked = []

    class Canary(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    canary = http.server.HTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=canary.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{canary.server_port}/face.jpg"
    for photo in ({"path": url}, {"path": url, "url": url}, {"url": url, "path": None}, {"path": "x", "url": url}):
        answer = call(server, {**photo, "meta": {"_type": "gradio.FileData"}})
        assert "identity similarity" not in answer
    canary.shutdown()
    assert asked == []


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "file:///etc/passwd", "app.py", "examples/../app.py", "/proc/self/environ"]
)
@pytest.mark.parametrize(
    "extra", [{}, {"is_stream": True}, {"proxy_url": "http://127.0.0.1:9"}], ids=["", "stream", "proxy"]
)
def test_a_path_of_the_server_is_not_read(server, path, extra, upload_folder):
    answer = call(server, {"path": path, "meta": {"_type": "gradio.FileData"}, **extra})
    assert "identity similarity" not in answer
    assert "root:" not in answer
    assert not [file for file in upload_folder.rglob("*") if file.name in ("passwd", "app.py", "environ")]


def test_a_data_url_is_refused_not_decoded(server, hopper_path):
    url = "data:image/jpeg;base64," + base64.b64encode(hopper_path.read_bytes()).decode()
    answer = call(server, {"path": None, "url": url, "meta": {"_type": "gradio.FileData"}})
    assert "identity similarity" not in answer


@pytest.mark.parametrize("where", ["upload", "call/edit"])
def test_too_large_a_body_is_refused_and_leaves_nothing(server, upload_folder, where):
    before = sum(file.stat().st_size for file in upload_folder.rglob("*") if file.is_file())
    body = b"x" * (MAX_BYTES + 2**21)
    headers = {"Content-Type": "multipart/form-data; boundary=b" if where == "upload" else "application/json"}
    request = urllib.request.Request(f"{server}/gradio_api/{where}", body, headers)
    try:
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(request, timeout=60)
        assert error.value.code == 413
        assert "too large" in error.value.read().decode()
    except urllib.error.URLError as cut:
        # The server answers before the body is through and closes: some clients see only the close.
        assert isinstance(cut.reason, (BrokenPipeError, ConnectionResetError))
    after = sum(file.stat().st_size for file in upload_folder.rglob("*") if file.is_file())
    assert after == before


def test_a_body_of_unsaid_length_is_counted(server):
    import socket
    from urllib.parse import urlparse

    host = urlparse(server)
    with socket.create_connection((host.hostname, host.port), timeout=60) as connection:
        connection.sendall(
            b"POST /gradio_api/call/edit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"x" * 2**20
        try:
            for _ in range(MAX_BYTES // 2**20 + 8):
                connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        connection.settimeout(20)
        try:
            answer = connection.recv(4096)
        except ConnectionResetError:
            return
        assert b" 413 " in answer.split(b"\r\n")[0]


def test_results_lie_where_gradio_deletes_them_and_nowhere_else(client, hopper_path, scratch_folder, upload_folder):
    client.predict(handle_file(hopper_path), "mouth_open", 1.0, [], True, api_name="/edit")
    assert list(upload_folder.rglob("grace_hopper-open-mouth.jpg"))
    assert not [path for path in scratch_folder.rglob("*") if path.is_file()]


def test_the_result_carries_nothing_of_the_originals_metadata(client, hopper_path, tmp_path):
    exif = Image.Exif()
    exif[270] = "canary-description"
    exif.get_ifd(0x8825)[1] = "N"
    Image.open(hopper_path).save(tmp_path / "gps.jpg", exif=exif, comment=b"canary-comment")
    *_, path, _ = client.predict(handle_file(tmp_path / "gps.jpg"), "mouth_open", 1.0, [], True, api_name="/edit")
    data = Path(path).read_bytes()
    assert b"canary" not in data
    assert b"eXIf" not in data


def test_marks_are_read(client, hopper_path, tmp_path):
    *_, path, _ = client.predict(handle_file(hopper_path), "eyeglasses_remove", 1.0, [], True, api_name="/edit")
    Image.open(path).convert("RGB").save(tmp_path / "again.jpg", quality=75)
    assert "invisible mark" in client.predict(handle_file(tmp_path / "again.jpg"), api_name="/verify")
    assert "No mark was found" in client.predict(handle_file(hopper_path), api_name="/verify")


def test_the_attributes_are_listed(client):
    listed = client.predict(api_name="/attributes")
    assert [entry["name"] for entry in listed] == list(ATTRIBUTES)
    assert {entry["scope"] for entry in listed} == {"local", "global"}


def test_every_change_of_one_face_at_once(client, hopper_path):
    shown, sentence = client.predict(handle_file(hopper_path), 1.0, True, api_name="/every")
    names = [entry["caption"].split(":")[0] for entry in shown]
    assert names == ["Original", *map(action_of, ATTRIBUTES)]
    pictures = [Path(entry["image"]).read_bytes() for entry in shown]
    assert len(set(pictures)) == len(ATTRIBUTES)
    assert pictures[0] == pictures[1 + names[1:].index("Close mouth")]  # her lips are together already
    assert "how similar it is to the original" in sentence
    marked = [read_marks(Path(entry["image"])) for entry in shown]
    for entry, marks in zip(shown[1:], marked[1:], strict=True):
        assert (marks.declared and marks.invisible) != entry["caption"].endswith("nothing to change")
    assert not marked[0].edited


def test_many_photographs_come_back_as_a_zip_and_those_that_cannot_be_used_are_named(client, hopper_path, tmp_path):
    Image.new("RGB", (300, 300), "green").save(tmp_path / "green.png")
    files = [handle_file(hopper_path), handle_file(tmp_path / "green.png"), handle_file(hopper_path)]
    shown, archive, sentence = client.predict(files, "mouth_open", 1.0, False, True, api_name="/many")
    assert len(shown) == 2
    assert "2 of 3 photos changed" in sentence
    assert "green.png was skipped. No face found" in sentence
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == ["grace_hopper-open-mouth.jpg", "grace_hopper-open-mouth-2.jpg"]
        assert is_marked(packed.read("grace_hopper-open-mouth.jpg"))
        assert read_marks(packed.read("grace_hopper-open-mouth-2.jpg")).invisible
    for entry in shown:
        marks = read_marks(Path(entry["image"]))
        assert marks.declared and marks.invisible


def test_a_video_comes_back_changed(client, collins, tmp_path):
    source = film(tmp_path / "in.mp4", [np.ascontiguousarray(collins[:320, 60:380])] * 5)
    result, sentence = client.predict(handle_file(source), "mouth_close", 1.0, "all", 1, True, api_name="/video")
    assert sentence.startswith("Done: 5 of 5 frames changed")
    path = Path(result["video"] if isinstance(result, dict) else result)
    assert facts(path)["sound"] == facts(source)["sound"]
    marks = read_marks(path)
    assert marks.declared and marks.invisible
    assert client.predict(handle_file(path), api_name="/verify").startswith("This file is not")


@pytest.mark.parametrize(
    ("endpoint", "arguments"),
    [("/every", (1.0, False)), ("/many", ("mouth_open", 1.0, False, False))],
)
def test_no_consent_no_result_anywhere(client, hopper_path, endpoint, arguments):
    photo = handle_file(hopper_path)
    with pytest.raises(AppError, match="Confirm consent first"):
        client.predict([photo] if endpoint == "/many" else photo, *arguments, api_name=endpoint)


@pytest.mark.parametrize(("attribute", "strength"), [("beard_on", 1.0), ("mouth_open", 9)])
def test_choices_that_cannot_be_are_refused_and_leave_no_traceback_in_the_log(
    client, hopper_path, log_path, attribute, strength
):
    before = len(log_path.read_text())
    with pytest.raises(AppError):
        client.predict(handle_file(hopper_path), attribute, strength, [], True, api_name="/edit")
    assert "Traceback" not in log_path.read_text()[before:]


def test_the_page_without_a_browser_begins_with_the_demos_own_link_preview(server):
    with urllib.request.urlopen(server, timeout=10) as reply:
        page = reply.read().decode()
    tags = re.findall(r'<meta (?:property|name)="(?:og|twitter):(.+?)" content="(.*?)"', page)
    assert tags[0] == ("title", TITLE) and "Gradio" not in str(tags)
    with urllib.request.urlopen(dict(tags)["image"], timeout=10) as picture:
        assert Image.open(io.BytesIO(picture.read())).size == LINK_PICTURE_SIZE
    for path in re.findall('<link rel="preload" as="image" href="(.*?)">', page):
        assert urllib.request.urlopen(server + path, timeout=10).headers["content-type"] == "image/jpeg"
